"""``cupy.RawKernel`` and ``cupy.ElementwiseKernel``, compiled for the CPU by its C++ compiler."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from lamella_cupy_stand_in.arrays import ndarray

_TYPES = {
    "uint32": "unsigned int",
    "uint64": "unsigned long long",
    "float32": "float",
    "float64": "double",
}
_FLAGS = ("-O1", "-std=c++17", "-mf16c", "-w", "-shared", "-fPIC")
_HEADER = Path(__file__).with_name("device.hpp")


def compiler() -> str | None:
    """The path of a C++ compiler, or None."""
    return shutil.which(os.environ.get("CXX", "c++"))


def _library(source: str) -> ctypes.CDLL:
    """The compiled source; what was compiled once is found again by later processes."""
    key = hashlib.sha256((source + _HEADER.read_text()).encode()).hexdigest()[:24]
    folder = Path(tempfile.gettempdir()) / f"lamella-cupy-stand-in-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    library = folder / f"{key}.so"
    if not library.exists():
        program = compiler()
        if program is None:
            raise RuntimeError("no C++ compiler found for the stand-in's kernels")
        own = folder / f"{key}-{os.getpid()}"
        own.with_suffix(".cpp").write_text(source)
        given = str(own.with_suffix(".cpp"))
        subprocess.run([program, *_FLAGS, "-o", str(own), given], check=True)
        own.replace(library)
        own.with_suffix(".cpp").unlink()
    return ctypes.CDLL(str(library))


class RawKernel:
    """A kernel in CUDA C++, whose threads take turns; see ``device.hpp``."""

    def __init__(self, code: str, name: str, options: tuple[str, ...] = ()) -> None:
        code = "\n".join(
            line for line in code.split("\n") if not line.startswith("#include <cuda_")
        )
        source = (
            f'#include "{_HEADER}"\n{code}\n'
            f'extern "C" int launch_{name}(int count, void **arguments, const int *sizes, '
            f"const unsigned int *grid, const unsigned int *block) {{\n"
            f"return launch({name}, count, arguments, sizes, grid, block); }}\n"
        )
        self._name = name
        self._function = _library(source)[f"launch_{name}"]

    def __call__(
        self, grid: tuple[int, ...], block: tuple[int, ...], args: tuple[Any, ...]
    ) -> None:
        assert len(block) == 1 and 0 < block[0] <= 1024 and all(n > 0 for n in grid), (grid, block)
        values = [_argument(each) for each in args]
        pointers = (ctypes.c_void_p * len(values))(*(v.ctypes.data for v in values))
        sizes = (ctypes.c_int * len(values))(*(v.nbytes for v in values))
        wrong = self._function(len(values), pointers, sizes, _three(grid), _three(block))
        if wrong != -1:
            raise TypeError(f"{self._name}: argument {wrong} is not what the kernel takes")


def _argument(value: Any) -> np.ndarray:
    """A kernel's argument as bytes: CuPy passes Python numbers as 64 bits."""
    if isinstance(value, ndarray):
        return np.array([value._host.ctypes.data], np.uintp)
    if type(value) in (int, float) or isinstance(value, np.generic):
        return np.array([value])
    raise TypeError(f"Unsupported type {type(value)}")


def _three(sizes: tuple[int, ...]) -> Any:
    return (ctypes.c_uint * 3)(*sizes, *(1,) * (3 - len(sizes)))


class ElementwiseKernel:
    """A loop over ``i``; numbers in, one array out."""

    def __init__(
        self, in_params: str, out_params: str, operation: str, name: str, *, preamble: str = ""
    ) -> None:
        ins = [each.split() for each in in_params.split(",")]
        kind, out = out_params.split()
        arguments = ", ".join(f"{_TYPES[k]} {n}" for k, n in ins)
        source = (
            f'#include "{_HEADER}"\n{preamble}\n'
            f'extern "C" void {name}({_TYPES[kind]} *results, unsigned long long count, '
            f"{arguments}) {{\n"
            f"for (unsigned long long i = 0; i < count; i++) {{ {_TYPES[kind]} {out};\n"
            f"{operation}\nresults[i] = {out}; }} }}\n"
        )
        self._function = _library(source)[name]

    def __call__(self, *args: Any) -> Any:
        *numbers, out = args
        host = out._host
        assert host.flags.c_contiguous
        values = [ctypes.c_uint64(int(np.uint64(number))) for number in numbers]
        self._function(host.ctypes.data_as(ctypes.c_void_p), ctypes.c_uint64(host.size), *values)
        return out
