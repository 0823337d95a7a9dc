"""In-place writes under autograd: what they may write to, and what they do to the graph.

A write to a tensor gives it a new place in the graph. A write to a view also changes the tensor it
is a view of (its base) and, through that, every other view of it: the base gets a node that passes
the gradient of the written region through the op and the rest by, and any view finds out at its
next use, by the version counter, that its own place is to be derived from the base anew.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any, NamedTuple

from lamella_autograd.names import inplace_name, name_of, rename_node
from lamella_autograd.node import Node, Output, next_number
from lamella_autograd.ownership import holders, references
from lamella_core.conventions.common import out_error
from lamella_core.dispatch import REQUIRES_GRAD, backend_of_tensor, innermost
from lamella_core.dtype import FLOATING
from lamella_core.formats import reach
from lamella_core.ops.complex_parts import view_as_complex, view_as_real
from lamella_core.storage import storage_of
from lamella_core.tensor import Tensor, alias

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_autograd.formulas import Derivative
    from lamella_core.dispatch import Op


class Window(NamedTuple):
    """Which part of a tensor's memory a view of it covers; strides in elements, offset in bytes."""

    base_shape: tuple[int, ...]
    base_strides: tuple[int, ...]
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int


def window_between(base: Tensor, view: Tensor) -> Window:
    """The window of ``base`` that ``view`` is."""
    offset = _address(view) - _address(base) if view._array.size else 0
    return Window(base._array.shape, base.stride(), view._array.shape, view.stride(), offset)


def _address(tensor: Tensor) -> int:
    inner = innermost(tensor)
    return backend_of_tensor(inner).data_ptr(inner._array)


def edge_of(tensor: Tensor) -> Any:
    """Where a gradient of ``tensor`` flows to; None when none is wanted."""
    view = tensor._view
    if view is not None:
        storage = storage_of(tensor)
        base, version = view
        if storage.version != version and base._key & REQUIRES_GRAD and base._graph is not None:
            edge = tensor._graph
            if edge.__class__ is Output:
                raise RuntimeError(
                    f"Output {edge.index} of {edge.node.name()} is a view and its base or another "
                    f"view of its base has been modified inplace. It is one of several views that "
                    f"one call made, or a Function returned it; clone it before the write, or use "
                    f"the out-of-place form of the op that writes"
                )
            node = ViewOfBase(edge_of(base), base, tensor)
            tensor._graph = node
            tensor._key |= REQUIRES_GRAD
            tensor._view = (base, storage.version)
            return node
    if not tensor._key & REQUIRES_GRAD:
        return None
    return tensor if tensor._graph is None else tensor._graph


class ViewOfBase(Node):
    """A view, seen as a strided window of its base: its gradient is laid into zeros."""

    __slots__ = ("dtype", "window")

    op_name = "as_strided"
    saves = False

    def __init__(self, edge: Any, base: Tensor, view: Tensor) -> None:
        self.edges = (edge,)
        self.number = next_number()
        self.hooks = None
        self.window = window_between(base, view)
        self.dtype = base._dtype

    def name(self) -> str:
        return "AsStridedBackward0"

    def apply(self, grad: Any) -> tuple[Any, ...]:
        window = self.window
        whole = grad.new_empty_strided(window.base_shape, window.base_strides, dtype=self.dtype)
        part_of(whole.zero_(), window, grad._dtype).copy_(grad)
        return (whole,)


# Ops whose result has no part of what was there, and whose derivative is zeros.
_OVERWRITING = frozenset(("copy", "fill"))


class CopySlices(Node):
    """A write to a window of a base: the window's gradient goes through the op, the rest by.

    Its first edge is the base's earlier place; the others are those of the op's other arguments.
    """

    __slots__ = ("dtype", "function", "passes_input", "window")

    op_name = "copy_slices"

    def __init__(
        self, edge: Any, function: Node, passes_input: bool, base: Tensor, view: Tensor
    ) -> None:
        if function.op_name in _OVERWRITING:
            # The window gets zeros anyway.
            function.edges = (None, *function.edges[1:])
        self.function = function
        self.passes_input = passes_input
        self.window = window_between(base, view)
        self.dtype = view._dtype
        self.edges = (edge, *function.edges[1 if passes_input else 0 :])
        self.number = next_number()
        self.hooks = None

    def name(self) -> str:
        return "torch::autograd::CopySlices"

    def apply(self, grad: Any) -> tuple[Any, ...]:
        window = self.window
        whole = grad.new_empty_strided(window.base_shape, window.base_strides).copy_(grad)
        target = part_of(whole, window, self.dtype)
        grads = self.function.apply(target.clone())
        first = grads[0] if self.passes_input else None
        if first is None:
            target.zero_()
        else:
            target.copy_(first)
        return (whole, *(grads[1:] if self.passes_input else grads))

    def release(self) -> None:
        self.function.release()


