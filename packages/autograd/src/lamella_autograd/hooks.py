"""Hooks: the user's functions that see, and may change, gradients on their way."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from lamella_autograd.inplace import edge_of
from lamella_autograd.node import AccumulateGrad, Output, accumulator, node_of
from lamella_core.dispatch import new_bit

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_autograd.node import Node
    from lamella_core.tensor import Tensor

# Set in the key of a leaf that has hooks, so that other leaves are accumulated without a look-up.
LEAF_HOOKS = new_bit()


class RemovableHandle:
    """What registering a hook returns: ``remove()`` takes the hook off; also a context manager."""

    next_id = 0

    def __init__(self, hooks: dict[int, Any]) -> None:
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        self._hooks = weakref.ref(hooks)

    def remove(self) -> None:
        """Takes the hook off; doing so twice is no error."""
        hooks = self._hooks()
        if hooks is not None:
            hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


class NodeHooks:
    """The hooks of one node.

    Attributes:
        tensor: by output, hooks on the gradient of that output.
        retained: by output, the tensor whose ``.grad`` is to be kept.
        before, after: hooks on the whole node.
    """

    __slots__ = ("after", "before", "retained", "tensor")

    def __init__(self) -> None:
        self.tensor: dict[int, OrderedDict[int, Any]] = {}
        self.retained: dict[int, Any] = {}
        self.before: OrderedDict[int, Any] = OrderedDict()
        self.after: OrderedDict[int, Any] = OrderedDict()


def hooks_of(node: Node) -> NodeHooks:
    """The hooks of a node, made on first request."""
    if node.hooks is None:
        node.hooks = NodeHooks()
    return node.hooks


def _add(hooks: OrderedDict[int, Any], hook: Callable[..., Any]) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


def _node_and_index(tensor: Tensor) -> tuple[Node, int]:
    edge = edge_of(tensor)
    return node_of(edge), edge.index if edge.__class__ is Output else 0


def _leaf_hooks(tensor: Tensor, kind: str) -> OrderedDict[int, Any]:
    tensor._key |= LEAF_HOOKS
    return tensor.__dict__.setdefault(kind, OrderedDict())


def register_hook(self: Tensor, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
    """Calls ``hook(grad)`` each time a gradient of this tensor is computed.

    The hook must not change its argument; it may return a tensor that takes its place.

    Raises:
        RuntimeError: when the tensor does not require grad.
    """
    if not self.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if self.is_leaf:
        return _add(_leaf_hooks(self, "_backward_hooks"), hook)
    node, index = _node_and_index(self)
    return _add(hooks_of(node).tensor.setdefault(index, OrderedDict()), hook)


def register_post_accumulate_grad_hook(
    self: Tensor, hook: Callable[[Tensor], None]
) -> RemovableHandle:
    """Calls ``hook(tensor)`` after a gradient was added to this leaf's ``.grad``.

    Raises:
        RuntimeError: when the tensor does not require grad, or is not a leaf.
    """
    if not self.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if not self.is_leaf:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    return _add(_leaf_hooks(self, "_post_accumulate_grad_hooks"), hook)


def retain_grad(self: Tensor) -> None:
    """Keeps this tensor's gradient in ``.grad`` although it is not a leaf; no-op for leaves.

    Raises:
        RuntimeError: when the tensor does not require grad.
    """
    if not self.requires_grad:
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    if not self.is_leaf:
        node, index = _node_and_index(self)
        hooks_of(node).retained[index] = weakref.ref(self)


def retains_grad(self: Tensor) -> bool:
    """Whether this tensor is not a leaf and keeps its gradient."""
    if self.is_leaf:
        return False
    node, index = _node_and_index(self)
    return node.hooks is not None and index in node.hooks.retained


def _watch(node: Node) -> None:
    if isinstance(node, AccumulateGrad):
        node.variable._key |= LEAF_HOOKS


def register_node_hook(self: Node, hook: Callable[..., Any]) -> RemovableHandle:
    """Calls ``hook(grad_inputs, grad_outputs)`` after this node's gradients were computed.

    It may return a tuple that takes the place of ``grad_inputs``.
    """
    _watch(self)
    return _add(hooks_of(self).after, hook)


def register_node_prehook(self: Node, hook: Callable[..., Any]) -> RemovableHandle:
    """Calls ``hook(grad_outputs)`` before this node's gradients are computed.

    It may return a tuple that takes the place of ``grad_outputs``.
    """
    _watch(self)
    return _add(hooks_of(self).before, hook)


def checked(replacement: Any, grad: Tensor, hook: Any) -> Tensor:
    """What a hook returned, when it may stand for ``grad``.

    Raises:
        TypeError: when it is no tensor.
        RuntimeError: when it has another type or shape.
    """
    if not hasattr(replacement, "_array"):
        raise TypeError(
            f"expected a gradient hook to return a Tensor or None, got {type(replacement).__name__}"
        )
    name = getattr(hook, "__name__", hook)
    if replacement._dtype is not grad._dtype:
        raise RuntimeError(
            f"hook {name!r} has changed the type of value (was {grad._dtype}, got "
            f"{replacement._dtype})"
        )
    if replacement._array.shape != grad._array.shape:
        raise RuntimeError(
            f"hook {name!r} has changed the size of value: from {list(grad._array.shape)} to "
            f"{list(replacement._array.shape)}"
        )
    return replacement


def run_tensor_hooks(hooks: OrderedDict[int, Any], grad: Tensor) -> Tensor:
    """Passes a gradient through hooks, in the order of their registration."""
    for hook in list(hooks.values()):
        replacement = hook(grad)
        if replacement is not None:
            grad = checked(replacement, grad, hook)
    return grad


def run_before(node: Node, grad: Any) -> Any:
    """Passes what arrives at a node through its hooks: tensor hooks, node hooks, retained grads."""
    hooks = node.hooks
    several = isinstance(grad, list)
    grads = grad if several else [grad]
    for index, tensor_hooks in hooks.tensor.items():
        if grads[index] is not None:
            grads[index] = run_tensor_hooks(tensor_hooks, grads[index])
    for hook in list(hooks.before.values()):
        replacement = hook(tuple(grads))
        if replacement is not None:
            grads = _listed(hook, replacement, len(grads))
    for index, reference in hooks.retained.items():
        tensor = reference()
        if tensor is not None and grads[index] is not None:
            have = tensor._grad
            tensor._grad = grads[index] if have is None else have + grads[index]
    return grads if several else grads[0]


def run_after(node: Node, grads: Any, grad: Any) -> Any:
    """Passes a node's gradients through its hooks."""
    outputs = tuple(grad) if isinstance(grad, list) else (grad,)
    for hook in list(node.hooks.after.values()):
        replacement = hook(tuple(grads), outputs)
        if replacement is not None:
            grads = _listed(hook, replacement, len(grads))
    return grads


