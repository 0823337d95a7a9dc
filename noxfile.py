"""Every check of lamella, by name.

``nox`` runs all of them but the benchmarks and what needs a GPU, ``nox --list`` names them, and
what stands after ``--`` goes to the program of the session: ``nox -s "tests(nn)" -- -k linear``.

The sessions test what a user would install. ``wheels`` builds each package once, and the others
install those files through a constraints file, so that pip follows the dependencies that a package
declares and finds lamella's own in this checkout alone.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
# pip, not uv: it alone reads pip's settings, and with them the place of a CPU build of PyTorch.
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True

ROOT = Path(__file__).parent
WHEELS = ROOT / ".nox" / "lamella-wheels"
CONSTRAINTS = WHEELS / "constraints.txt"

# Each package's folder, and the siblings that its environment holds beside it.
PACKAGES: dict[str, set[str]] = {
    "tensor-core": set(),
    "autograd": {"tensor-core"},
    "sparse": {"tensor-core", "autograd"},
    "quantization": {"tensor-core"},
    "masked": {"tensor-core"},
    "signal": {"tensor-core"},
    "array-api": {"tensor-core", "signal"},
    "cuda-kernels": {"tensor-core"},
    "nn": {"tensor-core", "autograd"},
    "optim": {"tensor-core", "autograd"},
    "data": {"tensor-core"},
    "lamella": {
        *("tensor-core", "autograd", "sparse", "quantization", "masked", "signal", "array-api"),
        *("nn", "optim", "data"),
    },
}
IMPORT_NAMES = {
    "tensor-core": "lamella_core",
    "autograd": "lamella_autograd",
    "sparse": "lamella_sparse",
    "quantization": "lamella_quantization",
    "masked": "lamella_masked",
    "signal": "lamella_signal",
    "array-api": "lamella_array_api",
    "cuda-kernels": "lamella_cuda_kernels",
    "nn": "lamella_nn",
    "optim": "lamella_optim",
    "data": "lamella_data",
    "lamella": "lamella",
}

# The plugin that needs a C++ compiler, and what builds it.
NATIVE = "cpu-kernels"
NATIVE_BUILD = ("nanobind>=2.4", "scikit-build-core>=0.10", "cmake>=3.20", "ninja", "numpy>=2.1")

# The oracle, to the release: lamella's numbers, texts and signatures are this one's.
TORCH = "torch==2.13.0"

# Tests that need CUDA, or the stand-in for CuPy.
ON_CUDA = ("packages/cuda-kernels/tests", "conformance/cupy-stand-in/tests")
# What the example on scanned digits needs beside lamella.
DEMO = ("scikit-learn", "matplotlib", "tqdm")

# Two threads each for BLAS: more than a small machine has cores only makes the threads wait.
THREADS = {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}

FIND_UNDECLARED = """
import importlib.util, sys
found = [name for name in sys.argv[1:] if importlib.util.find_spec(name)]
sys.exit(f"not declared, yet importable: {', '.join(found)}" if found else 0)
"""


def distribution(folder: str) -> str:
    return folder if folder == "lamella" else f"lamella-{folder}"


def install(session: nox.Session, *requirements: str) -> None:
    """Install requirements, lamella's own from the wheels that this run built."""
    # pip leaves a wheel alone whose version is installed, even if its content has changed.
    ours = [distribution(folder) for folder in (*PACKAGES, NATIVE)]
    session.run_install("python", "-m", "pip", "uninstall", "--quiet", "--yes", *ours, silent=True)
    session.install("--constraint", str(CONSTRAINTS), *requirements)


@nox.session
def wheels(session: nox.Session) -> None:
    """Build the wheel of every package; the sessions that install them ask for this one."""
    session.install("hatchling>=1.27")
    shutil.rmtree(WHEELS, ignore_errors=True)
    WHEELS.mkdir(parents=True)
    session.run(
        *("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"),
        *("--wheel-dir", str(WHEELS)),
        *(str(ROOT / "packages" / folder) for folder in PACKAGES),
    )
    lines = []
    for folder in PACKAGES:
        name = distribution(folder)
        (wheel,) = WHEELS.glob(f"{name.replace('-', '_')}-[0-9]*.whl")
        lines.append(f"{name} @ {wheel.as_uri()}\n")
    CONSTRAINTS.write_text("".join(lines))


def has_compiler() -> bool:
    return any(shutil.which(name) for name in (os.environ.get("CXX", "c++"), "g++", "clang++"))


def install_native(session: nox.Session) -> None:
    """Build and install the kernels in C++, against the wheels that this run built."""
    session.install(*NATIVE_BUILD)
    session.install(
        *("--constraint", str(CONSTRAINTS)),
        *("--no-build-isolation", str(ROOT / "packages" / NATIVE)),
    )


@nox.session
def lint(session: nox.Session) -> None:
    """Style, format, and the direction of imports."""
    session.install("ruff>=0.12", "import-linter>=2.3")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    folders = (*PACKAGES, NATIVE)
    sources = os.pathsep.join(str(ROOT / "packages" / folder / "src") for folder in folders)
    session.run("lint-imports", env={"PYTHONPATH": sources})


@nox.session
def typing(session: nox.Session) -> None:
    """Types of every package's source."""
    session.install("mypy>=1.15", "numpy>=2.1", "ml_dtypes>=0.5")
    session.run("mypy", *(f"packages/{folder}/src" for folder in (*PACKAGES, NATIVE)))


