"""Array kernel of the matrix exponential."""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import shared_kernel

# Coefficients of the numerator of the [13/13] Padé approximant of exp, lowest first, and the
# 1-norm up to which it is exact in double precision: N. J. Higham, 2005, table 2.3.
_PADE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0,
    129060195264000.0, 10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0,
    960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip
_LARGEST = 5.371920351148152


@shared_kernel("linalg_matrix_exp")
def matrix_exp(xp: Any, A: Any) -> Any:
    if not A.size:
        return A.copy()
    size = A.shape[-1]
    matrices = A.reshape(-1, size, size)
    # Single precision is widened, for the coefficients span 17 decimal places.
    wide = xp.complex128 if A.dtype.kind == "c" else xp.float64
    norms = abs(matrices).sum(-2).max(-1)
    counts = xp.ceil(xp.log2(norms / _LARGEST))
    counts = xp.where((counts > 0) & xp.isfinite(counts), counts, 0).astype(xp.int64)
    result = _pade(xp, matrices.astype(wide) / (2.0**counts)[:, None, None])
    for done in range(int(counts.max())):
        again = counts > done
        result[again] = xp.matmul(result[again], result[again])
    return result.astype(A.dtype).reshape(A.shape)


def _pade(xp: Any, A: Any) -> Any:
    square = xp.matmul(A, A)
    fourth = xp.matmul(square, square)
    powers = (square, fourth, xp.matmul(square, fourth))
    identity = xp.eye(A.shape[-1], dtype=bool)
    odd = xp.matmul(A, _half(xp, powers, identity, 1))
    del A
    even = _half(xp, powers, identity, 0)
    del powers, square, fourth
    difference = even - odd
    even += odd
    return xp.linalg.solve(difference, even)


def _half(xp: Any, powers: Any, identity: Any, first: int) -> Any:
    # The even terms of the numerator, or the odd ones over A, with one array beside the result.
    c = _PADE[first::2]
    total = c[6] * powers[2]
    total += c[5] * powers[1]
    total += c[4] * powers[0]
    total = xp.matmul(powers[2], total)
    for coefficient, power in zip(c[1:4], powers, strict=True):
        total += coefficient * power
    total += c[0] * identity
    return total
