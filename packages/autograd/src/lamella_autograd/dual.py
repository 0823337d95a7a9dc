"""The level of a direction: forward mode, by dual numbers (W. K. Clifford, 1871).

A tensor of this level holds a value and a tangent, its derivative along the direction. Every call
computes both; see ``pushforward`` for the rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from lamella_autograd.formulas import not_differentiable
from lamella_autograd.inference import INFERENCE_TENSOR
from lamella_autograd.levels import (
    Below,
    Level,
    LiftedArray,
    call,
    captured_error,
    mapped,
    mapped_results,
    record,
    settled,
    tensor_of,
    tensors_in,
)
from lamella_autograd.pushforward import laid_out_as, push
from lamella_core.conventions.creation import Creation
from lamella_core.conventions.mutation import Mutation
from lamella_core.conventions.view import StridedView, View
from lamella_core.dispatch import REQUIRES_GRAD
from lamella_core.dtype import FLOATING
from lamella_core.ops.creation_likes import zeros_like
from lamella_core.tensor import Tensor, wrap

if TYPE_CHECKING:
    from lamella_core.dispatch import Op


_LINE_WIDTH = 80
_KEPT = REQUIRES_GRAD | INFERENCE_TENSOR


class DualArray(LiftedArray):
    """A value and its tangent, which is None where it is zero."""

    __slots__ = ("tangent",)

    tangent: Tensor | None

    def __init__(self, level: Level, value: Tensor, tangent: Tensor | None = None) -> None:
        super().__init__(level, value)
        self.tangent = tangent

    def plain(self) -> Tensor | None:
        return None if self.level.transforms else self.value

    def text(self) -> str:
        if self.level.transforms:
            return super().text()
        text = repr(self.value)
        if self.tangent is None:
            return text
        suffix = f"tangent={self.tangent!r}"
        head = text[:-1]
        fits = len(head.splitlines()[-1]) + len(suffix) + 3 <= _LINE_WIDTH
        return f"{head}, {suffix})" if fits else f"{head},\n       {suffix})"


class Dual(Level):
    """The level of one ``jvp``, or of one ``forward_ad.dual_level``.

    Args:
        transforms: False for ``dual_level``, where tensors without a tangent stay as they are.
    """

    def __init__(self, *, transforms: bool = True) -> None:
        super().__init__()
        self.transforms = transforms
        self._made: list[ref[Tensor]] = []

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        while self._made:
            tensor = self._made.pop()()
            if tensor is not None:
                _become_value(tensor, self)

    def array(self, value: Tensor) -> LiftedArray:
        return DualArray(self, value)

    def make(self, value: Tensor, tangent: Tensor | None) -> Tensor:
        """A tensor of this level."""
        tensor = tensor_of(DualArray(self, value, tangent))
        if not self.transforms:
            self._made.append(ref(tensor))
        return tensor

    def tangent(self, tensor: Tensor) -> Tensor | None:
        """The tangent; None where there is none."""
        tensor = settled(tensor)
        return tensor._array.tangent if self.is_own(tensor) else None

    def run(self, op: Op, args: tuple[Any, ...]) -> Any:
        args = mapped(settled, args)
        if not self.transforms:
            # Gradients are asked for through tensors of this level, and have tangents themselves.
            bits = 0
            for each in tensors_in(args):
                bits |= each._key & _KEPT
            if bits & REQUIRES_GRAD:
                return record(op, args, bits)
        return self.run_below(op, args)

    def run_below(self, op: Op, args: tuple[Any, ...]) -> Any:
        own = directed = False
        for each in tensors_in(args):
            if self.is_own(each):
                own = True
                directed = directed or each._array.tangent is not None
        view = isinstance(op.convention, (View, StridedView))
        with Below(self):
            values = mapped(self.value, args)
            if op.mutates is not None:
                if op.mutates == "out" and directed:
                    raise RuntimeError(
                        f"{op.base.name if op.base else op.name}(): functions with out=... "
                        f"arguments don't support forward mode, but one of the arguments has a "
                        f"tangent"
                    )
                if own or self.transforms:
                    self._write(op, args, values)
                else:
                    call(op, *values)
                return args[-1] if op.mutates == "out" else args[0]
            if view and own and not directed and self.transforms:
                # A later write to the view has to show in the tangent of what it is a view of.
                self._give_tangent(args[0])
                directed = args[0]._array.tangent is not None
            if not directed or op.name in not_differentiable:
                result = call(op, *values)
                if not self.transforms or (view and not own):
                    return result
                if not own and not isinstance(op.convention, Creation):
                    return mapped_results(self.lift, result)
                return mapped_results(lambda each: self._lifted(op, args, each, None), result)
            results, tangents = push(op, values, mapped(self.tangent, args))
        if isinstance(results, Tensor):
            return self._lifted(op, args, results, tangents)
        duals = [
            self._lifted(op, args, each, tangent)
            for each, tangent in zip(results, tangents, strict=True)
        ]
        kind = results.__class__
        return kind(duals) if kind in (list, tuple) else kind(*duals)

    def _lifted(self, op: Op, args: Any, value: Any, tangent: Tensor | None) -> Any:
        if not isinstance(value, Tensor):
            return mapped_results(lambda each: self._lifted(op, args, each, None), value)
        if (
            tangent is None
            and not self.transforms
            and not isinstance(op.convention, (View, StridedView))
        ):
            return value
        tensor = self.make(value, tangent)
        if isinstance(op.convention, (View, StridedView)) and self.is_own(args[0]):
            source = args[0]
            base = source if source._view is None else source._view[0]
            tensor._view = (base, tensor._storage.version)  # type: ignore[union-attr]
        return tensor

    def _give_tangent(self, tensor: Tensor) -> None:
        array = tensor._array
        if array.tangent is None and tensor._dtype.category >= FLOATING:
            array.tangent = zeros_like(array.value)

    def _write(self, op: Op, args: Any, values: Any) -> None:
        """An in-place call: into the value and, where there is one, into the tangent."""
        target = args[0] if op.mutates != "out" else args[-1]
        if not isinstance(target, Tensor):
            if any(self.tangent(each) is not None for each in tensors_in(args)):
                raise RuntimeError(
                    f"{op.name} writes into a list of tensors, and does not support forward mode"
                )
            call(op, *values)
            return
        tangents = mapped(self.tangent, args)
        directed = any(each is not None for each in _flat(tangents, args))
        if not self.is_own(target):
            if self.transforms:
                raise captured_error(op)
            if directed and target._dtype.category >= FLOATING:
                self._adopt(target)
                args = (target, *args[1:])
                values = mapped(self.value, args)
                tangents = mapped(self.tangent, args)
        if not directed or target._dtype.category < FLOATING:
            call(op, *values)
            return
        array = target._array
        if isinstance(op.convention, Mutation) or op.base is None:
            new = None
        elif op.base.name in not_differentiable:
            new = None
        else:
            _, new = push(op.base, values, tangents)
        call(op, *values)
        if array.tangent is None:
            array.tangent = zeros_like(array.value)
        if new is None:
            array.tangent.zero_()
        else:
            array.tangent.copy_(new)

    def _adopt(self, target: Tensor) -> None:
        """Makes a tensor without a tangent, and what it is a view of, tensors of this level."""
        view = target._view
        if view is not None:
            base = view[0]
            if not self.is_own(base):
                self._adopt(base)
            inner = _inner(target)
            whole = base._array.tangent
            base_value = base._array.value
            offset = inner.storage_offset() - base_value.storage_offset()
            tangent = whole.as_strided(inner.shape, inner.stride(), whole.storage_offset() + offset)
        else:
            inner = _inner(target)
            tangent = laid_out_as(zeros_like(inner), inner)
        lifted = self.make(inner, tangent)
        self._made.append(ref(target))
        target._array = lifted._array
        target._key = lifted._key
        target._storage = lifted._storage
        target._graph = None


def _become_value(tensor: Tensor, level: Dual) -> None:
    """Makes a dual tensor of a level that has ended the value that it holds."""
    if level.is_own(tensor):
        value = tensor._array.value
        tensor._array, tensor._key, tensor._storage = value._array, value._key, value._storage
        tensor._graph, tensor._view = value._graph, value._view


def _inner(tensor: Tensor) -> Tensor:
    """What a tensor is now, as another object."""
    inner = wrap(tensor._array, tensor._dtype, tensor._key)
    inner._storage = tensor._storage
    inner._graph = tensor._graph
    inner._view = tensor._view
    return inner


def _flat(tangents: Any, args: Any) -> list[Any]:
    """The tangents that stand in the places of tensors."""
    found: list[Any] = []
    for tangent, a in zip(tangents, args, strict=True):
        if isinstance(a, Tensor):
            found.append(tangent)
        elif isinstance(a, (list, tuple)) and a and isinstance(a[0], Tensor):
            found.extend(tangent)
    return found