def _listed(hook: Any, replacement: Any, count: int) -> list[Any]:
    """What a node's hook returned, as a list of as many gradients as it was given.

    Raises:
        RuntimeError: when it returned another number of them.
    """
    grads = list(replacement) if isinstance(replacement, (tuple, list)) else [replacement]
    if len(grads) != count:
        raise RuntimeError(
            f"hook {getattr(hook, '__name__', hook)!r} has returned an incorrect number of values "
            f"(got {len(grads)}, but expected {count})"
        )
    return grads


def run_leaf_hooks(leaf: Tensor, grad: Tensor) -> Tensor:
    """Passes a gradient through the hooks of a leaf and of its accumulator's node."""
    dtype = leaf.__dict__.get("_grad_dtype")
    if dtype is not None and grad._dtype is not dtype:
        grad = grad.to(dtype)
    hooks = leaf.__dict__.get("_backward_hooks")
    if hooks:
        grad = run_tensor_hooks(hooks, grad)
    reference = leaf.__dict__.get("_accumulator")
    node = reference() if reference is not None else None
    if node is not None and node.hooks is not None:
        grad = run_before(node, grad)
    return grad


def run_post_accumulate(leaf: Tensor, grad: Tensor) -> None:
    """Calls the hooks that wait for ``grad`` to be added to a leaf's ``.grad``."""
    for hook in list(leaf.__dict__.get("_post_accumulate_grad_hooks", {}).values()):
        hook(leaf)
    reference = leaf.__dict__.get("_accumulator")
    node = reference() if reference is not None else None
    if node is not None and node.hooks is not None:
        run_after(node, (), grad)


__all__ = ["RemovableHandle", "accumulator"]
