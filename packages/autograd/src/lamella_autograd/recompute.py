"""What ``checkpoint`` puts in the place of saved tensors: places that are filled by running again.

While a checkpointed function runs, each tensor that the graph would save becomes a numbered
:class:`_Place`. When a backward pass asks for one, the function runs once more, and what it saves
fills the places in the same order (Chen et al., "Training deep nets with sublinear memory cost",
2016). The recomputed tensors are kept by the pass that asked, each until it is used.
"""

from __future__ import annotations

import threading
import weakref
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from lamella_autograd.modes import SAVING_HOOKS
from lamella_autograd.node import modified
from lamella_autograd.packing import Packed, saved_tensors_hooks
from lamella_autograd.passes import passes
from lamella_core.dispatch import modes
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_autograd.random_states import RandomStates


class CheckpointError(RuntimeError):
    """Running a checkpointed function again gave something else than the first time."""


class _StopRecomputing(Exception):
    """All that was asked for has been recomputed."""


class _Place:
    """Stands in the graph for a saved tensor."""

    __slots__ = ("__weakref__", "number")

    def __init__(self, number: int) -> None:
        self.number = number


class _Group(threading.local):
    current: GraphExecGroup | None = None


_group = _Group()


class GraphExecGroup:
    """In the block, all backward passes share what was recomputed, so that nothing is twice.

    No two of the passes may use the same saved tensor.

    Raises:
        RuntimeError: on entry, inside another such block.
    """

    def __enter__(self) -> GraphExecGroup:
        if _group.current is not None:
            raise RuntimeError("GraphExecGroup contexts cannot be nested")
        _group.current = self
        return self

    def __exit__(self, *exc: object) -> None:
        _group.current = None


class _Argument:
    """An argument of the function as it is to be at the second run, or an error."""

    __slots__ = ("kept", "version")

    def __init__(self, value: Any) -> None:
        self.version = 0
        if isinstance(value, Tensor):
            self.version = value._version
            # Under another checkpoint, or the user's hooks, it is theirs to keep.
            if modes.bits & SAVING_HOOKS:
                value = Packed(value)
        self.kept = value

    def get(self) -> Any:
        value = self.kept
        if isinstance(value, Packed):
            return value.unpack()
        if isinstance(value, Tensor) and value._version != self.version:
            raise modified("checkpoint", "an argument", value, self.version)
        return value


class Frame:
    """One checkpointed call.

    Args:
        function, args, kwargs: the call.
        states: the random generators before the call, or None.
        again: makes the context manager for the second run.
        early_stop: whether the second run ends as soon as all places are filled.
        describe: gives the shape, dtype and device of a tensor; None for no check.
        report: adds to an error's text what the two runs did; None without ``debug``.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *,
        states: RandomStates | None,
        again: Any,
        early_stop: bool,
        describe: Callable[[Tensor], dict[str, Any]] | None,
        report: Any,
    ) -> None:
        self.function = function
        self.args = [_Argument(each) for each in args]
        self.kwargs = {name: _Argument(each) for name, each in kwargs.items()}
        self.states = states
        self.again = again
        self.early_stop = early_stop
        self.describe = describe
        self.report = report
        self.bits = modes.bits
        self.places: list[weakref.ref[_Place]] = []
        self.seen: list[dict[str, Any]] = []
        self.found: weakref.WeakKeyDictionary[Any, dict[int, Tensor]] = weakref.WeakKeyDictionary()

    def hooks(self) -> saved_tensors_hooks:
        """The context in which the first run's tensors become places."""
        return saved_tensors_hooks(self._pack, self._unpack)

    def _pack(self, tensor: Tensor) -> _Place:
        place = _Place(len(self.places))
        self.places.append(weakref.ref(place))
        if self.describe is not None:
            self.seen.append(self.describe(tensor))
        return place

    def _unpack(self, place: _Place) -> Tensor:
        key = _group.current or (passes.stack[-1] if passes.stack else None)
        if key is None:
            return self._recompute()[place.number]
        tensors = self.found.get(key)
        if tensors is None or place.number not in tensors:
            tensors = self.found[key] = self._recompute()
        tensor = tensors.pop(place.number)
        if not tensors:
            del self.found[key]
        return tensor

    def _recompute(self) -> dict[int, Tensor]:
        run = _SecondRun(self)
        args = [each.get() for each in self.args]
        kwargs = {name: each.get() for name, each in self.kwargs.items()}
        before = modes.bits
        try:
            modes.bits = self.bits
            with self.states.restored() if self.states is not None else nullcontext(), self.again:
                with saved_tensors_hooks(run.pack, _same):
                    self.function(*args, **kwargs)
        except _StopRecomputing as stop:
            if stop.args[0] is not run:
                raise
        finally:
            modes.bits = before
        run.check()
        return run.tensors


def _same(tensor: Tensor) -> Tensor:
    return tensor


class _SecondRun:
    """Fills the places of a frame."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.count = 0
        self.tensors: dict[int, Tensor] = {}
        self.different: list[str] = []

    def pack(self, tensor: Tensor) -> Tensor:
        frame, number = self.frame, self.count
        self.count += 1
        if number >= len(frame.places):
            if not frame.early_stop:
                self._fail(
                    "trying to save more tensors during recomputation than during the original "
                    "forward pass."
                )
            return tensor
        if frame.describe is not None:
            saved, recomputed = frame.seen[number], frame.describe(tensor)
            if saved != recomputed:
                self.different.append(
                    f"tensor at position {number}:\nsaved metadata: {saved}\n"
                    f"recomputed metadata: {recomputed}"
                )
        if frame.places[number]() is not None:
            self.tensors[number] = tensor.detach()
        if frame.early_stop and self.count == len(frame.places):
            raise _StopRecomputing(self)
        return tensor

    def check(self) -> None:
        """Raises CheckpointError unless the second run saved what the first did."""
        if self.count != len(self.frame.places):
            self._fail(
                f"A different number of tensors was saved during the original forward and "
                f"recomputation.\nNumber of tensors saved during forward: "
                f"{len(self.frame.places)}\nNumber of tensors saved during recomputation: "
                f"{self.count}."
            )
        if self.different:
            self._fail(
                "Recomputed values for the following tensors have different metadata than during "
                "the forward pass.\n" + "\n".join(self.different)
            )

    def _fail(self, reason: str) -> None:
        tip = (
            "Pass `debug=True` to checkpoint, or use set_checkpoint_debug_enabled(True), to see "
            "the ops of both runs."
        )
        report = self.frame.report
        raise CheckpointError(
            f"torch.utils.checkpoint: {reason}\n{tip if report is None else report()}"
        )
