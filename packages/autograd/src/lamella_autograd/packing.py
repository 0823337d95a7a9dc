"""Hooks on what the graph saves: another form of it is kept, and turned back when it is needed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from lamella_autograd.inplace import edge_of
from lamella_autograd.modes import NO_GRAD, SAVING_HOOKS
from lamella_autograd.node import FREED, Node, node_of
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


class Packed:
    """Stands for a saved tensor: what the pack hook made of it, and its place in the graph."""

    __slots__ = ("edge", "packed", "unpack_hook")

    def __init__(self, tensor: Tensor) -> None:
        pack, self.unpack_hook = hooks.pairs[-1]
        self.edge = edge_of(tensor)
        before = modes.bits
        modes.bits = before & ~SAVING_HOOKS | NO_GRAD
        try:
            self.packed = pack(alias(tensor))
        finally:
            modes.bits = before

    def unpack(self) -> Tensor:
        """The tensor again.

        Raises:
            TypeError: when the unpack hook returns something else.
        """
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
    slots = _saved_slots(type(node))
    found = False
    for slot in slots:
        value = getattr(node, slot)
        if isinstance(value, Tensor):
            setattr(node, slot, Packed(value))
            found = True
        elif isinstance(value, list) and value and isinstance(value[0], Tensor):
            setattr(node, slot, [Packed(each) for each in value])
            found = True
    if found:
        node.__class__ = _packed_class(type(node))


def _saved_slots(cls: type[Node]) -> tuple[str, ...]:
    return tuple(slot for slot in cls.__slots__ if slot.startswith("_saved_"))


def _packed_class(cls: type[Node]) -> type[Node]:
    known = _classes.get(cls)
    if known is not None:
        return known
    slots = _saved_slots(cls)
    apply_unpacked: Any = cls.apply

    def apply(node: Any, grad: Any) -> Any:
        packed = {slot: getattr(node, slot) for slot in slots}
        for slot, value in packed.items():
            version = f"_version_{slot.removeprefix('_saved_')}"
            if isinstance(value, Packed):
                tensor = value.unpack()
                setattr(node, slot, tensor)
                setattr(node, version, storage_of(tensor).version)
            elif isinstance(value, list) and value and isinstance(value[0], Packed):
                tensors = [each.unpack() for each in value]
                setattr(node, slot, tensors)
                setattr(node, version, [storage_of(each).version for each in tensors])
        try:
            return apply_unpacked(node, grad)
        finally:
            for slot, value in packed.items():
                setattr(node, slot, value)

    def release(node: Any) -> None:
        for slot in slots:
            if isinstance(getattr(node, slot), (Packed, list)):
                setattr(node, slot, FREED)

    known = _classes[cls] = type(
        cls.__name__, (cls,), {"__slots__": (), "apply": apply, "release": release}
    )
    return known
