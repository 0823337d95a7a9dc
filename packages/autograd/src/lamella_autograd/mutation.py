"""Writes to tensors that were saved for the backward pass: what was saved is cloned before."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any

from lamella_autograd.modes import MUTATION, NO_GRAD
from lamella_autograd.packing import saved_tensors_hooks
from lamella_core.dispatch import Layer, modes
from lamella_core.storage import storage_of
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.dispatch import Op
    from lamella_core.storage import Storage


class _Kept:
    """A saved tensor: an alias of the memory, or a clone from before the first write to it."""

    __slots__ = ("__weakref__", "tensor")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


class AllowMutationContext:
    """What the block knows; ``clear()`` forgets it, after which no backward pass is possible."""

    def __init__(self) -> None:
        self._by_storage: dict[int, list[weakref.ref[_Kept]]] = {}
        self._cloned: list[weakref.ref[_Kept]] = []

    def clear(self) -> None:
        """Forgets all saved tensors."""
        for references in (*self._by_storage.values(), self._cloned):
            for reference in references:
                kept = reference()
                if kept is not None:
                    kept.tensor = None  # type: ignore[assignment]
        self._by_storage.clear()
        self._cloned.clear()

    def pack(self, tensor: Tensor) -> _Kept:
        """Notes a tensor that is being saved."""
        kept = _Kept(tensor)
        references = self._by_storage.setdefault(id(storage_of(tensor)), [])
        references[:] = [each for each in references if each() is not None]
        references.append(weakref.ref(kept))
        return kept

    def unpack(self, kept: _Kept) -> Tensor:
        """What was saved, as it was then.

        Raises:
            AssertionError: after the block or ``clear``.
        """
        if kept.tensor is None:
            raise AssertionError(
                "Trying to backward outside of the 'allow_mutation_on_saved_tensors' context in "
                "which the graph was originally recorded."
            )
        return kept.tensor

    def before_write(self, storage: Storage) -> None:
        """Clones what was saved and lies in memory that is about to be written to."""
        for reference in self._by_storage.pop(id(storage), ()):
            kept = reference()
            if kept is not None and kept.tensor is not None:
                self._cloned.append(reference)
                before = modes.bits
                modes.bits = before | NO_GRAD
                try:
                    kept.tensor = kept.tensor.clone()
                finally:
                    modes.bits = before


class _Active(threading.local):
    context: AllowMutationContext | None = None


_active = _Active()


class allow_mutation_on_saved_tensors:
    """In the block, what was saved for the backward pass may be written to.

    Before the first write it is cloned, and the backward pass gets the clone. The backward pass
    must run in the block, too.

    Raises:
        RuntimeError: on entry, inside another such block.
    """

    def __enter__(self) -> AllowMutationContext:
        if _active.context is not None:
            raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
        context = AllowMutationContext()
        self._hooks = saved_tensors_hooks(context.pack, context.unpack)
        self._hooks.__enter__()
        _active.context = context
        modes.bits |= MUTATION
        return context

    def __exit__(self, *exc: object) -> None:
        modes.bits &= ~MUTATION
        context, _active.context = _active.context, None
        if context is not None:
            context.clear()
        self._hooks.__exit__(*exc)


class CloneBeforeWrite(Layer):
    """Tells the thread's context of every write."""

    name = "clone before write"
    level = 150
    bits = MUTATION

    def wrap(self, op: Op, key: int, below: Callable[..., Any]) -> Callable[..., Any]:
        if op.mutates is None:
            return below
        last = op.mutates == "out"

        def write(*args: Any) -> Any:
            context = _active.context
            targets = args[-1] if last else args[0]
            for each in targets if isinstance(targets, (tuple, list)) else (targets,):
                if context is not None and isinstance(each, Tensor) and each._storage is not None:
                    context.before_write(each._storage)
            return below(*args)

        return write
