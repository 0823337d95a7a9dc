"""In-place writes under autograd: what they may write to, and what they do to the graph.

A write to a tensor gives it a new place in the graph. A write to a view also changes the tensor it
is a view of (its base) and, through that, every other view of it: the base gets a node that passes
the gradient of the written region through the op and the rest by, and any view finds out at its
next use, by the version counter, that its own place is to be derived from the base anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.dispatch import REQUIRES_GRAD
from lamella_core.storage import storage_of
from lamella_core.tensor import Tensor, alias

from lamella_autograd.node import Node, next_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.dispatch import Op

    from lamella_autograd.formulas import Derivative

Geometry = tuple[tuple[int, ...], tuple[int, ...], int]


def geometry_of(tensor: Tensor) -> Geometry:
    """Shape, strides and offset of a tensor in its storage."""
    return tuple(tensor._array.shape), tensor.stride(), tensor.storage_offset()


def edge_of(tensor: Tensor) -> Any:
    """Where a gradient of ``tensor`` flows to; None when none is wanted."""
    view = tensor._view
    if view is not None:
        storage = storage_of(tensor)
        base, version = view
        if storage.version != version and base._key & REQUIRES_GRAD and base._graph is not None:
            node = ViewOfBase(edge_of(base), geometry_of(base), geometry_of(tensor), base._dtype)
            tensor._graph = node
            tensor._key |= REQUIRES_GRAD
            tensor._view = (base, storage.version)
            return node
    if not tensor._key & REQUIRES_GRAD:
        return None
    return tensor if tensor._graph is None else tensor._graph


class ViewOfBase(Node):
    """A view, seen as a strided window of its base: its gradient is laid into zeros."""

    __slots__ = ("base", "dtype", "view")

    op_name = "as_strided"

    def __init__(self, edge: Any, base: Geometry, view: Geometry, dtype: Any) -> None:
        self.edges = (edge,)
        self.number = next_number()
        self.hooks = None
        self.base = base
        self.view = view
        self.dtype = dtype

    def name(self) -> str:
        return "AsStridedBackward0"

    def apply(self, grad: Any) -> tuple[Any, ...]:
        return (lay_into_zeros(grad, self.base, self.view),)


class CopySlices(Node):
    """A write to a window of a base: the window's gradient goes through the op, the rest by.

    Its first edge is the base's earlier place; the others are those of the op's other arguments.
    """

    __slots__ = ("base", "function", "passes_input", "view")

    op_name = "copy_slices"

    def __init__(
        self, edge: Any, function: Node, passes_input: bool, base: Geometry, view: Geometry
    ) -> None:
        self.function = function
        self.passes_input = passes_input
        self.base = base
        self.view = view
        self.edges = (edge, *function.edges[1 if passes_input else 0 :])
        self.number = next_number()
        self.hooks = None

    def name(self) -> str:
        return "CopySlices"

    def apply(self, grad: Any) -> tuple[Any, ...]:
        whole = grad.new_empty_strided(self.base[0], self.base[1]).copy_(grad)
        target = window_of(whole, self.base, self.view)
        window = target.clone()
        first, *others = self.function.apply(window)
        if not self.passes_input:
            first, others = None, [first, *others]
        if first is None:
            target.zero_()
        else:
            target.copy_(first)
        return (whole, *others)

    def release(self) -> None:
        self.function.release()


def window_of(tensor: Tensor, base: Geometry, view: Geometry) -> Tensor:
    """The part of a tensor with the base's strides that a view's geometry covers."""
    shape, strides, offset = view
    return tensor.as_strided(shape, strides, tensor.storage_offset() + offset - base[2])


def lay_into_zeros(grad: Tensor, base: Geometry, view: Geometry) -> Tensor:
    """A base-shaped gradient that is ``grad`` in the view's window and zero elsewhere."""
    whole = grad.new_empty_strided(base[0], base[1]).zero_()
    window_of(whole, base, view).copy_(grad)
    return whole


def check_writable(tensor: Tensor, op_name: str) -> None:
    """Checks that an in-place op may write to a tensor while calls are recorded.

    Raises:
        RuntimeError: for a leaf that requires grad, or a view of one.
    """
    if tensor._key & REQUIRES_GRAD and tensor._graph is None:
        raise RuntimeError(
            f"a leaf Variable that requires grad is being used in an in-place operation ({op_name}); "
            f"do it in torch.no_grad(), or on a clone"
        )
    if tensor._view is not None:
        base = tensor._view[0]
        if base._key & REQUIRES_GRAD and base._graph is None:
            raise RuntimeError(
                f"a view of a leaf Variable that requires grad is being used in an in-place "
                f"operation ({op_name}); do it in torch.no_grad(), or on a clone"
            )


def refuse_out(op: Op, below: Callable[..., Any]) -> Callable[..., Any]:
    """An out variant errs when an argument requires grad."""

    def refuse(*args: Any) -> Any:
        raise RuntimeError(
            f"{op.base.name if op.base else op.name}(): functions with out=... arguments don't "
            f"support automatic differentiation, but one of the arguments requires grad."
        )

    return refuse


def record_inplace(
    op: Op, rules: Derivative | None, make_node: Any, below: Callable[..., Any]
) -> Callable[..., Any]:
    """The recording form of an in-place variant or a mutation."""
    first = op.params[0].name
    if op.params[0].kind == "tensors":
        return _record_list_mutation(op, below)
    keeps_input = rules is not None and any(
        first in formula.names
        for formula in (*rules.by_argument.values(), *((rules.compute,) if rules.compute else ()))
    )

    passes_input = rules is not None and rules.arguments[0] == first

    def record(*args: Any) -> Any:
        target = args[0]
        check_writable(target, op.name)
        if make_node is None:
            raise RuntimeError(
                f"derivative for {op.name} is not implemented; call it in torch.no_grad()"
            )
        edge_of(target)
        before = target.clone() if keeps_input else _placeholder(target)
        result = below(*args)
        node = make_node(target, before, *args[1:])
        if node is not None:
            rebase(target, node, passes_input)
        return result

    return record


def _record_list_mutation(op: Op, below: Callable[..., Any]) -> Callable[..., Any]:
    def record(targets: Any, *args: Any) -> Any:
        for target in targets:
            check_writable(target, op.name)
        raise RuntimeError(
            f"derivative for {op.name} is not implemented; call it in torch.no_grad()"
        )

    return record


def _placeholder(target: Tensor) -> Tensor:
    """The target's place in the graph before a write whose derivative needs no old values."""
    before = alias(target)
    before._graph = target._graph
    before._key = target._key
    return before


def rebase(target: Tensor, node: Node, passes_input: bool) -> None:
    """Gives a tensor that was written to its new place in the graph.

    ``passes_input`` says that the node's first edge is the tensor's earlier place.
    """
    view = target._view
    if view is None:
        target._graph = node
        target._key |= REQUIRES_GRAD
        return
    base = view[0]
    base_geometry, view_geometry = geometry_of(base), geometry_of(target)
    base._graph = CopySlices(edge_of(base), node, passes_input, base_geometry, view_geometry)
    base._key |= REQUIRES_GRAD
    target._key |= REQUIRES_GRAD
    target._graph = ViewOfBase(base._graph, base_geometry, view_geometry, base._dtype)
    target._view = (base, storage_of(target).version)
