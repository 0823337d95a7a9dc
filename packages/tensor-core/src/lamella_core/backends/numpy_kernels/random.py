"""Kernels of the random ops on the CPU, over the generator that gives PyTorch's numbers.

A tensor that is not contiguous is filled in the order of its memory, as PyTorch does it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core import random
from lamella_core.dispatch import register_kernel
from lamella_core.formats import order_of
from lamella_core.kernels.copying import in_order
from lamella_core.offers import offered, offers
from lamella_core.random.generator import FEW
from lamella_core.random.integers import randint
from lamella_core.random.normal import randn
from lamella_core.random.uniform import BLOCK, blocks, flat_of, rand

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.device import Device


# ------------ new tensors


def normal_of_size(
    mean: float, std: float, size: tuple[int, ...], generator: Any, dtype: np.dtype, device: Device
) -> np.ndarray:
    return random.normal(size, mean, std, dtype, generator)


def randperm(n: int, generator: Any, dtype: np.dtype, device: Device) -> np.ndarray:
    place = offered((n,), dtype, True) if offers else None
    return random.permutation(n, dtype, generator, place)


# ------------ given parameters


def bernoulli(input: np.ndarray, generator: Any) -> np.ndarray:
    return random.bernoulli(input.shape, input, input.dtype, generator)


def normal(mean: Any, std: Any, generator: Any) -> np.ndarray:
    return random.normal_elementwise(mean, std, generator)


def multinomial(
    input: np.ndarray, num_samples: int, replacement: bool, generator: Any
) -> np.ndarray:
    shape = (*input.shape[:-1], num_samples)
    place = offered(shape, np.int64) if offers else None
    return random.multinomial(input, num_samples, replacement, generator, place)


def dropout_noise(input: np.ndarray, p: float, generator: Any) -> tuple[np.ndarray, np.ndarray]:
    if 0 in input.strides:
        # Repeated dimensions are drawn where they stand; NumPy would have them innermost.
        input = in_order(input, order_of(input.shape, input.strides), input.dtype)
    noise = np.empty_like(input)
    bernoulli_(noise, 1.0 - p, generator)
    # Half precision is divided in float32, by a number that is not rounded to it.
    noise /= (np.float32 if noise.itemsize == 2 else noise.dtype.type)(1.0 - p)
    return input * noise, noise


# ------------ filled in place


def _fill(target: np.ndarray, draw: Callable[[Any], np.ndarray]) -> None:
    # Draws in the order of memory, block by block.
    if not target.flags.c_contiguous:
        target = target.transpose(order_of(target.shape, target.strides))
    if target.size > BLOCK:
        flat = flat_of(target)
        for part in blocks(target.size):
            flat[part] = draw(part.stop - part.start)
    else:
        target[...] = draw(target.shape)


def uniform_(target: np.ndarray, low: float, high: float, generator: Any) -> None:
    kind = target.dtype
    if target.size <= FEW and low == 0.0 and high == 1.0:
        _fill(target, lambda shape: rand(shape, generator, kind, None))
    elif target.flags.c_contiguous:
        random.uniform(target.shape, low, high, kind, generator, target)
    else:
        _fill(target, lambda shape: random.uniform(shape, low, high, kind, generator))


def normal_(target: np.ndarray, mean: float, std: float, generator: Any) -> None:
    kind = target.dtype
    if target.flags.c_contiguous and target.size <= FEW and mean == 0.0 and std == 1.0:
        target[...] = randn(target.shape, generator, kind, None)
    elif target.flags.c_contiguous:
        random.normal(target.shape, mean, std, kind, generator, True, target)
    else:
        _fill(target, lambda shape: random.normal(shape, mean, std, kind, generator, False))


def random_(target: np.ndarray, low: int | None, high: int | None, generator: Any) -> None:
    _fill(target, lambda shape: random.integers(low, high, shape, target.dtype, generator))


def bernoulli_(target: np.ndarray, p: Any, generator: Any) -> None:
    if not isinstance(p, np.ndarray):
        _fill(target, lambda shape: random.bernoulli(shape, p, target.dtype, generator))
        return
    order = order_of(target.shape, target.strides)
    p = np.broadcast_to(p, target.shape).transpose(order)
    target = target.transpose(order)
    random.bernoulli(target.shape, p, target.dtype, generator, target)


def _filler(draw: Callable[..., np.ndarray]) -> Callable[..., None]:
    # The kernel that fills with the numbers that ``draw`` gives for one or two parameters.
    def fill(target: np.ndarray, *given: Any) -> None:
        *parameters, generator = given
        _fill(target, lambda shape: draw(shape, *parameters, target.dtype, generator))

    return fill


for _kernel in (
    rand, randn, normal_of_size, randint, randperm, bernoulli, normal, multinomial, random.poisson,
    dropout_noise, uniform_, normal_, random_, bernoulli_,
):  # fmt: skip
    register_kernel(_kernel.__name__, _kernel, "cpu")
for _name in ("cauchy", "exponential", "geometric", "log_normal"):
    register_kernel(f"{_name}_", _filler(getattr(random, _name)), "cpu")
del _kernel, _name
