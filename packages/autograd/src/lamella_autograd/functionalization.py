"""``functionalize``: a function without the writes and the shared memory in it.

A tensor of the level is one of several views of a *root*, a value that no call writes to. A write
to any of them becomes a call that makes a new value, which takes the root's place; the others are
made anew from it, by the same views, when they are next read.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

from lamella_autograd.formulas import derivatives
from lamella_autograd.levels import (
    Below,
    Level,
    LiftedArray,
    call,
    mapped,
    mapped_results,
    settled,
    tensor_of,
    tensors_in,
)
from lamella_autograd.pytree import mapped_tree
from lamella_core.conventions.view import StridedView, View
from lamella_core.ops.creation import arange
from lamella_core.storage import new_storage
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.dispatch import Op

_REMOVE = ("mutations", "mutations_and_views")


class _Step(NamedTuple):
    """One view on the way from a root: the call, and which of its results."""

    op: Op
    args: tuple[Any, ...]
    part: int | None

    def of(self, tensor: Tensor) -> Tensor:
        result = call(self.op, tensor, *self.args)
        return result if self.part is None else result[self.part]


class _Root:
    """A value that views share, and how often another took its place.

    ``storage`` is theirs, apart from the value's, for its version counts writes that the value
    does not see.
    """

    __slots__ = ("storage", "value", "writes")

    def __init__(self, value: Tensor) -> None:
        self.value = value
        self.writes = 0
        self.storage = new_storage(value._array, value._key)


class FunctionalArray(LiftedArray):
    """A view of a root."""

    __slots__ = ("_read", "_value", "root", "steps")

    def __init__(
        self, level: Level, value: Tensor, root: _Root | None = None, steps: tuple[_Step, ...] = ()
    ) -> None:
        self.level = level
        self.root = _Root(value) if root is None else root
        self.steps = steps
        self._value = value
        self._read = self.root.writes

    @property
    def value(self) -> Tensor:  # type: ignore[override]
        """What the view shows after all writes so far."""
        if self._read != self.root.writes:
            with Below(self.level):
                self._value = _replayed(self.root.value, self.steps)
            self._read = self.root.writes
        return self._value

    def write(self, value: Tensor) -> None:
        """Puts a value in the place of what the view shows; called below the level."""
        root = self.root
        root.value = _scattered(root.value, self.steps, value) if self.steps else value
        root.writes += 1
        root.storage.version += 1

    def detached(self) -> LiftedArray:
        """A view of the same root: what is written to it shows in both."""
        return FunctionalArray(self.level, self.value, self.root, self.steps)

    def text(self) -> str:
        return f"FunctionalTensor(lvl={self.level.depth}, value=\n{self.value!r})"


def _tensor_of(array: FunctionalArray) -> Tensor:
    tensor = tensor_of(array)
    tensor._storage = array.root.storage
    return tensor


def _replayed(value: Tensor, steps: tuple[_Step, ...]) -> Tensor:
    for step in steps:
        value = step.of(value)
    return value


def _scattered(whole: Tensor, steps: tuple[_Step, ...], part: Tensor) -> Tensor:
    """``whole`` with ``part`` in the place that the views show of it."""
    if any([getattr(step.op.convention, "retypes", True) for step in steps]):
        # The view goes by bytes or strides: a copy of the same layout is written to.
        fresh = whole.clone()
        _replayed(fresh, steps).copy_(part)
        return fresh
    shape = whole._array.shape
    places = _replayed(arange(whole._array.size, device=whole.device).reshape(shape), steps)
    flat = whole.reshape(-1).index_put((places.reshape(-1),), part.reshape(-1))
    return flat.reshape(shape)


class Functional(Level):
    """The level of one :func:`functionalize`."""

    differentiates = False

    def array(self, value: Tensor) -> LiftedArray:
        return FunctionalArray(self, value)

    def lift(self, value: Tensor) -> Tensor:
        return _tensor_of(FunctionalArray(self, value))

    def run(self, op: Op, args: tuple[Any, ...]) -> Any:
        args = mapped(settled, args)
        if op.mutates is not None:
            return self._write(op, args)
        with Below(self):
            result = call(op, *mapped(self.value, args))
        if not isinstance(op.convention, (View, StridedView)):
            return mapped_results(self.lift, result)
        source = args[0]
        if not self.is_own(source):
            return result
        array, rest = source._array, args[1:]
        if isinstance(result, Tensor):
            return self._view(array, _Step(op, rest, None), result)
        views = [self._view(array, _Step(op, rest, i), each) for i, each in enumerate(result)]
        return type(result)(views)

    def _view(self, array: FunctionalArray, step: _Step, value: Tensor) -> Tensor:
        return _tensor_of(FunctionalArray(self, value, array.root, (*array.steps, step)))

    def _write(self, op: Op, args: tuple[Any, ...]) -> Any:
        targets = args[-1] if op.mutates == "out" else args[0]
        for each in tensors_in((targets,)):
            if not self.is_own(each):
                raise RuntimeError(
                    f"functionalize: {op.name} would write to a tensor that the function took "
                    f"from outside; pass it as an argument"
                )
        with Below(self):
            values = mapped(self.value, args)
            base = op.base
            if op.mutates == "out" and base is not None:
                made = call(base, *values[:-1])
            elif isinstance(targets, Tensor) and base is not None and base.name in derivatives:
                made = call(base, *values)
                made = self._fitting(op, made, values[0])
            else:
                # No call without a write does this: it writes to copies.
                fresh = mapped(lambda each: each.clone(), (values[0],))[0]
                call(op, fresh, *values[1:])
                made = fresh
            pairs = zip(tensors_in((targets,)), tensors_in((made,)), strict=True)
            for target, value in pairs:
                if value._dtype is not target._dtype:
                    value = value.to(target._dtype)
                target._array.write(value)
        return targets

    def _fitting(self, op: Op, made: Tensor, target: Tensor) -> Tensor:
        if made._array.shape != target._array.shape:
            raise RuntimeError(
                f"output with shape {list(target._array.shape)} doesn't match the broadcast shape "
                f"{list(made._array.shape)} ({op.name})"
            )
        return made


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """A function that returns what ``func`` does, by calls of which none writes to a tensor.

    Writes to the arguments are made up for at the end, by one copy into each. So a function that
    writes to a tensor of its own can be batched although that tensor is not:
    ``vmap(functionalize(f))``.

    Args:
        func: takes and returns tensors and nested collections of them.
        remove: ``"mutations"``, or ``"mutations_and_views"``: results share no memory with the
            arguments either way.

    Raises:
        RuntimeError: for another ``remove``; in a call, for a write to a tensor that ``func``
            took from outside, and for an argument that it gave another shape in place.
    """
    if remove not in _REMOVE:
        raise RuntimeError(
            f"functionalize(f, remove='mutations'): received invalid argument for remove={remove}. "
            f"Valid options are: {', '.join(map(repr, _REMOVE))}"
        )

    @wraps(func)
    def functional(*args: Any, **kwargs: Any) -> Any:
        given: list[tuple[Tensor, Tensor]] = []
        with Functional() as level:

            def lifted(leaf: Any) -> Any:
                if not isinstance(leaf, Tensor):
                    return leaf
                tensor = level.lift(settled(leaf))
                given.append((leaf, tensor))
                return tensor

            args, kwargs = mapped_tree(lifted, (args, kwargs))
            results = func(*args, **kwargs)
            outputs = mapped_tree(
                lambda leaf: level.value(leaf) if isinstance(leaf, Tensor) else leaf, results
            )
            written = [
                (original, tensor._array.root.value)
                for original, tensor in given
                if tensor._array.root.writes
            ]
            for original, tensor in given:
                if tensor._array.steps or original._array.shape != tensor._array.shape:
                    raise RuntimeError(
                        "functionalize: the function gave an argument another shape in place "
                        "(t_, squeeze_, as_strided_, ...), which is not supported; use the "
                        "out-of-place form"
                    )
        for original, value in written:
            original.copy_(value)
        return outputs

    return functional


__all__ = ["functionalize"]
