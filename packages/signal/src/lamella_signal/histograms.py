"""Histograms of samples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lamella_core import return_types
from lamella_core.composite import composite
from lamella_core.conventions.arrays import arrays
from lamella_core.conventions.common import not_implemented_for
from lamella_core.conventions.results import offering, write_out, write_outs
from lamella_core.dtype import FLOATING
from lamella_core.ops.creation import linspace
from lamella_core.tensor import Tensor
from lamella_signal import histogram_kernels  # noqa: F401

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["histc", "histogram"]

_histc = arrays(refuses="bool integer complex", reduced_precision=True)(
    "histc(input: Tensor, bins: int, min: Number, max: Number)"
)


@composite()
def histc(
    input: Tensor, bins: int = 100, min: float = 0, max: float = 0, *, out: Tensor | None = None
) -> Tensor:
    """Counts of elements in ``bins`` intervals of equal width between ``min`` and ``max``.

    Elements outside and NaN are not counted. With ``min`` equal to ``max`` the range is that of
    the elements.

    Returns:
        ``(bins,)`` of the input's dtype.

    Raises:
        RuntimeError: when ``bins`` is not positive, ``max`` is less than ``min`` or the range is
            not finite.
    """
    if bins <= 0:
        raise RuntimeError(f"bins must be > 0 (histc: got {bins})")
    if min > max:
        raise RuntimeError(f"max must be larger than min (histc: got min={min}, max={max})")
    return write_out("histc", offering(out, _histc)(input, bins, min, max), out)


_histogram = arrays(refuses="bool integer complex")(
    "histogram(input: Tensor, edges: Tensor, weight: Tensor | None, density: bool)"
)


@composite()
def histogram(
    input: Tensor,
    bins: int | Tensor,
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
    out: tuple[Tensor, Tensor] | None = None,
) -> Any:
    """Histogram of all elements.

    Args:
        input: floating.
        bins: how many bins of equal width; or the ascending edges, 1-D.
        range: the lowest and highest edge where ``bins`` is a count; by default the least and the
            greatest element.
        weight: what each element counts, of the input's shape and dtype.
        density: divide so that the integral is 1.

    Returns:
        A named tuple ``(hist, bin_edges)``. Bins are half open but the last, which is closed.

    Raises:
        RuntimeError: when a shape, a dtype or the range does not fit.
    """
    if isinstance(bins, Tensor):
        if bins._dtype is not input._dtype:
            raise RuntimeError(
                f"torch.histogram(): input tensor and bins tensors should have the same dtype, but "
                f"got input with dtype {input._dtype.class_name} and bins with dtype "
                f"{bins._dtype.class_name}"
            )
        if bins._array.ndim != 1 or bins._array.size < 2:
            raise RuntimeError(
                f"torch.histogram(): bins must have one dimension and at least two edges, "
                f"but got shape {list(bins._array.shape)}"
            )
        edges = bins
    else:
        edges = even_edges(input, bins, range)
    if weight is not None and weight._array.shape != input._array.shape:
        raise RuntimeError(
            f"histogramdd: if weight tensor is provided it should have the same shape as the input "
            f"tensor excluding its innermost dimension, but got input with shape "
            f"{list(input._array.shape)} and weight with shape {list(weight._array.shape)}"
        )
    if weight is not None and weight._dtype is not input._dtype:
        raise RuntimeError(
            f"histogramdd: if weight tensor is provided, input tensor and weight tensor should "
            f"have the same dtype, but got input({input._dtype.class_name}), and "
            f"weight({weight._dtype.class_name})"
        )
    counts = _histogram(input, edges, weight, density)
    return write_outs("histogram", return_types.histogram(counts, edges), out)


def even_edges(input: Tensor, bins: int, range: Sequence[float] | None) -> Tensor:
    """The edges of bins of equal width over a range, by default that of the elements."""
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins}")
    if input._dtype.category != FLOATING:
        raise not_implemented_for("histogram", input._dtype)
    if range is not None:
        low, high = range
        if not low <= high or low == -math.inf or high == math.inf:
            raise RuntimeError(
                f"torch.histogramdd: min should not exceed max, and both be finite, but got min "
                f"{low} max {high}"
            )
    elif input._array.size:
        low, high = input.amin().item(), input.amax().item()
    else:
        low, high = 0.0, 1.0
    if low == high:
        low, high = low - 0.5, high + 0.5
    return linspace(low, high, bins + 1, dtype=input._dtype, device=input.device)
