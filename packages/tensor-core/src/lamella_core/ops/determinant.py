"""Determinants; ``det`` and ``slogdet`` of ``torch.linalg``, and ``torch.logdet``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core import return_types
from lamella_core.composite import checked, composite
from lamella_core.conventions.arrays import arrays
from lamella_core.conventions.results import write_out, write_outs
from lamella_core.ops.matrix_checks import check_square

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor

__all__ = ["logdet"]


_det = arrays()("linalg_det(input: Tensor)")
_slogdet = arrays(returns=return_types.linalg_slogdet)("linalg_slogdet(input: Tensor)")


@checked
def det(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Determinant of square matrices, from their LU factorization.

    Args:
        A: ``(..., n, n)``, float32, float64 or complex. The determinant for ``n = 0`` is 1.

    Raises:
        RuntimeError: when the matrices are not square or have another type.
    """
    check_square("linalg.det", A)
    return write_out("linalg.det", _det(A), out)


@checked
def slogdet(A: Tensor, *, out: Any = None) -> Any:
    """Sign and logarithm of the size of the determinant: ``det(A) = sign * exp(logabsdet)``.

    Args:
        A: ``(..., n, n)``, float32, float64 or complex.

    Returns:
        A named tuple ``(sign, logabsdet)``: for a singular matrix 0 and -inf. The sign of a
        complex determinant is a number of size 1; ``logabsdet`` is real.

    Raises:
        RuntimeError: when the matrices are not square or have another type.
    """
    check_square("linalg.slogdet", A)
    return write_outs("linalg.slogdet", _slogdet(A), out)


@composite()
def logdet(input: Tensor) -> Tensor:
    """Logarithm of the determinant: NaN where it is negative, -inf where it is 0.

    Args:
        input: ``(..., n, n)``, float32, float64 or complex.

    Raises:
        RuntimeError: when the matrices are not square or have another type.
    """
    check_square("logdet", input)
    sign, logabsdet = _slogdet(input)
    if input._dtype.is_complex:
        return sign.log() + logabsdet
    return write_out("logdet", logabsdet.masked_fill(sign == -1, float("nan")), None)
