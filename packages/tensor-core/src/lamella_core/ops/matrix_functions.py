"""Powers and the exponential of matrices, and small products of ``torch.linalg``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core.composite import checked, composite
from lamella_core.conventions.arrays import arrays
from lamella_core.conventions.common import check_out_type
from lamella_core.conventions.results import offering, write_out
from lamella_core.ops.creation import eye
from lamella_core.ops.joining import cat
from lamella_core.ops.linalg import cross_product, matmul
from lamella_core.ops.matrix_checks import check_type
from lamella_core.ops.reduction import sum as sum_
from lamella_core.ops.solving import inv

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor

__all__ = ["matrix_exp", "matrix_power"]


_matrix_exp = arrays()("linalg_matrix_exp(A: Tensor)")


def _check_square(op_name: str, input: Tensor) -> None:
    shape = input._array.shape
    if len(shape) < 2:
        raise RuntimeError(
            f"{op_name}: The input tensor A must have at least 2 dimensions, got shape "
            f"{list(shape)}"
        )
    if shape[-1] != shape[-2]:
        raise RuntimeError(
            f"{op_name}: A must be batches of square matrices, but they are {shape[-2]} by "
            f"{shape[-1]} matrices"
        )


@composite()
def matrix_exp(input: Tensor) -> Tensor:
    """``sum_k A^k / k!`` of square matrices, by scaling, a Padé approximant and squaring.

    N. J. Higham, "The scaling and squaring method for the matrix exponential revisited", 2005.

    Args:
        input: ``(..., n, n)``, floating or complex.

    Raises:
        RuntimeError: when the matrices are not square or have another type.
    """
    check_type("linalg.matrix_exp", input, low_precision=True)
    _check_square("linalg.matrix_exp", input)
    return _matrix_exp(input)


@composite()
def matrix_power(input: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """``A @ A @ ... @ A``, ``n`` factors, by repeated squaring.

    Args:
        input: ``(..., m, m)``.
        n: 0 gives the identity; a negative number, the power of the inverse.

    Raises:
        LinAlgError: for a negative power of a singular matrix.
        RuntimeError: when the matrices are not square, or have no inverse in their type.
    """
    op_name = "linalg.matrix_power"
    _check_square(op_name, input)
    if n == 0:
        one = eye(input._array.shape[-1], dtype=input._dtype, device=input.device)
        identity = input.clone().copy_(one)
        return write_out(op_name, identity, out)
    factor = inv(input) if n < 0 else input
    exponent = abs(n)
    result: Any = None
    last = offering(out, matmul)
    while True:
        if exponent & 1 and result is not None:
            result = (last if exponent == 1 else matmul)(result, factor)
        elif exponent & 1:
            result = factor
        exponent >>= 1
        if not exponent:
            break
        factor = (last if exponent == 1 and result is None else matmul)(factor, factor)
    if n == 1:
        result = input.clone()
    return write_out(op_name, result, out)


@checked
def cross(input: Tensor, other: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """Cross product of 3-vectors along a dimension.

    Args:
        input, other: broadcast together; both have size 3 along ``dim``.

    Raises:
        RuntimeError: when the sizes are not 3, or the numbers of dimensions differ.
    """
    result = offering(out, cross_product)(input, other, dim)
    return write_out("linalg.cross", result, out, input, other)


@checked
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """``sum_i conj(x_i) * y_i`` along a dimension.

    Args:
        x, y: floating or complex, of one type; they broadcast together.

    Raises:
        RuntimeError: when types or shapes do not fit.
    """
    check_type("linalg.vecdot", x, low_precision=True)
    if x._dtype is not y._dtype:
        raise RuntimeError(
            f"linalg.vecdot: Expected x and y to have the same dtype, but found x of type "
            f"{x._dtype.class_name} and y of type {y._dtype.class_name} instead"
        )
    if out is not None:
        check_out_type("linalg.vecdot", x._dtype, out)
    return write_out("linalg.vecdot", sum_(x.conj() * y, dim, out=out), None)


@checked
def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """:meth:`Tensor.diagonal` of the matrices in the last two dimensions: a view."""
    return A.diagonal(offset, dim1, dim2)


@checked
def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """Vandermonde matrices: ``out[..., i, j] = x[..., i] ** j``.

    Args:
        x: ``(..., n)``, or ``()`` for one number; not bool; integers give int64.
        N: the number of columns, ``n`` by default.

    Raises:
        RuntimeError: for bools, or ``N`` of 1 or less.
    """
    if x._dtype is dtypes.bool_:
        raise RuntimeError(
            "linalg.vander supports floating point, complex, and integer tensors, but got Bool"
        )
    if x._array.ndim == 0:
        x = x.unsqueeze(0)
    size = x._array.shape[-1] if N is None else N
    if size <= 1:
        raise RuntimeError(f"N must be greater than 1, but got {size} (linalg.vander)")
    if x._dtype.category == dtypes.INTEGER:
        x = x.long()
    powers = x.unsqueeze(-1).expand(*x._array.shape, size - 1).cumprod(-1)
    ones = x.new_zeros((*x._array.shape, 1)).fill_(1)
    return cat([ones, powers], -1)
