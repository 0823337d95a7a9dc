"""Array kernel of pooling over windows that a random number places."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

from lamella_core.dispatch import shared_kernel

if TYPE_CHECKING:
    from lamella_nn.kernels.windows import Sizes


def _starts(xp: Any, sample: Any, size: int, kernel: int, count: int) -> Any:
    """Where the windows along a dimension start, ``(*sample.shape, count)``.

    The pseudorandom sequence of the paper, ``floor(alpha (i + u))``, from 0 on; the last window
    ends where the dimension ends.
    """
    starts = xp.empty((*sample.shape, count), xp.int64)
    if count > 1:
        step = sample.dtype.type(size - kernel) / sample.dtype.type(count - 1)
        sample = sample[..., None]
        places = (xp.arange(count - 1).astype(sample.dtype) + sample) * step
        starts[..., :-1] = places.astype(xp.int64) - (sample * step).astype(xp.int64)
    starts[..., -1:] = size - kernel
    return starts


@shared_kernel
def fractional_max_pool(
    xp: Any, input: Any, samples: Any, kernel: Sizes, output_size: Sizes
) -> tuple[Any, Any]:
    batch, channels, *sizes = input.shape
    base: Any = 0
    for axis, (n, k, count) in enumerate(zip(sizes, kernel, output_size, strict=True)):
        starts = _starts(xp, samples[..., axis], n, k, count) * prod(sizes[axis + 1 :])
        behind = [1] * (len(sizes) - axis - 1)
        base = base + starts.reshape(batch, channels, *[1] * axis, count, *behind)
    flat = input.reshape(batch * channels, prod(sizes))
    base = base.reshape(batch * channels, prod(output_size))
    best: Any = None
    indices: Any = None
    for position in product(*map(range, kernel)):
        offset = 0
        for place, n in zip(position, sizes, strict=True):
            offset = offset * n + place
        index = base + offset
        values = xp.take_along_axis(flat, index, 1)
        if best is None:
            best, indices = values, index
            continue
        better = (values > best) | (values != values)
        best = xp.where(better, values, best)
        indices = xp.where(better, index, indices)
    shape = (batch, channels, *output_size)
    return best.reshape(shape), indices.reshape(shape)
