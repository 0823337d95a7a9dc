"""Hooks on several tensors at once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from lamella_autograd.inplace import edge_of
from lamella_autograd.node import node_of
from lamella_autograd.passes import passes
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lamella_autograd.hooks import RemovableHandle
    from lamella_autograd.passes import Pass


class MultiHandle:
    """What registering a hook on several tensors returns; also a context manager."""

    def __init__(self, handles: list[RemovableHandle]) -> None:
        self.handles = tuple(handles)

    def remove(self) -> None:
        """Takes the hook off all tensors."""
        for handle in self.handles:
            handle.remove()

    def __enter__(self) -> MultiHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


class _Counted:
    """The gradients of one pass so far, and how many more will come."""

    __slots__ = ("grads", "missing", "running")

    def __init__(self, running: Pass, places: list[Any]) -> None:
        self.running = running
        self.grads: list[Tensor | None] = [None] * len(places)
        self.missing = sum(running.reaches(place) for place in places)


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[[Any], None], *, mode: str = "all"
) -> MultiHandle:
    """Calls a function once in each backward pass that reaches some of these tensors.

    Args:
        tensors: tensors that require grad.
        fn: with "all", it gets a list of gradients when the last of them was computed, None for
            tensors that the pass does not reach; with "any", the first gradient, when it was. It
            must not change its argument.
        mode: "all" or "any".

    Returns:
        a handle with ``remove()``.

    Raises:
        ValueError: for another mode.
        RuntimeError: for a tensor that does not require grad.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    lock = threading.Lock()
    if mode == "any":
        ran: list[Pass] = []

        def once(grad: Tensor) -> None:
            running = passes.stack[-1]
            with lock:
                if any(each is running for each in ran):
                    return
                ran[:] = [running]
            fn(grad)

        return MultiHandle([tensor.register_hook(once) for tensor in tensors])

    counts: list[_Counted] = []

    def waiting(index: int) -> Callable[[Tensor], None]:
        def arrive(grad: Tensor) -> None:
            running = passes.stack[-1]
            with lock:
                found = next((each for each in counts if each.running is running), None)
                if found is None:
                    places = [_place(tensor) for tensor in tensors]
                    found = _Counted(running, places)
                    counts.append(found)
                found.grads[index] = grad
                found.missing -= 1
                complete = found.missing == 0
                if complete:
                    counts.remove(found)
            if complete:
                fn(found.grads)

        return arrive

    return MultiHandle([tensor.register_hook(waiting(i)) for i, tensor in enumerate(tensors)])


def _place(tensor: Tensor) -> Any:
    edge = edge_of(tensor)
    return edge if isinstance(edge, Tensor) else node_of(edge)