@nox.session(requires=["wheels"], reuse_venv=False)
@nox.parametrize("package", [nox.param(folder, id=folder) for folder in PACKAGES])
def tests(session: nox.Session, package: str) -> None:
    """A package's own tests, where only what it declares is installed."""
    install(session, distribution(package), "pytest>=8")
    held = {package} | PACKAGES[package]
    undeclared = [name for folder, name in IMPORT_NAMES.items() if folder not in held]
    session.log("checking that torch and undeclared siblings cannot be imported")
    session.run("python", "-c", FIND_UNDECLARED, "torch", *undeclared, log=False)
    session.run("pytest", f"packages/{package}/tests", *session.posargs, env=THREADS)


@nox.session(requires=["wheels"])
def extras(session: nox.Session) -> None:
    """The tests of the packages that have extras once more, with those that need no GPU."""
    requirements = (
        "lamella-tensor-core[scipy]",
        "lamella[safetensors]",
        "lamella-data[streaming,parquet]",
    )
    # An S3 store on this machine, and a client; moto's own extra "server" is three times as large.
    store = ("moto[s3]>=5", "flask", "flask-cors", "s3fs")
    install(
        session, *requirements, *store, "lamella-signal[scipy]", "lamella-autograd", "pytest>=8"
    )
    tested = ("tensor-core", "autograd", "signal", "data")
    folders = [f"packages/{folder}/tests" for folder in tested]
    folders.append("packages/lamella/tests/test_safetensors.py")
    session.run("pytest", *folders, *session.posargs, env=THREADS)


@nox.session(name="backend-plugin", requires=["wheels"])
def backend_plugin(session: nox.Session) -> None:
    """A backend from outside packages/, found by its entry point."""
    install(session, "lamella", "./conformance/toy-backend", "pytest>=8")
    session.run("pytest", "conformance/toy-backend", *session.posargs, env=THREADS)


@nox.session(name="cupy-stand-in", requires=["wheels"])
def cupy_stand_in(session: nox.Session) -> None:
    """The CUDA backend over a stand-in for CuPy that has only what CuPy has; no GPU takes part."""
    requirements = ("lamella", "lamella-cuda-kernels", TORCH, "expecttest", "hypothesis")
    install(session, *requirements, "pytest>=8")
    environment = {**THREADS, "PYTHONPATH": str(ROOT / "conformance/cupy-stand-in/src")}
    session.run("pytest", "-p", "lamella_cupy_stand_in.plugin", *ON_CUDA, env=environment)
    session.run("python", "conformance/cupy-stand-in/run.py", *session.posargs, env=THREADS)


@nox.session(requires=["wheels"], default=False)
def gpu(session: nox.Session) -> None:
    """On a GPU with CUDA 13: the backend's tests, some beside PyTorch; the operator database."""
    requirements = ("lamella", "lamella-cuda-kernels", "cupy-cuda13x>=14", TORCH)
    install(session, *requirements, "expecttest", "hypothesis", "pytest>=8")
    environment = {**THREADS, "PYTHONPATH": str(ROOT / "conformance/cupy-stand-in/src")}
    beside = ("packages/lamella/tests/cuda", "conformance/cuda")
    session.run("pytest", *ON_CUDA, *beside, env=environment)
    session.run(
        "python", "conformance/cupy-stand-in/run.py", "--gpu", *session.posargs, env=THREADS
    )


@nox.session(requires=["wheels"])
def native(session: nox.Session) -> None:
    """The kernels in C++: their own tests, and those of the ops that they serve."""
    if not has_compiler():
        session.skip("no C++ compiler found: the kernels in C++ are not built and not tested")
    install(session, "lamella", "pytest>=8")
    install_native(session)
    session.run("pytest", f"packages/{NATIVE}/tests", *session.posargs, env=THREADS)
    session.run(
        *("pytest", "-p", "lamella_cpu_kernels", "packages/optim/tests"),
        *("packages/nn/tests/functional", "packages/autograd/tests/derivatives"),
        env=THREADS,
    )


@nox.session(requires=["wheels"])
def programs(session: nox.Session) -> None:
    """The tests of the examples and of the benchmark command."""
    install(session, "lamella", *DEMO, "pytest>=8")
    session.run("pytest", "benchmarks", "examples", *session.posargs, env=THREADS)


@nox.session(requires=["wheels"])
def parity(session: nox.Session) -> None:
    """PyTorch's operator database, run against lamella."""
    # scikit-learn, with SciPy, for the array API: they are given our tensors.
    install(session, "lamella", TORCH, "expecttest", "hypothesis", "scikit-learn>=1.8", "pytest>=8")
    aside = [f"--ignore=conformance/{each}" for each in ("toy-backend", "cupy-stand-in")]
    session.run("pytest", "conformance", *aside, env=THREADS)
    session.run("python", "conformance/run.py", *session.posargs, env=THREADS)


@nox.session
def docs(session: nox.Session) -> None:
    """The site, with every warning an error."""
    session.install("mkdocs-material>=9.6", "mkdocstrings-python>=1.16")
    session.run("mkdocs", "build", "--strict", "--quiet", *session.posargs)


@nox.session(requires=["wheels"])
def demo(session: nox.Session) -> None:
    """Train a network on scanned digits, from the data to the report."""
    install(session, "lamella", *DEMO)
    session.run("python", "examples/digits/train.py", *session.posargs)


@nox.session(requires=["wheels"], default=False)
def bench(session: nox.Session) -> None:
    """The same programs under PyTorch and lamella, as ratios."""
    install(session, "lamella", TORCH)
    if has_compiler():
        install_native(session)
    session.run("python", "benchmarks/run.py", *session.posargs)
