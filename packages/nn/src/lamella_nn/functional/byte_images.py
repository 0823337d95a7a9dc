"""Resampling of 8-bit images in whole numbers, as the imaging libraries do it."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

import lamella_core as core
from lamella_core.ops.splitting import fill_in_parts
from lamella_nn.functional.arguments import is_constant
from lamella_nn.kernels import cubic

if TYPE_CHECKING:
    from lamella_core import Tensor

_WEIGHT_BITS = 15
_MOST_PRECISION = 22
# Elements that are made at a time: products of fewer take longer.
_PART = 1 << 20


def resample_bytes(input: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """``(batch, channels, height, width)`` in uint8, resampled along width and then along height.

    Each pass has 16-bit weights and is rounded to bytes. Its sums are below 2^24, so that a matrix
    product in float32 is exact.

    Args:
        rows, columns: what each output takes of each element, ``(outputs, elements)``.
    """
    across, fraction = _fixed_point(columns)
    down, precision = _fixed_point(rows)
    across, down = across.t().to(input.device), down.to(input.device)

    def widen(part: Tensor) -> Tensor:
        return _bytes(part.float() @ across, fraction).to(part.dtype)

    def lengthen(part: Tensor) -> Tensor:
        return _bytes(down @ part.float(), precision).to(part.dtype)

    if input.numel() < _PART or not is_constant(input):
        return lengthen(widen(input))
    *lead, height, width = input._array.shape
    new_height, new_width = len(down), across.size(1)
    wide = input.new_empty(*lead, height, new_width)
    step = max(1, _PART // max(width, new_width, 1))
    flat = wide.view(-1, new_width), input.reshape(-1, width)
    fill_in_parts(flat[0], step, widen, flat[1])
    result = input.new_empty(*lead, new_height, new_width)
    images = result.view(-1, new_height, new_width), wide.view(-1, height, new_width)
    longest = max(height, new_height, 1)
    if step := _PART // (longest * max(new_width, 1)):
        fill_in_parts(images[0], step, lengthen, images[1])
        return result
    for target, image in zip(*images, strict=True):
        # By columns.
        step = max(1, _PART // longest)
        fill_in_parts(target.t(), step, lambda part: lengthen(part.t()).t(), image.t())
    return result


def weights_of_places(size: int, places: list[float], bicubic: bool) -> Tensor:
    """What each output takes of each element of an axis, ``(outputs, size)``.

    Args:
        size: how many elements there are.
        places: where the outputs lie, in elements.
        bicubic: by four neighbours, not two.
    """
    if bicubic:
        taps, shares = range(-1, 3), [cubic.weights(p - floor(p)) for p in places]
    else:
        places = [max(p, 0.0) for p in places]
        taps, shares = range(2), [[1 - (p - floor(p)), p - floor(p)] for p in places]
    index = [[min(max(floor(p) + tap, 0), size - 1) for tap in taps] for p in places]
    nothing = core.zeros(len(places), size, dtype=core.float64)
    return nothing.scatter_add(1, core.tensor(index), core.tensor(shares, dtype=core.float64))


def _fixed_point(weights: Tensor) -> tuple[Tensor, int]:
    """The weights times 2^precision, rounded; they fill 16 bits with their sign."""
    greatest, precision = float(weights.max()), 0
    while precision < _MOST_PRECISION:
        if int(0.5 + greatest * 2 ** (precision + 1)) >= 2**_WEIGHT_BITS:
            break
        precision += 1
    scaled = weights * 2**precision
    return core.copysign((scaled.abs() + 0.5).floor(), scaled).float(), precision


def _bytes(sums: Tensor, precision: int) -> Tensor:
    return sums.add_(2 ** (precision - 1)).div_(2**precision).floor_().clamp_(0, 255)
