"""``autograd.graph``: looking at the graph, and changing how it keeps what it saves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lamella_autograd.dot import render_dot, to_dot
from lamella_autograd.inplace import edge_of
from lamella_autograd.multi_hooks import register_multi_grad_hook
from lamella_autograd.mutation import allow_mutation_on_saved_tensors
from lamella_autograd.node import AccumulateGrad, Node, Output, accumulator
from lamella_autograd.packing import (
    disable_saved_tensors_hooks,
    save_on_cpu,
    saved_tensors_hooks,
)
from lamella_core.storage import mark_written
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "render_dot",
    "save_on_cpu",
    "saved_tensors_hooks",
    "to_dot",
]


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
