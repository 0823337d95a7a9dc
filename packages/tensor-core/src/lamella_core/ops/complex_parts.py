"""Complex numbers of their parts, and views of the parts."""

from __future__ import annotations

from typing import Any

from lamella_core import dtype as dtypes
from lamella_core.composite import composite
from lamella_core.conventions.common import broadcast_error
from lamella_core.conventions.results import check_tensors, offering, write_out
from lamella_core.conventions.structural import structural
from lamella_core.conventions.view import view as view_op
from lamella_core.tensor import Tensor

__all__ = [
    "complex", "imag", "is_conj", "is_neg", "polar", "real", "resolve_conj", "resolve_neg",
    "view_as_complex", "view_as_real",
]  # fmt: skip


_complex = structural(elementwise=True)("complex(real: Tensor, imag: Tensor)")
_polar = structural(elementwise=True)("polar(abs: Tensor, angle: Tensor)")
_real = view_op(retypes=True)("real(input: Tensor)")
_imag = view_op(retypes=True)("imag(input: Tensor)")
_view_as_real = view_op(retypes=True)("view_as_real(input: Tensor)")
_view_as_complex = view_op(retypes=True)("view_as_complex(input: Tensor)")


@composite(method=False)
def complex(real: Tensor, imag: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The complex numbers ``real + imag i``; the operands broadcast.

    Args:
        real: float32 or float64.
        imag: of the same type.

    Raises:
        RuntimeError: for other types, or two that differ.
    """
    _same_real_type("complex", real=real, imag=imag)
    return _joined("complex", _complex, real, imag, out)


@composite(method=False)
def polar(abs: Tensor, angle: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The complex numbers of a modulus and an angle: ``abs cos(angle) + abs sin(angle) i``.

    Raises:
        RuntimeError: for types that are not float32 or float64, or differ.
    """
    _same_real_type("polar", abs=abs, angle=angle)
    return _joined("polar", _polar, abs, angle, out)


def _joined(op_name: str, op: Any, first: Tensor, second: Tensor, out: Tensor | None) -> Tensor:
    try:
        result = offering(out, op)(first, second)
    except ValueError:
        raise broadcast_error(op_name, first._array.shape, second._array.shape) from None
    return write_out(op_name, result, out, exact=True)


def _same_real_type(op_name: str, **parts: Tensor) -> None:
    check_tensors(op_name, **parts)
    first, second = parts.values()
    if first._dtype is second._dtype is dtypes.float16:
        raise NotImplementedError(
            f"{op_name}(): float16 parts make complex32 numbers, which are not available; "
            f"convert to float32 first"
        )
    kinds = (dtypes.float32, dtypes.float64)
    if first._dtype not in kinds or second._dtype not in kinds:
        raise RuntimeError(
            f"Expected both inputs to be Half, Float or Double tensors but got "
            f"{first._dtype.class_name} and {second._dtype.class_name} ({op_name})"
        )
    if first._dtype is not second._dtype:
        raise RuntimeError(
            f"Expected object of scalar type {first._dtype.class_name} but got scalar type "
            f"{second._dtype.class_name} for second argument ({op_name})"
        )


@composite(method=False)
def real(input: Tensor) -> Tensor:
    """A view of the real parts; a real tensor as it is."""
    return _real(input) if input._dtype.is_complex else input


@composite(method=False)
def imag(input: Tensor) -> Tensor:
    """A view of the imaginary parts.

    Raises:
        RuntimeError: for a real tensor.
    """
    if not input._dtype.is_complex:
        raise RuntimeError(
            f"imag is not implemented for tensors with non-complex dtypes, got {input._dtype!r}."
        )
    return _imag(input)


@composite(method=False)
def view_as_real(input: Tensor) -> Tensor:
    """A view of complex elements as pairs of real ones, in a new last dimension of size 2.

    Raises:
        RuntimeError: for a real tensor.
    """
    if not input._dtype.is_complex:
        raise RuntimeError(
            f"view_as_real is only supported for complex tensors, got {input._dtype!r}"
        )
    return _view_as_real(input)


@composite(method=False)
def view_as_complex(input: Tensor) -> Tensor:
    """A view of pairs of real elements, in a last dimension of size 2, as complex ones.

    Raises:
        RuntimeError: when there is no such dimension, or its elements are not neighbours.
    """
    shape = input._array.shape
    if input._dtype is dtypes.float16:
        raise RuntimeError(
            "view_as_complex: float16 pairs make complex32 numbers, which are not available; "
            "convert to float32 first"
        )
    if input._dtype not in (dtypes.float32, dtypes.float64):
        raise RuntimeError(
            f"view_as_complex is only supported for half, float and double tensors, but got a "
            f"tensor of scalar type: {input._dtype.class_name}"
        )
    if not shape:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if shape[-1] != 2:
        raise RuntimeError(f"Tensor must have a last dimension of size 2, got size {list(shape)}")
    strides = input.stride()
    if strides[-1] != 1:
        raise RuntimeError(f"Tensor must have a last dimension with stride 1, got {strides[-1]}")
    if any(s % 2 for s in strides[:-1]):
        raise RuntimeError(
            f"Tensor must have a stride divisible by 2 for all but last dimension, got "
            f"{list(strides)}"
        )
    if input.storage_offset() % 2:
        raise RuntimeError("Tensor must have a storage_offset divisible by 2")
    return _view_as_complex(input)


@composite
def resolve_conj(input: Tensor) -> Tensor:
    """``input``: conjugation is never postponed here, so there is nothing to resolve."""
    return input


@composite
def resolve_neg(input: Tensor) -> Tensor:
    """``input``: negation is never postponed here, so there is nothing to resolve."""
    return input


@composite
def is_conj(input: Tensor) -> bool:
    """False: conjugation is never postponed here."""
    return False


@composite(method=True)
def is_neg(input: Tensor) -> bool:
    """False: negation is never postponed here."""
    return False


def _write(part: Tensor, value: Any) -> None:
    part.copy_(value if isinstance(value, Tensor) else part.new_tensor(value))


Tensor.real = property(real, lambda self, value: _write(real(self), value), doc=real.__doc__)
Tensor.imag = property(imag, lambda self, value: _write(imag(self), value), doc=imag.__doc__)