def part_of(whole: Tensor, window: Window, dtype: Any) -> Tensor:
    """The part of ``whole`` in a window.

    Args:
        whole: memory of its own, with the shape and strides of the base.
        window: where the part is.
        dtype: the part's type: the base's, or its real or complex counterpart.
    """
    shape, strides = window.shape, window.strides
    if dtype is whole._dtype:
        return whole.as_strided(shape, strides, window.offset // dtype.itemsize)
    if whole._dtype.is_complex:
        return view_as_real(whole).as_strided(shape, strides, window.offset // dtype.itemsize)
    start = window.offset // whole._dtype.itemsize
    first = start % 2
    count = reach(window.base_shape, window.base_strides)
    pairs = whole.as_strided(((count - first) // 2, 2), (2, 1), first)
    return view_as_complex(pairs).as_strided(shape, strides, start // 2)


def check_writable(tensor: Tensor, op_name: str) -> None:
    """Checks that an in-place op may write to a tensor while calls are recorded.

    Raises:
        RuntimeError: for a leaf that requires grad, or a view of one; for a view that is one of
            several outputs, or that a Function returned.
    """
    view = tensor._view
    if tensor._key & REQUIRES_GRAD and tensor._graph is None:
        if view is not None and view[0]._key & REQUIRES_GRAD:
            raise RuntimeError(
                f"A view was created in no_grad mode and is being modified inplace with grad mode "
                f"enabled ({op_name}); do both in torch.no_grad(), or neither"
            )
        raise RuntimeError(
            f"a leaf Variable that requires grad is being used in an in-place operation. "
            f"({op_name}; do it in torch.no_grad(), or on a clone)"
        )
    if view is None:
        return
    # The base itself requires no grad where the leaf is a view of it: ``zeros(6).view(2, 3)``.
    if tensor._key & REQUIRES_GRAD and view[0]._graph is None:
        raise RuntimeError(
            f"a view of a leaf Variable that requires grad is being used in an in-place "
            f"operation. ({op_name}; do it in torch.no_grad(), or on a clone)"
        )
    edge = tensor._graph
    if edge.__class__ is Output and storage_of(tensor).version == view[1]:
        raise RuntimeError(
            f"Output {edge.index} of {edge.node.name()} is a view and is being modified inplace "
            f"({op_name}). It is one of several views that one call made, or a Function returned "
            f"it, and a write to it could not be recorded; use the out-of-place form of the op"
        )


def refuse_out(op: Op, below: Callable[..., Any]) -> Callable[..., Any]:
    """An out variant errs when an argument requires grad."""

    def refuse(*args: Any) -> Any:
        raise out_error(op.base.name if op.base else op.name)

    return refuse


def record_inplace(
    op: Op, rules: Derivative | None, make_node: Any, below: Callable[..., Any]
) -> Callable[..., Any]:
    """The recording form of an in-place variant or a mutation.

    Without ``rules`` the op has no derivative; with ``make_node`` alone its result is a constant.
    """
    if op.params[0].kind == "tensors":
        return _record_list_mutation(op, below)
    passes_input = rules is None or rules.arguments[0] == op.params[0].name
    readers = () if rules is None else _readers_of_input(op, rules)
    name = inplace_name(op.name)

    def record(*args: Any) -> Any:
        target = args[0]
        check_writable(target, op.name)
        if make_node is None:
            raise RuntimeError(
                f"derivative for {op.name} is not implemented; call it in torch.no_grad()"
            )
        if target._dtype.category < FLOATING:
            return below(*args)
        edge_of(target)
        views = has_unmarked_views(target)
        keeps = any([getattr(args[i], "_key", 0) & REQUIRES_GRAD for i in readers])
        before = target.clone() if keeps else placed(target, target._graph)
        rest, version = _before_the_write(args, target)
        result = below(*args)
        node = make_node(target, before, *rest)
        if node is not None:
            if version is not None:
                _date_back(node, rest, target._storage, version)
            if name is not None:
                rename_node(node, name)
            rebase(target, node, passes_input, views)
        return result

    return record


def _readers_of_input(op: Op, rules: Derivative) -> tuple[int, ...]:
    """The arguments whose gradient is computed from what the first one held before the write."""
    first = op.params[0].name
    if rules.compute is not None:
        readers: tuple[str, ...] = rules.joint if first in rules.compute.names else ()
    else:
        readers = tuple(a for a, formula in rules.by_argument.items() if first in formula.names)
    return tuple(i for i, p in enumerate(op.params) if p.name in readers)


def _before_the_write(args: tuple[Any, ...], target: Tensor) -> tuple[tuple[Any, ...], int | None]:
    """The other arguments, with those that the write changes in their places before it.

    Also the version of the memory before the write where there are such arguments, else None.
    """
    storage = target._storage
    rest = args[1:]
    if storage is None:
        for each in rest:
            if each is target:
                storage = storage_of(target)
                break
        else:
            return rest, None
    shared = [isinstance(each, Tensor) and each._storage is storage for each in rest]
    if not any(shared):
        return rest, None
    return tuple(
        placed(each, edge_of(each)) if same else each
        for each, same in zip(rest, shared, strict=True)
    ), storage.version


def _date_back(node: Node, rest: tuple[Any, ...], storage: Any, version: int) -> None:
    """Makes the node expect the version that its saved arguments had before the write."""
    for slot in type(node).__slots__:
        if slot.startswith("_kept_"):
            saved = getattr(node, slot)
            if isinstance(saved, Tensor) and any(saved is each for each in rest):
                if saved._storage is storage:
                    setattr(node, f"_version_{slot.removeprefix('_kept_')}", version)


def _record_list_mutation(op: Op, below: Callable[..., Any]) -> Callable[..., Any]:
    def record(targets: Any, *args: Any) -> Any:
        for target in targets:
            check_writable(target, op.name)
        raise RuntimeError(
            f"derivative for {op.name} is not implemented; call it in torch.no_grad()"
        )

    return record


class ConstantBackward(Node):
    """A write of values that depend on nothing differentiable."""

    __slots__ = ("op_name",)

    saves = False

    def __init__(self, op_name: str, edge: Any) -> None:
        self.op_name = op_name
        self.edges = (edge,)
        self.number = next_number()
        self.hooks = None

    def name(self) -> str:
        return name_of(self.op_name)[0]

    def apply(self, grad: Any) -> tuple[Any, ...]:
        return (grad.new_zeros(grad.shape),)


def constant_maker(op_name: str) -> Callable[..., Any]:
    """``make(result, before, *args)`` for an op whose results never depend on its arguments."""

    def make(result: Tensor, before: Tensor, *args: Any) -> Node | None:
        edge = edge_of(before)
        return None if edge is None else ConstantBackward(op_name, edge)

    return make


def placed(tensor: Tensor, edge: Any) -> Tensor:
    """The tensor as it is now, with a place in the graph that later writes do not change."""
    before = alias(tensor)
    before._graph = edge
    before._key = tensor._key
    return before


def rebase(target: Tensor, node: Node, passes_input: bool, views: bool) -> None:
    """Gives a tensor that was written to its new place in the graph.

    Args:
        target: the tensor.
        node: the write.
        passes_input: whether the node's first edge is the tensor's earlier place.
        views: whether there are views that do not require grad yet; see ``has_unmarked_views``.
    """
    old = target._graph
    view = target._view
    if view is None:
        target._graph = node
        target._key |= REQUIRES_GRAD
        base = target
    else:
        base = view[0]
        base_edge = edge_of(base)
        before = base._graph
        base._graph = CopySlices(base_edge, node, passes_input, base, target)
        base._key |= REQUIRES_GRAD
        _move_retained(base, before, base._graph)
        target._key |= REQUIRES_GRAD
        target._graph = base._graph
        target._view = (base, _OUTDATED)
    _move_retained(target, old, target._graph)
    if views:
        mark_views(base)


# No version of a storage: the view's place in the graph is derived from its base's when it is used.
_OUTDATED = -1


def _move_retained(tensor: Tensor, old: Any, new: Node) -> None:
    """A tensor that retains its gradient does so at its new place."""
    if old is None:
        return
    node, index = (old.node, old.index) if old.__class__ is Output else (old, 0)
    if isinstance(node, Node) and node.hooks is not None:
        reference = node.hooks.retained.get(index)
        if reference is not None and reference() is tensor:
            del node.hooks.retained[index]
            tensor.retain_grad()


# ------------ views older than their base's graph


def has_unmarked_views(target: Tensor) -> bool:
    """Whether a write that gives a plain tensor a graph may have to tell views of it.

    Tensors know their storage, and not the other way round, so that making a view costs nothing
    more. The count of references to the storage says that there are other tensors over it.
    """
    base = target if target._view is None else target._view[0]
    if base._key & REQUIRES_GRAD or base._storage is None:
        return False
    return holders(base) - references.storage > (base is not target)


def mark_views(base: Tensor) -> None:
    """Makes the views of a tensor require grad, as it does from now on.

    They are found among the objects that refer to the storage: a search through everything the
    collector knows, for a case that comes once in the life of a buffer.
    """
    if gc.get_freeze_count():
        gc.unfreeze()
    for owner in gc.get_referrers(storage_of(base)):
        if (
            isinstance(owner, Tensor)
            and not owner._key & REQUIRES_GRAD
            and owner._view is not None
            and owner._view[0] is base
            and owner._dtype.category >= FLOATING
        ):
            owner._key |= REQUIRES_GRAD
            edge_of(owner)
