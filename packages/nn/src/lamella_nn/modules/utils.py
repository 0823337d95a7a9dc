"""Helpers that modules of users import from here: options by dimension, prefixes of states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamella_nn.modules.spatial import per_dimension

__all__ = ["consume_prefix_in_state_dict_if_present"]


def _ntuple(n: int, name: str = "parse") -> Callable[[Any], tuple[Any, ...]]:
    def parse(x: Any) -> tuple[Any, ...]:
        return per_dimension(x, n)

    parse.__name__ = name
    return parse


_single = _ntuple(1, "_single")
_pair = _ntuple(2, "_pair")
_triple = _ntuple(3, "_triple")
_quadruple = _ntuple(4, "_quadruple")


def _reverse_repeat_tuple(t: tuple[Any, ...], n: int) -> tuple[Any, ...]:
    return tuple(x for x in reversed(t) for _ in range(n))


def consume_prefix_in_state_dict_if_present(state_dict: dict[str, Any], prefix: str) -> None:
    """Take a prefix off the names in a state dict, in place, where they have it.

    For loading the state of a wrapped module, as ``DataParallel`` makes them, into a module that is
    not wrapped.

    Args:
        state_dict: what ``state_dict()`` gave; its ``_metadata`` is renamed as well.
        prefix: for instance ``"module."``.
    """
    _strip(state_dict, prefix)
    metadata = getattr(state_dict, "_metadata", None)
    if metadata is not None:
        # A module's own entry has its name without the dot behind it.
        if prefix.removesuffix(".") in metadata and prefix.endswith("."):
            metadata[""] = metadata.pop(prefix[:-1])
        _strip(metadata, prefix)


def _strip(names: dict[str, Any], prefix: str) -> None:
    for name in [each for each in names if each.startswith(prefix)]:
        names[name.removeprefix(prefix)] = names.pop(name)
