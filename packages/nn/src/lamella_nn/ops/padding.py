"""Padding with one value, or with what the input has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.arrays import arrays

if TYPE_CHECKING:
    from lamella_core import Tensor
    from lamella_core.typing import Number


@arrays(reduced_precision=True, keeps_format=1, method=False)
def constant_pad_nd(input: Tensor, pad: tuple[int, ...], value: Number = 0) -> Tensor:
    """``value`` before and behind; ``pad`` is a pair a dimension, from the last one on.

    Negative numbers cut off.
    """


@arrays(reduced_precision=True, method=False)
def pad_from_input(input: Tensor, pad: tuple[int, ...], mode: str) -> Tensor:
    """What lies before and behind is mirrored, the edge's, or from the other end.

    Args:
        pad: a pair a dimension, from the last one on; negative numbers cut off.
        mode: ``"reflect"``, ``"replicate"`` or ``"circular"``.
    """


@arrays(reduced_precision=True, method=False)
def pad_from_input_backward(
    grad_output: Tensor, sizes: tuple[int, ...], pad: tuple[int, ...], mode: str
) -> Tensor:
    """The gradient of ``pad_from_input``, whose padded dimensions had ``sizes``: copies add up."""
