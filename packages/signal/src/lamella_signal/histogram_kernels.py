"""Array kernels of histograms, and those of NumPy, which count a part at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella_core.backends.numpy_blocks import LARGE, PART
from lamella_core.backends.numpy_kernels.orders import flat_parts
from lamella_core.dispatch import register_kernel, shared_kernel
from lamella_core.offers import room


@shared_kernel
def histc(xp: Any, input: Any, bins: int, low: float, high: float) -> Any:
    values = input.ravel()
    low, high = histc_range(values, low, high)
    places = histc_places(xp, values, bins, low, high)
    return xp.bincount(places, minlength=bins).astype(input.dtype)


def histc_range(values: Any, low: float, high: float) -> tuple[float, float]:
    if low == high and values.size:
        low, high = values.min().item(), values.max().item()
    if low == high:
        low, high = low - 1, high + 1
    for bound in (low, high):
        if not float("-inf") < bound < float("inf"):
            raise RuntimeError(f"range of [{low}, {high}] is not finite")
    return low, high


def histc_places(xp: Any, values: Any, bins: int, low: Any, high: Any) -> Any:
    if values.dtype.kind not in "iu":
        number = values.dtype.type
        low, high, bins_in_type = number(low), number(high), number(bins)
    else:
        bins_in_type = bins
    values = values[(values >= low) & (values <= high)]
    places = ((values - low) * bins_in_type / (high - low)).astype(xp.int64)
    # Too great a range gives no number, and the place of the least integer.
    return xp.clip(places, 0, bins - 1, out=places)


@shared_kernel
def histogram(xp: Any, input: Any, edges: Any, weight: Any, density: bool) -> Any:
    weight = None if weight is None else weight.ravel()
    return histogram_of(histogram_counts(xp, input.ravel(), edges, weight), edges, density)


def histogram_counts(xp: Any, values: Any, edges: Any, weight: Any) -> Any:
    inside = (values >= edges[0]) & (values <= edges[-1])
    places = xp.searchsorted(edges, values[inside], side="right") - 1
    bins = edges.shape[0] - 1
    xp.minimum(places, bins - 1, out=places)
    return xp.bincount(places, None if weight is None else weight[inside], bins)


def histogram_of(counts: Any, edges: Any, density: bool) -> Any:
    counts = counts.astype(edges.dtype)
    return counts / counts.sum() / (edges[1:] - edges[:-1]) if density else counts


def _histc_in_parts(input: np.ndarray, bins: int, low: float, high: float) -> np.ndarray:
    if input.size < LARGE:
        return histc(np, input, bins, low, high)
    values = input.ravel()
    low, high = histc_range(values, low, high)
    counts = np.zeros(bins, np.int64)
    for (part,) in flat_parts(values):
        places = histc_places(np, part, bins, low, high)
        if bins < PART:
            counts += np.bincount(places, minlength=bins)
        else:
            np.add.at(counts, places, 1)
    result = room(np, counts.shape, input.dtype)
    result[...] = counts
    return result


def _histogram_in_parts(
    input: np.ndarray, edges: np.ndarray, weight: Any, density: bool
) -> np.ndarray:
    weight = None if weight is None else weight.ravel()
    counts = np.zeros(len(edges) - 1, np.int64 if weight is None else np.float64)
    for part, share in flat_parts(input.ravel(), weight):
        counts += histogram_counts(np, part, edges, share)
    return histogram_of(counts, edges, density)


register_kernel("histc", _histc_in_parts, "cpu")
register_kernel("histogram", _histogram_in_parts, "cpu")
