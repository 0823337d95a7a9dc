"""Nested tuples, lists and dictionaries, taken apart into leaves and put together again."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DICTS = (dict, OrderedDict, defaultdict)


class Spec(NamedTuple):
    """The structure of a tree: the container's class (None for a leaf), its keys, its parts."""

    kind: type | None
    keys: Any
    parts: tuple[Spec, ...]

    def __repr__(self) -> str:
        if self.kind is None:
            return "*"
        inside = ", ".join(map(repr, self.parts))
        keys = "" if self.keys is None else f"{self.keys}, "
        return f"{self.kind.__name__}({keys}[{inside}])"


LEAF = Spec(None, None, ())


def _children(tree: Any) -> tuple[Any, list[Any]] | None:
    """The keys and the parts of a container; None for a leaf."""
    kind = tree.__class__
    if kind in _DICTS:
        keys = (tree.default_factory, *tree) if kind is defaultdict else tuple(tree)
        return keys, list(tree.values())
    if kind is tuple or kind is list:
        return None, list(tree)
    if kind is deque:
        return tree.maxlen, list(tree)
    if isinstance(tree, tuple) and (hasattr(kind, "_fields") or hasattr(kind, "fields")):
        return None, list(tree)
    return None


def _append(tree: Any, leaves: list[Any]) -> Spec:
    found = _children(tree)
    if found is None:
        leaves.append(tree)
        return LEAF
    keys, parts = found
    return Spec(tree.__class__, keys, tuple([_append(part, leaves) for part in parts]))


def flatten(tree: Any) -> tuple[list[Any], Spec]:
    """The leaves in order, and the structure."""
    leaves: list[Any] = []
    spec = _append(tree, leaves)
    return leaves, spec


def _build(spec: Spec, leaves: Iterator[Any]) -> Any:
    kind: Any = spec.kind
    if kind is None:
        return next(leaves)
    parts = [_build(part, leaves) for part in spec.parts]
    if kind is defaultdict:
        filled: defaultdict[Any, Any] = defaultdict(spec.keys[0])
        filled.update(zip(spec.keys[1:], parts, strict=True))
        return filled
    if kind in _DICTS:
        return kind(zip(spec.keys, parts, strict=True))
    if kind is deque:
        return deque(parts, spec.keys)
    return kind(parts) if kind in (list, tuple) else kind(*parts)


def unflatten(leaves: Any, spec: Spec) -> Any:
    """The tree of a structure with the given leaves."""
    return _build(spec, iter(leaves))


def mapped_tree(function: Callable[[Any], Any], tree: Any) -> Any:
    """The tree with a function applied to each leaf."""
    leaves, spec = flatten(tree)
    return unflatten([function(leaf) for leaf in leaves], spec)


def count(spec: Spec) -> int:
    """The number of leaves."""
    return 1 if spec.kind is None else sum(map(count, spec.parts))


def broadcast(tree: Any, spec: Spec) -> list[Any] | None:
    """One value a leaf of ``spec``: a leaf of ``tree`` stands for all that is in its place.

    None when the structures do not fit.
    """
    if spec.kind is None:
        return [tree] if _children(tree) is None else None
    found = _children(tree)
    if found is None:
        return [tree] * count(spec)
    keys, parts = found
    same = tree.__class__ is spec.kind and len(parts) == len(spec.parts)
    if not same or (spec.kind in _DICTS and keys != spec.keys):
        return None
    values: list[Any] = []
    for part, inner in zip(parts, spec.parts, strict=True):
        inner_values = broadcast(part, inner)
        if inner_values is None:
            return None
        values += inner_values
    return values
