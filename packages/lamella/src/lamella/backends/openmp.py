"""OpenMP."""

from __future__ import annotations

from threadpoolctl import threadpool_info


def is_available() -> bool:
    """Whether a library that is loaded runs its threads by OpenMP."""
    return any(library["user_api"] == "openmp" for library in threadpool_info())
