"""Constructors named after an element type: ``sparse.FloatTensor(indices, values, size)``."""

from __future__ import annotations

from typing import Any

import lamella_core as core
from lamella_core.tensor import Tensor
from lamella_sparse.conversion import sparse_coo_tensor
from lamella_sparse.layer import SparseTensor

__all__ = [
    "BFloat16Tensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor",
    "IntTensor", "LongTensor", "ShortTensor",
]  # fmt: skip


class _SparseType(type):
    """A name for sparse tensors of one element type; what it makes is an ordinary tensor."""

    dtype: Any

    def __call__(cls, *args: Any, device: Any = None) -> Tensor:
        if args and isinstance(args[0], Tensor):
            # The values keep their own type, as in PyTorch, whatever the name says.
            return sparse_coo_tensor(*args, device=device)
        if len(args) == 1 and isinstance(args[0], (tuple, list)):
            args = tuple(args[0])
        return sparse_coo_tensor(args or (0,), dtype=cls.dtype, device=device)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, SparseTensor) and instance.dtype is cls.dtype


def _sparse_type(name: str, dtype: Any) -> Any:
    text = f"""Sparse tensors of ``{dtype}``: from indices and values, perhaps a size; or of a size.

    See :func:`sparse_coo_tensor`, which newer programs call.
    """
    space = {"__doc__": text, "__module__": __name__, "dtype": dtype}
    return _SparseType(name, (), space)


BFloat16Tensor = _sparse_type("BFloat16Tensor", core.bfloat16)
ByteTensor = _sparse_type("ByteTensor", core.uint8)
CharTensor = _sparse_type("CharTensor", core.int8)
DoubleTensor = _sparse_type("DoubleTensor", core.float64)
FloatTensor = _sparse_type("FloatTensor", core.float32)
HalfTensor = _sparse_type("HalfTensor", core.float16)
IntTensor = _sparse_type("IntTensor", core.int32)
LongTensor = _sparse_type("LongTensor", core.int64)
ShortTensor = _sparse_type("ShortTensor", core.int16)
