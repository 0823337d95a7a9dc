"""Derivatives of rearrangements: the gradient is put back."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

from lamella_autograd.formulas import derivative, non_differentiable
from lamella_autograd.restore import is_unseen
from lamella_core.conventions.common import LARGE

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor


def _unrolled(grad: Tensor, shifts: Any, dims: Any) -> Tensor:
    if dims is None:
        return grad.roll(-shifts)
    return grad.roll([-shift for shift in shifts], dims)


def _summed_repeats(grad: Tensor, input_shape: tuple[int, ...], repeats: tuple[int, ...]) -> Tensor:
    """Each dimension as (repetition, place), and the sum over the repetitions."""
    sizes = (1,) * (len(repeats) - len(input_shape)) + input_shape
    if not repeats:
        return grad
    apart = [n for pair in zip(repeats, sizes, strict=True) for n in pair]
    dims = tuple([2 * dim for dim, n in enumerate(repeats) if n != 1])
    grad = grad.reshape(apart)
    few = len(dims) > 1 and prod(repeats) <= 8
    if few and prod(input_shape) > LARGE and is_unseen():
        # A sum over one dimension after the other would need room for the first.
        places = product(*map(range, repeats))
        first, second, *others = [grad[_repetition(place)] for place in places]
        total = first + second
        for each in others:
            total.add_(each)
        return total.reshape(input_shape)
    return (grad.sum(dims) if dims else grad).reshape(input_shape)


def _repetition(place: tuple[int, ...]) -> tuple[Any, ...]:
    return tuple([index for i in place for index in (i, slice(None))])


derivative("flip", input=lambda grad, dims: grad.flip(dims))
derivative("roll", input=_unrolled)
derivative("tril", input=lambda grad, diagonal: grad.tril(diagonal))
derivative("triu", input=lambda grad, diagonal: grad.triu(diagonal))
derivative("repeat", input=_summed_repeats)
non_differentiable("repeated_places")
