"""Histograms over several variables."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core import return_types
from lamella_core.composite import composite
from lamella_core.conventions.common import not_implemented_for
from lamella_core.dtype import FLOATING
from lamella_core.ops.sorting import searchsorted
from lamella_core.tensor import Tensor
from lamella_signal.histograms import even_edges

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["histogramdd"]


@composite(method=False)
def histogramdd(
    input: Tensor,
    bins: Any,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> Any:
    """Histogram of points over the boxes of a grid.

    Args:
        input: ``(*, D)``, floating: points of ``D`` coordinates.
        bins: the number of equal bins, for all dimensions or for each; or the ascending edges of
            each, as a sequence of 1-D tensors.
        range: the lowest and the highest edge of each dimension, ``2 D`` numbers; by default the
            least and the greatest coordinate.
        weight: ``(*)``: what each point counts.
        density: divide so that the integral is 1.

    Returns:
        A named tuple ``(hist, bin_edges)``: counts with a dimension for each coordinate, and a
        tuple of the edges. Bins are half open but the last of a dimension, which is closed.

    Raises:
        RuntimeError: when a shape, a type or the range does not fit.
        NotImplementedError: for an input that is not floating.
    """
    shape = input._array.shape
    if not shape:
        raise IndexError("Dimension specified as -1 but tensor has no dimensions")
    if len(shape) < 2:
        raise RuntimeError(
            f"torch.histogramdd: input tensor should have at least 2 dimensions, got {list(shape)}"
        )
    count = shape[-1]
    bins = [bins] * count if isinstance(bins, int) else list(bins)
    if len(bins) != count:
        raise RuntimeError(
            f"histogramdd: The size of bins must be equal to the innermost dimension of the "
            f"input, got {len(bins)} and {count}"
        )
    if range is not None and len(range) != 2 * count:
        raise RuntimeError(
            f"torch.histogramdd: for a {count}-dimensional histogram range should have "
            f"{2 * count} elements, but got {len(range)}"
        )
    if weight is not None:
        _check_weight(input, weight)
    if input._dtype.category != FLOATING:
        raise not_implemented_for("histogramdd", input._dtype)
    points = input.reshape(math.prod(shape[:-1]), count)
    edges = []
    for i, each in enumerate(bins):
        if isinstance(each, Tensor):
            if each._dtype is not input._dtype:
                raise RuntimeError(
                    f"torch.histogramdd: input tensor and bins tensors should have the same "
                    f"dtype, but got {input._dtype.class_name} and {each._dtype.class_name}"
                )
            edges.append(each)
        else:
            bounds = None if range is None else range[2 * i : 2 * i + 2]
            edges.append(even_edges(points[:, i], each, bounds))
    counts = _counts(points, edges, weight)
    if density:
        counts = counts / counts.sum()
        for i, each in enumerate(edges):
            widths = each[1:] - each[:-1]
            counts = counts / widths.reshape([-1] + [1] * (count - 1 - i))
    return return_types.histogramdd((counts, tuple(edges)))


def _check_weight(input: Tensor, weight: Tensor) -> None:
    if weight._array.shape != input._array.shape[:-1]:
        raise RuntimeError(
            f"torch.histogramdd: if weight tensor is provided it should have the same shape as "
            f"the input tensor excluding its innermost dimension, but got input with shape "
            f"{list(input._array.shape)} and weight with shape {list(weight._array.shape)}"
        )
    if weight._dtype is not input._dtype:
        raise RuntimeError(
            f"torch.histogramdd: if weight tensor is provided, input tensor and weight tensor "
            f"should have the same dtype, but got {input._dtype.class_name} and "
            f"{weight._dtype.class_name}"
        )


# Points that are counted at a time.
_PART = 16384


def _counts(points: Tensor, edges: list[Tensor], weight: Tensor | None) -> Tensor:
    sizes = [each._array.shape[0] - 1 for each in edges]
    counts = points.new_zeros(math.prod(sizes))
    weights = None if weight is None else weight.reshape(-1)
    for start in range(0, points._array.shape[0], _PART):
        part = slice(start, start + _PART)
        _count(counts, points[part], edges, None if weights is None else weights[part])
    return counts.reshape(sizes)


def _count(counts: Tensor, points: Tensor, edges: list[Tensor], weight: Tensor | None) -> None:
    place = points.new_zeros(points._array.shape[:1], dtype=dtypes.int64)
    inside = place == 0
    for i, each in enumerate(edges):
        values = points[:, i].contiguous()
        inside = inside & (values >= each[0]) & (values <= each[-1])
        bins = each._array.shape[0] - 1
        bin = (searchsorted(each, values, right=True) - 1).clamp(0, bins - 1)
        place = place * bins + bin
    weights = points.new_ones(points._array.shape[:1]) if weight is None else weight
    counts.index_add_(0, place[inside], weights[inside])
