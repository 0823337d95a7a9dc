"""Hooks on what the graph saves: another form of it is kept, and turned back when it is needed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from lamella_autograd.inplace import edge_of
from lamella_autograd.modes import NO_GRAD, SAVING_HOOKS
from lamella_autograd.node import Node, node_of
from lamella_autograd.passes import passes
from lamella_core.dispatch import REQUIRES_GRAD, modes
from lamella_core.storage import storage_of
from lamella_core.tensor import Tensor, alias

if TYPE_CHECKING:
    from collections.abc import Callable


class _Hooks(threading.local):
    """The pairs of hooks of the calling thread, the innermost last; and why there may be none."""

    def __init__(self) -> None:
        self.pairs: list[tuple[Callable[..., Any], Callable[..., Any]]] = []
        self.disabled: list[str] = []


hooks = _Hooks()


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


class Packed:
    """Stands for a saved tensor: what the pack hook made of it, and its place in the graph."""

    __slots__ = ("edge", "packed", "unpack_hook")

    def __init__(
        self,
        tensor: Tensor,
        pack_hook: Callable[[Tensor], Any] | None = None,
        unpack_hook: Callable[[Any], Tensor] | None = None,
    ) -> None:
        if pack_hook is None or unpack_hook is None:
            pack_hook, unpack_hook = hooks.pairs[-1]
        self.unpack_hook = unpack_hook
        self.edge = edge_of(tensor)
        version = tensor._version
        before = modes.bits
        modes.bits = before & ~SAVING_HOOKS | NO_GRAD
        try:
            self.packed = pack_hook(alias(tensor))
        finally:
            modes.bits = before
        if tensor._version != version:
            raise RuntimeError(
                "A saved tensor pack hook is modifying its input in place. Tensors provided as "
                "input to pack hook can not be modified by in-place operations; clone it first."
            )

    def unpack(self) -> Tensor:
        """The tensor again.

        Raises:
            TypeError: when the unpack hook returns something else.
        """
        passes.settle()
        tensor = self.unpack_hook(self.packed)
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"Output of saved tensor unpack_hook expected to be a Tensor but got result of "
                f"type {type(tensor).__name__}"
            )
        tensor = alias(tensor)
        if self.edge is not None:
            tensor._graph = self.edge
            tensor._key |= REQUIRES_GRAD
        return tensor


def packing(record: Callable[..., Any]) -> Callable[..., Any]:
    """A recorder that packs what it saves."""

    def pack(*args: Any) -> Any:
        result = record(*args)
        first = result[0] if isinstance(result, (tuple, list)) else result
        if isinstance(first, Tensor) and first._graph is not None:
            pack_node(node_of(first._graph))
        return result

    return pack


def packing_maker(make_node: Callable[..., Any]) -> Callable[..., Any]:
    """As :func:`packing`, for the functions that make the node of a write."""

    def make(*args: Any) -> Node | None:
        node = make_node(*args)
        if node is not None:
            pack_node(node)
        return node

    return make


_classes: dict[type[Node], type[Node]] = {}


def pack_node(node: Node) -> None:
    """Packs what a node saved."""
    found = False
    for slot in _kept_slots(type(node)):
        value = getattr(node, slot)
        if isinstance(value, Tensor):
            setattr(node, slot, Packed(value))
            found = True
        elif isinstance(value, list) and any(isinstance(each, Tensor) for each in value):
            packed = [Packed(each) if isinstance(each, Tensor) else each for each in value]
            setattr(node, slot, packed)
            found = True
    if found:
        node.__class__ = _packed_class(type(node))


def pack_one(
    node: Node,
    slot: str,
    index: int | None,
    pack_hook: Callable[[Tensor], Any],
    unpack_hook: Callable[[Any], Tensor],
) -> None:
    """Packs one tensor that a node saved, the only one in its slot or one of a list."""
    value = getattr(node, slot)
    if index is None:
        setattr(node, slot, Packed(value, pack_hook, unpack_hook))
    else:
        value[index] = Packed(value[index], pack_hook, unpack_hook)
    if not node.unpacks:
        node.__class__ = _packed_class(type(node))


def _kept_slots(cls: type[Node]) -> tuple[str, ...]:
    return tuple(slot for slot in cls.__slots__ if slot.startswith("_kept_"))


def _packed_class(cls: type[Node]) -> type[Node]:
    known = _classes.get(cls)
    if known is not None:
        return known
    slots = _kept_slots(cls)
    apply_unpacked: Any = cls.apply

    def apply(node: Any, grad: Any) -> Any:
        packed = {slot: getattr(node, slot) for slot in slots}
        for slot, value in packed.items():
            version = f"_version_{slot.removeprefix('_kept_')}"
            if isinstance(value, Packed):
                tensor = value.unpack()
                setattr(node, slot, tensor)
                setattr(node, version, storage_of(tensor).version)
            elif isinstance(value, list) and any(isinstance(each, Packed) for each in value):
                tensors, versions = list(value), list(getattr(node, version))
                for i, each in enumerate(value):
                    if isinstance(each, Packed):
                        tensors[i] = each.unpack()
                        versions[i] = storage_of(tensors[i]).version
                setattr(node, slot, tensors)
                setattr(node, version, versions)
        try:
            return apply_unpacked(node, grad)
        finally:
            for slot, value in packed.items():
                setattr(node, slot, value)

    known = _classes[cls] = type(
        cls.__name__,
        (cls,),
        {"__slots__": (), "apply": apply, "step": Node.step, "unpacks": True},
    )
    return known
