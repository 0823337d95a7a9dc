"""Functions of several ops over half precision: computed in float32, rounded once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.dtype import REDUCED_PRECISION

if TYPE_CHECKING:
    from lamella_core import Tensor


def single(tensor: Tensor) -> Tensor:
    """A float16 or bfloat16 tensor in float32, any other as it is."""
    return tensor.float() if tensor._dtype in REDUCED_PRECISION else tensor


def as_given(result: Tensor, input: Tensor) -> Tensor:
    """What was computed from ``single(input)`` in the type of ``input``."""
    return result if result._dtype is input._dtype else result.to(input._dtype)
