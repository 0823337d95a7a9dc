"""Padding by a value, by mirroring, by the edge, or around."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.arguments import number_of_type
from lamella_nn.functional.arguments import listed
from lamella_nn.functional.memory_format import in_format_of
from lamella_nn.ops.padding import constant_pad_nd, pad_from_input

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core import Tensor
    from lamella_core.typing import Number

__all__ = ["pad"]


def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """``input`` with elements before and behind its last dimensions.

    Args:
        pad: a pair (before, behind) for each dimension, from the last one on. Negative numbers cut
            off.
        mode: ``"constant"``; or, for the last one to three dimensions after batch and channels,
            ``"reflect"`` (mirrored at the edge element), ``"replicate"`` (the edge element) or
            ``"circular"`` (from the other end).
        value: what a constant padding is made of; 0 when None.

    Raises:
        RuntimeError: when the pairs do not fit the input, or for a value in another mode.
        TypeError: when the value is no number.
        NotImplementedError: for an unknown mode, or a number of dimensions that it does not have.
    """
    pairs = tuple(pad)
    if value is not None and not isinstance(value, (int, float)):
        raise TypeError(f"value must be float, not {type(value).__name__}")
    if pairs and pairs[0].__class__ is bool:
        raise TypeError("pad(): argument 'pad' (position 2) must be tuple of ints, not bools")
    if mode == "constant":
        if value:
            value = number_of_type(float(value), input.dtype)
        return padded_by(input, pairs, 0 if value is None else value)
    if len(pairs) % 2:
        raise RuntimeError(f"Padding length must be divisible by 2, but it is {len(pairs)}")
    if value is not None and value != 0:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(
            f"Unrecognised padding mode {mode}; expected 'constant', 'reflect', 'replicate' or "
            f"'circular'"
        )
    dims = len(pairs) // 2
    if dims not in (1, 2, 3) or input.ndim not in (dims + 1, dims + 2):
        raise NotImplementedError(
            "Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now, "
            "one pair "
            f"for each dimension after batch and channels; got an input of size "
            f"{listed(input.shape)} and {len(pairs)} numbers of padding"
        )
    if mode != "circular" and 0 in input._array.shape[-dims - 1 :]:
        raise RuntimeError(
            f"Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with possibly 0 batch size "
            f"and other non-zero dimensions for input, but got: {listed(input.shape)}"
        )
    for i in range(dims):
        if any(pairs[2 * i : 2 * i + 2]):
            _check_along(input, input.ndim - 1 - i, pairs[2 * i], pairs[2 * i + 1], mode)
    result = pad_from_input(input, pairs, mode)
    return result if mode == "circular" else in_format_of(input, result)


def padded_by(input: Tensor, pairs: tuple[int, ...], value: Number) -> Tensor:
    """``input`` with a number around it; see :func:`pad`."""
    shape = input._array.shape
    if len(pairs) % 2:
        raise RuntimeError(f"Length of pad must be even but instead it equals {len(pairs)}")
    if len(pairs) > 2 * len(shape):
        raise RuntimeError(
            "Length of pad should be no more than twice the number of dimensions of the "
            "input. Pad "
            f"length is {len(pairs)} while the input has {len(shape)} dimensions."
        )
    for i in range(len(pairs) // 2):
        size, before, behind = shape[-1 - i], pairs[2 * i], pairs[2 * i + 1]
        if size + before + behind < 0:
            raise RuntimeError(
                f"The input size {size}, plus negative padding {before} and {behind}, "
                "resulted in a "
                f"negative output size, which is invalid. Check dimension {len(shape) - 1 - i} of "
                f"your input."
            )
    return constant_pad_nd(input, pairs, value)


def _check_along(input: Tensor, dim: int, before: int, behind: int, mode: str) -> None:
    size = input._array.shape[dim]
    if mode == "reflect" and (before >= size or behind >= size):
        raise RuntimeError(
            f"Argument #4: Padding size should be less than the corresponding input dimension, but "
            f"got: padding ({before}, {behind}) at dimension {dim} of input {listed(input.shape)}"
        )
    # What is cut off takes no part in the circle.
    if mode == "circular" and max(before, behind) > size + min(before, 0) + min(behind, 0):
        raise RuntimeError("Padding value causes wrapping around more than once.")
    if size + before + behind < 1 or not size:
        raise RuntimeError(
            f"input (size {size} at dimension {dim}) is too small for the padding ({before}, "
            f"{behind}): the calculated size is {size + before + behind}"
        )
