"""Sparse tensors in coordinate form, PyTorch's ``sparse_coo``, and eigenpairs by LOBPCG.

Importing it gives tensors ``to_sparse``, ``to_dense``, ``coalesce``, ``indices``, ``values`` and
``sparse_mask``.
"""

from lamella_sparse import arithmetic, derivatives, files
from lamella_sparse.conversion import sparse_coo_tensor
from lamella_sparse.lobpcg import lobpcg
from lamella_sparse.low_rank import pca_lowrank, svd_lowrank
from lamella_sparse.matrix import addmm, mm, spmm
from lamella_sparse.reduction import log_softmax, softmax, sum
from lamella_sparse.tensor_types import (
    BFloat16Tensor,
    ByteTensor,
    CharTensor,
    DoubleTensor,
    FloatTensor,
    HalfTensor,
    IntTensor,
    LongTensor,
    ShortTensor,
)

__all__ = [
    "BFloat16Tensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor",
    "IntTensor", "LongTensor", "ShortTensor", "addmm", "lobpcg", "log_softmax", "mm",
    "pca_lowrank", "softmax", "sparse_coo_tensor", "spmm", "sum", "svd_lowrank",
]  # fmt: skip
