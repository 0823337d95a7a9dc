"""``autograd.graph``: looking at the graph, and changing how it keeps what it saves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lamella_autograd.inplace import edge_of
from lamella_autograd.modes import SAVING_HOOKS
from lamella_autograd.node import AccumulateGrad, Node, Output, accumulator
from lamella_autograd.packing import hooks
from lamella_core.dispatch import modes
from lamella_core.storage import mark_written
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "GradientEdge",
    "Node",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "save_on_cpu",
    "saved_tensors_hooks",
]


class saved_tensors_hooks:
    """In the block, ``pack_hook(tensor)`` is kept in the place of each tensor that is saved.

    ``unpack_hook`` gets what ``pack_hook`` returned, and returns a tensor of the same content. Of
    nested blocks the innermost counts.

    Args:
        pack_hook: called while a call is recorded. It must not write to its argument.
        unpack_hook: called in the backward pass.

    Raises:
        RuntimeError: on entry, inside :class:`disable_saved_tensors_hooks`.
    """

    def __init__(
        self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]
    ) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        if hooks.disabled:
            raise RuntimeError(hooks.disabled[-1])
        hooks.pairs.append((self.pack_hook, self.unpack_hook))
        modes.bits |= SAVING_HOOKS

    def __exit__(self, *exc: object) -> None:
        hooks.pairs.pop()
        if not hooks.pairs:
            modes.bits &= ~SAVING_HOOKS


class save_on_cpu(saved_tensors_hooks):
    """In the block, saved tensors are kept in the host's memory and brought back when needed.

    Args:
        pin_memory: False; page-locked memory is not supported.
        device_type: the device type that tensors come from; accepted for PyTorch's signature.

    Raises:
        RuntimeError: for ``pin_memory=True``.
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        if pin_memory:
            raise RuntimeError(
                "save_on_cpu: pin_memory=True is not supported; use pin_memory=False"
            )
        super().__init__(
            lambda tensor: (tensor.device, tensor.cpu()), lambda kept: kept[1].to(kept[0])
        )


class disable_saved_tensors_hooks:
    """In the block, entering :class:`saved_tensors_hooks` is an error.

    Args:
        error_message: the error's text.

    Raises:
        RuntimeError: on entry, when hooks are active already.
    """

    def __init__(self, error_message: str) -> None:
        self.error_message = error_message

    def __enter__(self) -> None:
        if hooks.pairs:
            raise RuntimeError(self.error_message)
        hooks.disabled.append(self.error_message)

    def __exit__(self, *exc: object) -> None:
        hooks.disabled.pop()


class GradientEdge(NamedTuple):
    """A place in the graph: a node, and which of its outputs."""

    node: Node
    output_nr: int
    ownership_token: Any = None


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The place in the graph where the gradient of a tensor is computed.

    ``backward`` and ``grad`` take it in the place of the tensor, which need not be kept.

    Raises:
        RuntimeError: for a tensor that does not require grad.
    """
    edge = edge_of(tensor)
    if edge is None:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require "
            "gradients."
        )
    if isinstance(edge, Tensor):
        return GradientEdge(accumulator(edge), 0)
    if edge.__class__ is Output:
        return GradientEdge(edge.node, edge.index)
    return GradientEdge(edge, 0)


def edge_at(place: GradientEdge) -> Any:
    """A place in the engine's terms: a leaf, a node, or a node's output."""
    node = place.node
    if isinstance(node, AccumulateGrad):
        return node.variable
    return Output(node, place.output_nr) if node.several else node


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Counts a write to tensors that autograd could not see."""
    for each in (tensor,) if isinstance(tensor, Tensor) else tensor:
        mark_written(each)
