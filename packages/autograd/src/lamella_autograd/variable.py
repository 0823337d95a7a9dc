"""``Variable``, PyTorch's old name for a tensor that autograd knows."""

from __future__ import annotations

import warnings
from typing import Any

from lamella_core.tensor import Tensor, alias


class _VariableMeta(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_VariableMeta):
    """``Variable(data)`` is a tensor over the same memory; every tensor is a Variable.

    Args:
        data: a tensor.
        requires_grad: whether calls with it are recorded.
        volatile: accepted with a warning; PyTorch's version 0.4 took its meaning away.
    """

    def __new__(cls, data: Tensor, requires_grad: bool = False, volatile: bool = False) -> Any:
        if volatile:
            warnings.warn(
                "volatile was removed and now has no effect. Use `with torch.no_grad():` instead.",
                stacklevel=2,
            )
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        made = alias(data)
        return made.requires_grad_(requires_grad) if requires_grad else made


__all__ = ["Variable"]
