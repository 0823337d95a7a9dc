"""What masked ops share: the mask in the input's shape, and what stands for hidden elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core.conventions.common import normalize_dims
from lamella_core.dtype import COMPLEX, FLOATING
from lamella_core.ops.gathering import where
from lamella_core.type_info import iinfo

if TYPE_CHECKING:
    from lamella_core.dtype import dtype
    from lamella_core.tensor import Tensor
    from lamella_core.typing import Ints


def expanded(op_name: str, input: Tensor, mask: Tensor) -> Tensor:
    """The mask as bools of the input's shape.

    Raises:
        IndexError: when the mask has more dimensions.
        RuntimeError: when its shape cannot be broadcast to the input's.
    """
    if mask._array.ndim > input._array.ndim:
        raise IndexError(
            f"masked.{op_name}: expected a mask that can be broadcast to the input, got shapes "
            f"{list(mask._array.shape)} and {list(input._array.shape)}"
        )
    return mask.bool().expand(input._array.shape)


def hidden_as(op_name: str, input: Tensor, mask: Tensor | None, value: Any) -> Tensor:
    """The input with ``value`` in the place of the elements that the mask hides."""
    if mask is None:
        return input
    return where(expanded(op_name, input, mask), input, input.new_tensor(value))


def least(op_name: str, dtype: dtype) -> float | int:
    """What no element of a type is less than.

    Raises:
        NotImplementedError: for bools.
        TypeError: for complex types, which have no order.
    """
    return -float("inf") if _has_infinity(op_name, dtype) else iinfo(dtype).min


def greatest(op_name: str, dtype: dtype) -> float | int:
    """What no element of a type is greater than; raises as :func:`least`."""
    return float("inf") if _has_infinity(op_name, dtype) else iinfo(dtype).max


def _has_infinity(op_name: str, dtype: dtype) -> bool:
    if dtype is dtypes.bool_:
        raise NotImplementedError(f"identity of {op_name} on {dtype!r} input")
    if dtype.category == COMPLEX:
        raise TypeError(f"masked.{op_name}: complex numbers have no order, got {dtype!r}")
    return dtype.category == FLOATING


def all_dims(dim: Ints | None, ndim: int) -> tuple[int, ...]:
    """The dimensions counted from the front; all of them for None or an empty sequence."""
    dims = (dim,) if isinstance(dim, int) else tuple(dim or ())
    return normalize_dims(dims, ndim) if dims else tuple(range(ndim))
