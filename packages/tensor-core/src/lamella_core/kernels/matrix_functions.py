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
    counts = xp.where(norms > _LARGEST, xp.ceil(xp.log2(norms / _LARGEST)), 0)
    counts = xp.where(xp.isfinite(counts), counts, 0).astype(xp.int64)
    scaled = matrices.astype(wide) / (2.0**counts)[:, None, None]
    result = _pade(xp, scaled)
    for done in range(int(counts.max())):
        again = counts > done
        result[again] = xp.matmul(result[again], result[again])
    return result.astype(A.dtype).reshape(A.shape)


def _pade(xp: Any, A: Any) -> Any:
    c = _PADE
    identity = xp.eye(A.shape[-1], dtype=A.dtype)
    A2 = xp.matmul(A, A)
    A4 = xp.matmul(A2, A2)
    A6 = xp.matmul(A2, A4)
    odd = xp.matmul(A6, c[13] * A6 + c[11] * A4 + c[9] * A2)
    odd = xp.matmul(A, odd + c[7] * A6 + c[5] * A4 + c[3] * A2 + c[1] * identity)
    even = xp.matmul(A6, c[12] * A6 + c[10] * A4 + c[8] * A2)
    even = even + c[6] * A6 + c[4] * A4 + c[2] * A2 + c[0] * identity
    return xp.linalg.solve(even - odd, even + odd)
