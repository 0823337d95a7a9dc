"""Mutations: ops that write into arguments, the first one above all, and have no other form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.conventions.common import broadcast_error, check_memory
from lamella_core.declaration import declare
from lamella_core.dispatch import kernel_of
from lamella_core.storage import mark_written
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.backend import Backend
    from lamella_core.declaration import Declaration, Declarator
    from lamella_core.dispatch import Op


def mutation(*, method: bool = True, mutates: tuple[str, ...] = ()) -> Declarator:
    """Declares an op that writes into its first argument and returns it.

    That argument is one tensor or a sequence of tensors. The kernel takes arrays in the place of
    tensors and returns nothing.

    Args:
        method: whether the op is a method of Tensor, too.
        mutates: the parameters that are written to, where they are more than the first one, which
            stands at their head.
    """

    def declarator(declaration: Declaration) -> Any:
        function = declare(declaration, Mutation(mutates), method=method)
        function.op.mutates = function.op.params[0].name
        return function

    return declarator


def _array_of(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value._array
    if isinstance(value, (list, tuple)):
        return [_array_of(each) for each in value]
    return value


class Mutation:
    # See :func:`mutation`.
    #
    # Attributes:
    #     mutates: the names of the parameters that are written to; empty for the first one alone.

    __slots__ = ("mutates",)

    def __init__(self, mutates: tuple[str, ...] = ()) -> None:
        self.mutates = mutates

    def bind(self, op: Op, backend: Backend, key: int) -> Callable[..., Any]:
        if op.params[0].kind == "tensors":
            return self._bind_lists(op, backend)
        kernel = kernel_of(op.name, backend)

        def call(target: Any, *args: Any) -> Any:
            check_memory(op.name, target, args)
            try:
                kernel(target._array, *[_array_of(a) for a in args])
            except ValueError as error:
                tensors = [t for t in (target, *args) if isinstance(t, Tensor)]
                if len(tensors) < 2:
                    raise
                shapes = [t._array.shape for t in tensors]
                raise broadcast_error(op.name, *shapes) from error
            mark_written(target)
            return target

        return call

    def _bind_lists(self, op: Op, backend: Backend) -> Callable[..., Any]:
        kernel = kernel_of(op.name, backend)
        names = [p.name for p in op.params]
        lists = [i for i, p in enumerate(op.params) if p.kind == "tensors"]
        singles = [
            i for i, p in enumerate(op.params) if p.kind not in ("tensors", "value", "device")
        ]
        written = [names.index(name) for name in self.mutates] or [0]

        def call(*args: Any) -> Any:
            values = list(args)
            for i in lists:
                values[i] = [each._array for each in args[i]]
            for i in singles:
                values[i] = _array_of(args[i])
            kernel(*values)
            for i in written:
                for each in args[i]:
                    storage = each._storage
                    if storage is None:
                        mark_written(each)
                    else:
                        storage.version += 1
            return args[0]

        return call
