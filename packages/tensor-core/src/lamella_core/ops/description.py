"""What a tensor is, beside its numbers: its layout, and how its type meets others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core import promotion
from lamella_core.composite import composite
from lamella_core.formats import layout, order_of, strided
from lamella_core.storage import storage_of
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_core.dtype import dtype
    from lamella_core.typing import Number

__all__ = ["can_cast", "promote_types", "result_type"]


promote_types = composite(promotion.promote_types, method=False)


@composite(method=False)
def result_type(tensor1: Tensor | Number, tensor2: Tensor | Number) -> dtype:
    """The type that a pointwise op of two operands computes in."""
    if not isinstance(tensor2, (Tensor, int, float, complex)):
        tensor2 = tensor2.item()
    return promotion.result_dtype((tensor1, tensor2))


@composite(method=False)
def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether an in-place op may store a result of type ``from_`` in a tensor of type ``to``."""
    return promotion.can_cast(from_, to)


def _layout(self: Tensor) -> layout:
    # How the elements are kept: always ``strided`` here.
    return strided


def _false(self: Tensor) -> bool:
    # False: tensors of this package are strided, with memory, and not quantized.
    return False


def _is_set_to(self: Tensor, tensor: Tensor) -> bool:
    # Whether both are the same storage seen with the same offset, size and strides.
    return (
        storage_of(self) is storage_of(tensor)
        and self._array.shape == tensor._array.shape
        and self.stride() == tensor.stride()
        and self.storage_offset() == tensor.storage_offset()
    )


def _is_same_size(self: Tensor, other: Tensor) -> bool:
    # Whether both have the same shape.
    return self._array.shape == other._array.shape


def _dim_order(self: Tensor) -> tuple[int, ...]:
    # The dimensions from the outermost to the innermost in memory.
    return tuple(order_of(self._array.shape, self.stride()))


def _attach() -> None:
    members: dict[str, Any] = {
        "dim_order": _dim_order,
        "is_meta": property(_false),
        **dict.fromkeys(
            (
                "is_ipu",
                "is_maia",
                "is_mkldnn",
                "is_mps",
                "is_mtia",
                "is_vulkan",
                "is_xla",
                "is_xpu",
            ),
            property(_false),
        ),
        "is_nested": property(_false),
        "is_quantized": property(_false),
        "is_same_size": _is_same_size,
        "is_set_to": _is_set_to,
        "is_sparse": property(_false),
        "is_sparse_csr": property(_false),
        "layout": property(_layout),
    }
    for name, member in members.items():
        setattr(Tensor, name, member)


_attach()
