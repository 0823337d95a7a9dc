"""Creation functions of the standard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import lamella_core as core
from lamella_array_api.adapting import named
from lamella_core import empty_like, from_dlpack, full_like, ones_like, zeros_like

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor

__all__ = [
    "arange", "asarray", "empty", "empty_like", "eye", "from_dlpack", "full", "full_like",
    "linspace", "meshgrid", "ones", "ones_like", "tril", "triu", "zeros", "zeros_like",
]  # fmt: skip


def _filled(function: Any) -> Any:
    name = function.__name__

    def make(shape: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
        return function(shape, dtype=dtype, device=device)

    return named(make, name, f"``{name}`` of a shape, an integer or a tuple of them.")


empty, ones, zeros = map(_filled, (core.empty, core.ones, core.zeros))


def _triangle(name: str, function: Any) -> Any:
    def triangle(x: Tensor, /, *, k: int = 0) -> Tensor:
        return function(x, k)

    return named(triangle, name, f"``{name}`` of matrices, with the ``k``-th diagonal.")


tril, triu = _triangle("tril", core.tril), _triangle("triu", core.triu)


def arange(
    start: float, /, stop: Any = None, step: float = 1, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """Numbers from ``start`` (0 when it is alone) to before ``stop``."""
    if stop is None:
        start, stop = 0, start
    if (stop - start) * step < 0:
        # PyTorch's is an error where nothing lies between.
        stop = start
    return core.arange(start, stop, step, dtype=dtype, device=device)


def asarray(
    obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None
) -> Tensor:
    """Numbers, nested sequences, a buffer or another library's array as an array.

    Raises:
        ValueError: when ``copy`` is False and a copy is needed.
    """
    if copy is None and isinstance(obj, np.ndarray):
        # What tensors cannot share is copied: negative strides.
        obj = np.ascontiguousarray(obj) if any(s < 0 for s in obj.strides) else obj
    return core.asarray(obj, dtype=dtype, device=device, copy=copy)


def eye(
    n_rows: int,
    n_cols: int | None = None,
    /,
    *,
    k: int = 0,
    dtype: Any = None,
    device: Any = None,
) -> Tensor:
    """Ones on the ``k``-th diagonal, zeros elsewhere."""
    made = zeros((n_rows, n_rows if n_cols is None else n_cols), dtype=dtype, device=device)
    if -n_rows < k < made.shape[1]:
        made.diagonal(k).fill_(1)
    return made


def full(shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """An array of one number."""
    size = (shape,) if isinstance(shape, int) else shape
    return core.full(size, fill_value, dtype=dtype, device=device)


def linspace(
    start: complex,
    stop: complex,
    /,
    num: int,
    *,
    dtype: Any = None,
    device: Any = None,
    endpoint: bool = True,
) -> Tensor:
    """``num`` evenly spaced numbers, ``stop`` the last of them or the one after."""
    made = core.linspace(start, stop, num if endpoint else num + 1, dtype=dtype, device=device)
    return made[:num]


def meshgrid(*arrays: Tensor, indexing: str = "xy") -> list[Tensor]:
    """The coordinates of a grid, an array for each axis."""
    return list(core.meshgrid(*arrays, indexing=indexing))
