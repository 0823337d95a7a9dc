"""What the ops on matrices ask of their operands, and the error for matrices without an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.dispatch import innermost
from lamella_core.dtype import FLOATING, REDUCED_PRECISION

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.tensor import Tensor


class LinAlgError(RuntimeError):
    """A matrix has no answer: it is singular, not positive-definite, or an iteration failed."""


def check_matrix(op_name: str, matrix: Tensor, name: str = "A", types: bool = True) -> None:
    """Raises RuntimeError for fewer than two dimensions or (``types``) a type LAPACK has not."""
    if types:
        check_type(op_name, matrix)
    if matrix._array.ndim < 2:
        raise RuntimeError(
            f"{op_name}: The input tensor {name} must have at least 2 dimensions, got shape "
            f"{list(matrix._array.shape)}"
        )


def check_square(op_name: str, matrix: Tensor, name: str = "A") -> None:
    """As :func:`check_matrix`, and raises RuntimeError where the matrices are not square."""
    check_matrix(op_name, matrix, name)
    rows, columns = matrix._array.shape[-2:]
    if rows != columns:
        raise RuntimeError(
            f"{op_name}: {name} must be batches of square matrices, but they are {rows} by "
            f"{columns} matrices"
        )


def check_type(op_name: str, tensor: Tensor, *, low_precision: bool = False) -> None:
    """Raises RuntimeError for integers, bools and (unless allowed) float16 and bfloat16."""
    dtype = tensor._dtype
    if dtype.category < FLOATING:
        raise RuntimeError(
            f"{op_name}: Expected a floating point or complex tensor as input. Got "
            f"{dtype.class_name}; convert it, for example with .float()"
        )
    if not low_precision and dtype in REDUCED_PRECISION:
        raise RuntimeError(
            f"{op_name}: Low precision dtypes not supported. Got {dtype.class_name}; convert the "
            f"input with .float()"
        )


def check_same_type(
    op_name: str, a: Tensor, b: Tensor, names: tuple[str, str] = ("A", "B")
) -> None:
    """Raises RuntimeError where the types of two operands differ."""
    if a._dtype is not b._dtype:
        raise RuntimeError(
            f"{op_name}: Expected {names[0]} and {names[1]} to have the same dtype, but found "
            f"{names[0]} of type {a._dtype.class_name} and {names[1]} of type "
            f"{b._dtype.class_name} instead"
        )


def check_info(
    op_name: str,
    info: Tensor,
    reason: Callable[[int], str],
    error: type[RuntimeError] = LinAlgError,
) -> None:
    """Raises ``error`` for the first matrix of the batch whose LAPACK code is not 0.

    Args:
        op_name: for the message.
        info: the codes, int32, one a matrix.
        reason: what a code says.
        error: the class to raise.
    """
    info = innermost(info)
    codes = info.reshape(-1).tolist()
    if not any(codes):
        return
    place, code = next((i, c) for i, c in enumerate(codes) if c)
    batch = f"(Batch element {place}): " if info._array.ndim else ""
    raise error(f"{op_name}: {batch}{reason(code)}")
