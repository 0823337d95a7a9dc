"""Ops that are written in other ops, and that autograd records as one: it keeps their operands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.conventions.common import LARGE
from lamella_core.declaration import declare
from lamella_core.dispatch import REQUIRES_GRAD, WATCHED
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.backend import Backend
    from lamella_core.dispatch import Op


def whole(declaration: str, function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Declares an op that is a function of tensors; for those that require a gradient alone."""
    return declare(declaration, Whole(function))  # type: ignore[no-any-return]


def is_recorded(size: int, *tensors: Tensor) -> bool:
    """Whether a call is one for such an op: of many elements, and where autograd alone looks on."""
    if size < LARGE:
        return False
    key = 0
    for each in tensors:
        key |= each._key
    return key & WATCHED == REQUIRES_GRAD and not any([each.is_sparse for each in tensors])


class Whole:
    # See ``whole``.

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Tensor]) -> None:
        self.function = function

    def bind(self, op: Op, backend: Backend, key: int) -> Callable[..., Tensor]:
        function = self.function

        def call(*args: Any) -> Tensor:
            return function(*[each.detach() if isinstance(each, Tensor) else each for each in args])

        return call
