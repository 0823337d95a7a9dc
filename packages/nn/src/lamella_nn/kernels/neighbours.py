"""Which elements of a dimension each output of resampling is made of, and by which weights."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, floor
from typing import Any, NamedTuple

import numpy as np

from lamella_nn.kernels import cubic

# The free parameter of the cubic kernel that averages, as the imaging libraries have it (R. Keys,
# "Cubic Convolution Interpolation for Digital Image Processing", 1981).
_FREE = -0.5

# Outputs of a table that is kept for the next call.
_KEPT = 1024


def _triangle(x: Any) -> Any:
    return np.maximum(1 - np.abs(x), 0)


def _cubic(x: Any) -> Any:
    x = np.abs(x)
    near = ((_FREE + 2) * x - (_FREE + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * _FREE
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _lanczos(x: Any) -> Any:
    """``sinc(x) sinc(x / 3)`` between -3 and 3 (C. Lanczos, 1956)."""
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


# What averages over all elements that are merged: the filter, and how far it reaches.
FILTERS = {
    "averaging bilinear": (_triangle, 1),
    "averaging bicubic": (_cubic, 2),
    "averaging lanczos": (_lanczos, 3),
}
_REACH = {"nearest": 1, "nearest-exact": 1, "linear": 2, "cubic": 3}


class Axis(NamedTuple):
    """A dimension that is resampled.

    Attributes:
        size, outputs: how many elements and how many outputs there are.
        mode: ``"nearest"``, ``"nearest-exact"``, ``"linear"``, ``"cubic"`` or one of ``FILTERS``.
        ratio: the distance of outputs, in elements.
        align_corners: whether the first output is at the first element, or their edges meet.
        turned: whether each element is made of the outputs that it went into.
    """

    size: int
    outputs: int
    mode: str
    ratio: float
    align_corners: bool = False
    turned: bool = False

    @property
    def before(self) -> int:
        return self.outputs if self.turned else self.size

    @property
    def after(self) -> int:
        return self.size if self.turned else self.outputs

    def turn(self) -> Axis:
        return self._replace(turned=not self.turned)

    def taps(self, start: int, stop: int) -> tuple[Any, Any]:
        """For each neighbour of the outputs from ``start`` to ``stop``: which it is, its weight.

        Returns:
            Two arrays on the host, ``(neighbours, outputs)``; the second is None for ones.
        """
        return (_known_taps if stop - start <= _KEPT else _taps)(self, start, stop)


def _taps(axis: Axis, start: int, stop: int) -> tuple[Any, Any]:
    if axis.turned:
        return _turned(axis, start, stop)
    size, mode, ratio = axis.size, axis.mode, axis.ratio
    numbers = np.arange(start, stop)
    if mode in FILTERS:
        return _averages(numbers, size, ratio, *FILTERS[mode])
    if mode.startswith("nearest"):
        # In single precision, whose rounding tells which of two elements as near it is.
        scale = np.float32(ratio)
        if mode == "nearest":
            places = numbers.astype(np.float32) * scale
        else:
            places = ((numbers + 0.5) * float(scale)).astype(np.float32)
        return np.minimum(np.floor(places).astype(np.int64), size - 1)[None], None
    places = numbers * ratio if axis.align_corners else (numbers + 0.5) * ratio - 0.5
    if mode == "linear":
        places = np.maximum(places, 0)
        first = np.minimum(places.astype(np.int64), size - 1)
        share = places - first
        return np.stack([first, np.minimum(first + 1, size - 1)]), np.stack([1 - share, share])
    base = np.floor(places)
    index = base.astype(np.int64) + np.arange(-1, 3)[:, None]
    return index.clip(0, size - 1), np.stack(cubic.weights(places - base))


_known_taps = lru_cache(64)(_taps)


def _averages(numbers: Any, size: int, ratio: float, function: Any, reach: int) -> tuple[Any, Any]:
    """The filter is stretched by the ratio where that is above 1, and its weights sum to 1."""
    stretch = max(ratio, 1.0)
    centres = ratio * (numbers + 0.5)
    first = np.maximum((centres - reach * stretch + 0.5).astype(np.int64), 0)
    end = np.minimum((centres + reach * stretch + 0.5).astype(np.int64), size)
    index = first + np.arange(int((end - first).max(initial=1)))[:, None]
    shares = function((index - centres + 0.5) / stretch) * (index < end)
    return np.minimum(index, size - 1), shares / shares.sum(0)


def _turned(axis: Axis, start: int, stop: int) -> tuple[Any, Any]:
    """A weight of 0 fills up the neighbours of elements that have fewer."""
    size, outputs, mode, ratio = axis.size, axis.outputs, axis.mode, axis.ratio
    reach = FILTERS[mode][1] * max(ratio, 1.0) + 1 if mode in FILTERS else _REACH[mode]
    # The outputs that may reach these elements; what would lie outside is at the ends.
    low, high = 0, outputs
    if start and ratio:
        low = min(max(floor((start - reach) / ratio) - 1, 0), outputs)
    if stop < size and ratio:
        high = min(max(ceil((stop + reach) / ratio) + 1, low), outputs)
    index, shares = _taps(axis.turn(), low, high)
    width = high - low
    flat = index.reshape(-1)
    if shares is None:
        shares = np.ones(index.shape)
    shares = shares.reshape(-1)
    chosen = np.flatnonzero((flat >= start) & (flat < stop) & (shares != 0))
    if not chosen.size:
        return np.zeros((1, stop - start), np.int64), np.zeros((1, stop - start))
    chosen = chosen[np.argsort(flat[chosen], kind="stable")]
    first, end = (
        np.searchsorted(flat[chosen], np.arange(start, stop), side) for side in ("left", "right")
    )
    uses = end - first
    steps = np.arange(max(int(uses.max()), 1))[:, None]
    used = steps < uses
    at = chosen[np.minimum(np.where(used, first + steps, first), chosen.size - 1)]
    return low + at % width, np.where(used, shares[at], 0)
