"""``torch.linalg``: linear algebra."""

from __future__ import annotations

from lamella_core.ops.chain import multi_dot
from lamella_core.ops.decomposition import (
    cholesky,
    cholesky_ex,
    householder_product,
    ldl_factor,
    ldl_factor_ex,
    ldl_solve,
    lu,
    lu_factor,
    lu_factor_ex,
    lu_solve,
    qr,
)
from lamella_core.ops.determinant import det, slogdet
from lamella_core.ops.eigen import (
    eig,
    eigh,
    eigvals,
    eigvalsh,
    matrix_rank,
    pinv,
    svd,
    svdvals,
)
from lamella_core.ops.linalg import matmul
from lamella_core.ops.matrix_checks import LinAlgError
from lamella_core.ops.matrix_functions import (
    cross,
    diagonal,
    matrix_exp,
    matrix_power,
    vander,
    vecdot,
)
from lamella_core.ops.norms import cond, matrix_norm, norm, vector_norm
from lamella_core.ops.solving import (
    inv,
    inv_ex,
    lstsq,
    solve,
    solve_ex,
    solve_triangular,
    tensorinv,
    tensorsolve,
)

__all__ = [
    "LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eig", "eigh",
    "eigvals", "eigvalsh", "householder_product", "inv", "inv_ex", "ldl_factor", "ldl_factor_ex",
    "ldl_solve", "lstsq", "lu", "lu_factor", "lu_factor_ex", "lu_solve", "matmul", "matrix_exp",
    "matrix_norm", "matrix_power", "matrix_rank", "multi_dot", "norm", "pinv", "qr", "slogdet",
    "solve", "solve_ex", "solve_triangular", "svd", "svdvals", "tensorinv", "tensorsolve", "vander",
    "vecdot", "vector_norm",
]  # fmt: skip
