"""Functions of several ops whose results have the type of an argument."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.dtype import REDUCED_PRECISION
from lamella_core.promotion import can_cast

if TYPE_CHECKING:
    from lamella_core import Tensor
    from lamella_core.dtype import dtype


def single(tensor: Tensor) -> Tensor:
    """A float16 or bfloat16 tensor in float32, any other as it is."""
    return tensor.float() if tensor._dtype in REDUCED_PRECISION else tensor


def as_given(result: Tensor, input: Tensor) -> Tensor:
    """A result in the type of ``input``.

    Raises:
        RuntimeError: when that is of a lower category.
    """
    if result._dtype is input._dtype:
        return result
    check_fits(result._dtype, input)
    return result.to(input._dtype)


def check_fits(dtype: dtype, input: Tensor) -> None:
    """Raises RuntimeError where results of a type are not to be converted to that of ``input``."""
    if not can_cast(dtype, input._dtype):
        raise RuntimeError(
            f"result type {dtype.class_name} can't be cast to the desired output type "
            f"{input._dtype.class_name}; convert with .to() first"
        )
