"""``torch.__config__``: what computes here, as text for reports."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from threadpoolctl import threadpool_info

import lamella
from lamella.backends.cpu import get_cpu_capability

__all__ = ["parallel_info", "show"]


def show() -> str:
    """The versions of the libraries under the ops, and the processor's vector instructions."""
    lines = [f"lamella {lamella.__version__} on:"]
    for name in ("numpy", "scipy", "ml_dtypes", "cupy", "lamella-cpu-kernels"):
        try:
            lines.append(f"  - {name} {version(name)}")
        except PackageNotFoundError:
            if find_spec(name.replace("-", "_")) is not None:
                lines.append(f"  - {name}")
    lines += [f"  - {each}" for each in _libraries()]
    lines.append(f"  - CPU capability usage: {get_cpu_capability()}")
    return "\n".join(lines) + "\n"


def parallel_info() -> str:
    """The threads of ops and of the libraries under them, and what the environment says."""
    lines = [
        f"torch.get_num_threads() : {lamella.get_num_threads()}",
        f"torch.get_num_interop_threads() : {lamella.get_num_interop_threads()}",
        *_libraries(),
        f"os.cpu_count() : {os.cpu_count()}",
        "Environment variables:",
        *(
            f"\t{name} : {os.environ.get(name, '[not set]')}"
            for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        ),
    ]
    return "\n".join(lines) + "\n"


def _libraries() -> list[str]:
    return [
        f"{each['internal_api']} {each['version'] or ''} ({each['user_api']}, "
        f"{each['num_threads']} threads)"
        for each in threadpool_info()
    ]
