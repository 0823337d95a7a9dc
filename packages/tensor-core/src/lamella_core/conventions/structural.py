"""Structural ops: they move elements and compute nothing, so every type goes through unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.conventions.common import check_memory, kernel_call, store
from lamella_core.declaration import declare
from lamella_core.dispatch import REORDERED, kernel_of
from lamella_core.formats import in_order
from lamella_core.offers import offered, offers
from lamella_core.storage import mark_written

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.backend import Backend
    from lamella_core.declaration import Declarator
    from lamella_core.dispatch import Op
    from lamella_core.tensor import Tensor

_NUMBERS = frozenset((bool, int, float, complex))


def structural(
    *,
    elementwise: bool = False,
    method: bool = True,
    inplace: bool = False,
) -> Declarator:
    """Declares an op whose kernel takes arrays and returns a new one, of any element type.

    Args:
        elementwise: whether the op goes by element, its operands being broadcast.
        method, inplace: see ``declaration.declare``.
    """
    return lambda declaration: declare(
        declaration, Structural(elementwise), method=method, inplace=inplace
    )


def overwriting(*, repeats: bool = False, inputs: str = "apart", method: bool = True) -> Declarator:
    """Declares an op whose kernel writes into its first array and returns nothing.

    The op itself gives the kernel a copy; the in-place variant, ``name_``, the tensor's own array.

    Args:
        repeats: whether several elements of that tensor may lie in one place in memory.
        inputs: what of its memory the others may have: none where they are ``apart``, none or
            all of it where they may be the ``same``, or ``any`` part.
        method: see ``declaration.declare``.
    """
    return lambda declaration: declare(
        declaration, Overwriting(repeats, inputs), method=method, inplace=True
    )


def _tensor_positions(op: Op) -> tuple[list[int], list[int]]:
    # The places, among the arguments, of single tensors (or numbers) and of lists of tensors.
    singles, lists = [], []
    for i, param in enumerate(op.params):
        if param.kind == "tensors":
            lists.append(i)
        elif param.kind not in ("value", "device"):
            singles.append(i)
    return singles, lists


def _arrays(args: tuple[Any, ...], singles: list[int], lists: list[int]) -> list[Any]:
    values = list(args)
    for i in singles:
        value = values[i]
        if value is not None and value.__class__ not in _NUMBERS:
            values[i] = value._array
    for i in lists:
        values[i] = [each._array for each in values[i]]
    return values


class Structural:
    # See ``structural``.

    keeps_order = True
    __slots__ = ("elementwise",)

    def __init__(self, elementwise: bool) -> None:
        self.elementwise = elementwise

    def bind(self, op: Op, backend: Backend, key: int) -> Callable[..., Any]:
        base = op.base or op
        kernel = kernel_of(base.name, backend)
        if self.elementwise and key & REORDERED:
            kernel = in_order(kernel, backend.array_type)
        call = kernel_call(base, kernel, backend)
        if op.mutates is None:
            return call
        inplace = op.mutates != "out"

        def into(*args: Any) -> Tensor:
            target = args[0] if inplace else args[-1]
            result = call(*(args if inplace else args[:-1]))
            store(base.name, backend, target, result._array, result._dtype, inplace)
            return target

        return into


class Overwriting:
    # See ``overwriting``.

    __slots__ = ("inputs", "repeats")

    def __init__(self, repeats: bool, inputs: str) -> None:
        self.repeats = repeats
        self.inputs = inputs

    def bind(self, op: Op, backend: Backend, key: int) -> Callable[..., Any]:
        base = op.base or op
        kernel = kernel_of(base.name, backend)
        singles, lists = _tensor_positions(base)

        if op.mutates is None or op.mutates == "out":

            def on_copy(source: Any, *more: Any) -> Any:
                target = offered(source.shape, source.dtype) if offers else None
                if target is None:
                    target = clone(source, "C")
                else:
                    backend.copy_into(target, source)
                kernel(target, *more)
                return target

            clone = kernel_of("clone", backend)
            call = kernel_call(base, on_copy, backend)
            if op.mutates is None:
                return call

            def into_out(*args: Any) -> Tensor:
                result = call(*args[:-1])
                store(base.name, backend, args[-1], result._array, result._dtype, inplace=False)
                return args[-1]

            return into_out

        repeats, looks, apart = self.repeats, self.inputs != "any", self.inputs == "apart"
        others = singles[1:] if looks else []

        def write_one(target: Tensor, value: Any) -> Tensor:
            array, storage = target._array, target._storage
            if value.__class__ not in _NUMBERS:
                if looks and storage is not None and value._storage is storage:
                    check_memory(op.name, target, (value,), apart, repeats)
                value = value._array
            if not repeats and 0 in array.strides:
                check_memory(op.name, target)
            kernel(array, value)
            if storage is None:
                mark_written(target)
            else:
                storage.version += 1
            return target

        def write(*args: Any) -> Tensor:
            target = args[0]
            inputs = [args[i] for i in others]
            for i in lists:
                inputs.extend(args[i])
            check_memory(op.name, target, inputs, apart, repeats)
            kernel(*_arrays(args, singles, lists))
            mark_written(target)
            return target

        return write_one if singles == [0, 1] and len(base.params) == 2 else write
