"""Intel's MKL."""

from __future__ import annotations

from threadpoolctl import threadpool_info


def is_available() -> bool:
    """Whether the BLAS that NumPy calls is MKL."""
    return any(library["internal_api"] == "mkl" for library in threadpool_info())
