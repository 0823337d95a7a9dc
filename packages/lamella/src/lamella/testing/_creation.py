"""Tensors of random numbers of any type, to try ops on."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import lamella_core as core

if TYPE_CHECKING:
    from lamella_core import Tensor
    from lamella_core.device import Device
    from lamella_core.dtype import dtype as DType


def make_tensor(
    *shape: Any,
    dtype: DType,
    device: str | Device,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of evenly distributed random numbers in ``[low, high)``.

    Args:
        shape: integers, one by one or as one sequence.
        dtype, device: the type of the elements and their place.
        low, high: the ends, cut to what the type holds. By default -9 and 9 for floating and
            complex types (for both parts), -9 and 10 for integers (0 and 10 without a sign), 0 and
            2 for bools.
        requires_grad: whether a leaf of the graph is wanted.
        noncontiguous: take every second element of a tensor twice as wide; not for a single
            element.
        exclude_zero: replace zeros by 1, in floating types by the smallest normal number.
        memory_format: the order in memory.

    Raises:
        ValueError: for ends that are no numbers or in the wrong order, for integers that should
            require grad, for a memory format of a tensor with gaps.
    """
    size = tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape
    inexact = dtype.is_floating_point or dtype.is_complex
    if noncontiguous and memory_format is not None:
        raise ValueError(
            "The parameters `noncontiguous` and `memory_format` are mutually exclusive, "
            f"but got noncontiguous={noncontiguous} and memory_format={memory_format}"
        )
    if requires_grad and not inexact:
        raise ValueError(
            "`requires_grad=True` is not supported for boolean and integral dtypes, "
            f"but got dtype={dtype!r}"
        )
    least, most = _ends(dtype, low, high)
    gaps = noncontiguous and math.prod(size) > 1
    filled = (*size[:-1], 2 * size[-1]) if gaps else size
    result: Tensor = core.empty(filled, dtype=dtype, device=device)
    if inexact:
        parts = core.view_as_real(result) if dtype.is_complex else result
        _fill_evenly(parts, least, most)
    else:
        result.random_(int(least), int(most))
    if gaps:
        result = result[..., 1::2]
    elif memory_format is not None:
        result = result.clone(memory_format=memory_format)
    if exclude_zero:
        result[result == 0] = core.finfo(dtype).tiny if inexact else 1
    return result.requires_grad_() if requires_grad else result


def _ends(dtype: DType, low: float | None, high: float | None) -> tuple[float, float]:
    """Checked, and cut to the range of the type."""
    inexact = dtype.is_floating_point or dtype.is_complex
    if inexact:
        limits = core.finfo(dtype)
        least, most, defaults = limits.min, limits.max, (-9.0, 9.0)
    elif dtype is core.bool:
        least, most, defaults = 0, 2, (0.0, 2.0)
    else:
        whole = core.iinfo(dtype)
        least, most = whole.min, whole.max + (dtype is not core.int64)
        defaults = (-9.0 if least < 0 else 0.0, 10.0)
    low = defaults[0] if low is None else low
    high = defaults[1] if high is None else high
    if math.isnan(low) or math.isnan(high):
        raise ValueError(f"`low` and `high` cannot be NaN, but got {low=} and {high=}")
    if low == high and inexact:
        warnings.warn(
            "Passing `low==high` to `torch.testing.make_tensor` for floating or complex types is "
            "deprecated since 2.1 and will be removed in 2.3. Use `torch.full(...)` instead.",
            FutureWarning,
            stacklevel=3,
        )
    elif low >= high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    elif high < least or low > most:
        raise ValueError(
            f"The value interval specified by `low` and `high` is [{low}, {high}), "
            f"but {dtype!r} only supports [{least}, {most})"
        )
    low, high = max(low, least), min(high, most)
    return (low, high) if inexact else (math.ceil(low), math.ceil(high))


def _fill_evenly(target: Tensor, low: float, high: float) -> None:
    if high - low >= core.finfo(target.dtype).max:
        target.uniform_(low / 2, high / 2).mul_(2)
    else:
        target.uniform_(low, high)
