"""What nodes keep for the backward pass, as attributes: ``_saved_result``, ``_raw_saved_result``.

The name after the prefix is the argument's, ``self`` being the first; ``result`` is the output.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from lamella_autograd.node import FREED, Node, Output, attached, modified, used_twice
from lamella_autograd.packing import Packed, pack_one
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class SavedTensor:
    """One saved tensor of a node, for hooks of its own."""

    __slots__ = ("_index", "_node", "_slot")

    def __init__(self, node: Node, slot: str, index: int | None = None) -> None:
        self._node = node
        self._slot = slot
        self._index = index

    def register_hooks(
        self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]
    ) -> None:
        """Keeps ``pack_hook(tensor)`` from now on, and gives ``unpack_hook`` of it when needed.

        Raises:
            RuntimeError: when hooks have been registered already, when the tensor was freed, or
                when ``pack_hook`` writes to it.
        """
        kept = getattr(self._node, self._slot)
        value = kept[self._index] if self._index is not None and kept is not FREED else kept
        if value is FREED:
            raise used_twice(self._node.name())
        if isinstance(value, Packed):
            raise RuntimeError(
                "Calling register_hooks on a saved tensor whose hooks have "
                "already been set; they can be set once"
            )
        pack_one(self._node, self._slot, self._index, pack_hook, unpack_hook)


def saved_properties(slots: Iterable[str]) -> dict[str, property]:
    """The properties ``_saved_<argument>`` and ``_raw_saved_<argument>`` for a node's slots."""
    found = {}
    for slot in slots:
        if slot.startswith("_kept_"):
            name = slot.removeprefix("_kept_")
            for each in (name, "self") if name == "input" else (name,):
                found[f"_saved_{each}"] = property(partial(_saved, slot=slot))
                found[f"_raw_saved_{each}"] = property(partial(_raw_saved, slot=slot))
    return found


def _raw_saved(node: Node, slot: str) -> SavedTensor | tuple[SavedTensor, ...]:
    kept = getattr(node, slot)
    if isinstance(kept, list):
        return tuple(SavedTensor(node, slot, i) for i in range(len(kept)))
    return SavedTensor(node, slot)


def _saved(node: Node, slot: str) -> Any:
    """What is in a slot.

    Raises:
        RuntimeError: when the tensor was freed, or written to since.
    """
    kept = getattr(node, slot)
    if kept is FREED:
        raise used_twice(node.name())
    versions = getattr(node, slot.replace("_kept_", "_version_"), None)
    if isinstance(kept, list):
        return tuple(
            _unpacked(node, slot, each, versions and versions[i], i) for i, each in enumerate(kept)
        )
    return _unpacked(node, slot, kept, versions, None)


def _unpacked(node: Node, slot: str, value: Any, version: Any, index: int | None) -> Any:
    if isinstance(value, Packed):
        return value.unpack()
    if not isinstance(value, Tensor):
        return value
    if value._version != version:
        raise modified(node.name(), slot.removeprefix("_kept_"), value, version)
    if slot == "_kept_result":
        return attached(value, node if index is None else Output(node, index))
    return value
