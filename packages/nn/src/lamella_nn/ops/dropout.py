"""Dropout: noise that multiplies, drawn as PyTorch draws it from the same seed."""

from __future__ import annotations

from math import sqrt
from operator import imul, mul
from typing import TYPE_CHECKING, Any

from lamella_core.ops.creation import empty
from lamella_core.ops.creation_likes import empty_like, ones_like, zeros_like
from lamella_core.ops.random import dropout_noise
from lamella_core.refusal import check_switches
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "alpha_dropout", "alpha_dropout_", "dropout", "dropout_", "feature_alpha_dropout",
    "feature_alpha_dropout_", "feature_dropout", "feature_dropout_", "native_dropout",
]  # fmt: skip

# The fixed value of SELU at minus infinity, negated (G. Klambauer et al., NeurIPS 2017).
_ALPHA = 1.7580993408473766


def _check(p: float, train: bool) -> None:
    if train.__class__ is not bool:
        check_switches("dropout", train=train)
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Zeroes each element with probability ``p`` and scales the others by ``1 / (1 - p)``.

    Args:
        input: floating or complex.
        p: the probability.
        train: otherwise the input is returned as it is.

    Raises:
        RuntimeError: when ``p`` is not in [0, 1].
    """
    _check(p, train)
    if not train or p == 0 or input._array.size == 0:
        return input
    if p == 1:
        return input * zeros_like(input)
    return dropout_noise(input, p, None)[0]


def native_dropout(input: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    """:func:`dropout` that also returns the mask of the elements that were kept."""
    _check(p, train is not False)
    if train is False or input._array.size == 0:
        from lamella_core.dtype import bool_

        return input.clone(), ones_like(input, dtype=bool_)
    if p == 1:
        result = input * zeros_like(input)
        return result, zeros_like(input).bool()
    result, noise = dropout_noise(input, p, None)
    return result, noise.detach() != 0


def feature_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """:func:`dropout` of whole channels of ``(batch, channels, ...)``.

    Raises:
        RuntimeError: when the input has fewer than two dimensions, or ``p`` is not in [0, 1].
    """
    return _times_noise(mul, input, p, train, _feature_noise)


def _feature_noise(input: Tensor) -> Tensor:
    shape = input._array.shape
    if len(shape) < 2:
        raise RuntimeError(
            f"Feature dropout requires at least 2 dimensions in the input, got shape {list(shape)}"
        )
    return empty((*shape[:2], *(1,) * (len(shape) - 2)), dtype=input._dtype, device=input.device)


def alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Sets elements to SELU's saturation value, and scales and shifts all, so that mean 0 and
    variance 1 stay.

    Raises:
        RuntimeError: when ``p`` is not in [0, 1].
    """
    return _times_noise(mul, input, p, train, empty_like, alpha=True)


def feature_alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """:func:`alpha_dropout` of whole channels of ``(batch, channels, ...)``."""
    return _times_noise(mul, input, p, train, _feature_noise, alpha=True)


def dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """:func:`dropout` in place."""
    return _times_noise(imul, input, p, train, empty_like)


def feature_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """:func:`feature_dropout` in place."""
    return _times_noise(imul, input, p, train, _feature_noise)


def alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """:func:`alpha_dropout` in place."""
    return _times_noise(imul, input, p, train, empty_like, alpha=True)


def feature_alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """:func:`feature_alpha_dropout` in place."""
    return _times_noise(imul, input, p, train, _feature_noise, alpha=True)


def _times_noise(
    multiply: Callable[[Any, Tensor], Any],
    input: Tensor,
    p: float,
    train: bool,
    noise_like: Callable[[Tensor], Tensor],
    alpha: bool = False,
) -> Tensor:
    _check(p, train)
    if not train or p == 0 or input._array.size == 0:
        return input
    if p == 1:
        return multiply(input, zeros_like(input))  # type: ignore[no-any-return]
    noise = noise_like(input).bernoulli_(1 - p)
    if not alpha:
        return multiply(input, noise.div_(1 - p))  # type: ignore[no-any-return]
    scale = 1 / sqrt((_ALPHA * _ALPHA * p + 1) * (1 - p))
    shift = noise.add(-1).mul_(_ALPHA * scale).add_(_ALPHA * scale * p)
    return multiply(input, noise.mul_(scale)).add_(shift)  # type: ignore[no-any-return]
