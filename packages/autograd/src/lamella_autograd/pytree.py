"""Nested tuples, lists and dictionaries, taken apart into leaves and put together again."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DICTS = (dict, OrderedDict, defaultdict)


class Spec(NamedTuple):
    """The structure of a tree: the container's class (None for a leaf), its keys, its parts."""

    kind: type | None
    keys: Any
    parts: tuple[Spec, ...]

    @property
    def type(self) -> Any:
        """PyTorch's name of the class: all named tuples are one."""
        return namedtuple if is_named(self.kind) else self.kind

    @property
    def context(self) -> Any:
        """What a container is put together with beside its parts, in PyTorch's form."""
        if self.kind is defaultdict:
            return [self.keys[0], list(self.keys[1:])]
        if self.kind in DICTS:
            return list(self.keys)
        return self.kind if is_named(self.kind) else self.keys

    @property
    def num_leaves(self) -> int:
        return count(self)

    @property
    def num_nodes(self) -> int:
        return 1 + sum(part.num_nodes for part in self.parts)

    @property
    def num_children(self) -> int:
        return len(self.parts)

    def children(self) -> list[Spec]:
        """The structures of the parts."""
        return list(self.parts)

    def child(self, index: int) -> Spec:
        """The structure of one part."""
        return self.parts[index]

    def is_leaf(self) -> bool:
        """Whether it is no container."""
        return self.kind is None

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """The tree with the given leaves.

        Raises:
            ValueError: when there are more or fewer of them.
        """
        leaves = list(leaves)
        if len(leaves) != count(self):
            raise ValueError(
                f"treespec.unflatten(leaves): `leaves` has length {len(leaves)} but the spec "
                f"refers to a pytree that holds {count(self)} items ({self})"
            )
        return unflatten(leaves, self)

    def __repr__(self, indent: int = 0) -> str:
        if self.kind is None:
            return "*"
        between = f",\n{' ' * (indent + 2)}"
        inside = between.join(part.__repr__(indent + 2) for part in self.parts)
        return f"TreeSpec({self.type.__name__}, {self.context}, [{inside}])"


LEAF = Spec(None, None, ())

# What the user's containers are taken apart and put together with: to (parts, context), and back.
registered: dict[type, tuple[Callable[[Any], tuple[Any, Any]], Callable[[Any, Any], Any]]] = {}


def is_named(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields")


def children(tree: Any) -> tuple[Any, list[Any]] | None:
    """The keys and the parts of a container; None for a leaf."""
    kind = tree.__class__
    if kind in registered:
        parts, context = registered[kind][0](tree)
        return context, list(parts)
    if kind in DICTS:
        keys = (tree.default_factory, *tree) if kind is defaultdict else tuple(tree)
        return keys, list(tree.values())
    if kind is tuple or kind is list:
        return None, list(tree)
    if kind is deque:
        return tree.maxlen, list(tree)
    if isinstance(tree, tuple) and (hasattr(kind, "_fields") or hasattr(kind, "fields")):
        return None, list(tree)
    return None


def _append(tree: Any, leaves: list[Any], is_leaf: Callable[[Any], bool] | None) -> Spec:
    found = None if is_leaf is not None and is_leaf(tree) else children(tree)
    if found is None:
        leaves.append(tree)
        return LEAF
    keys, parts = found
    return Spec(tree.__class__, keys, tuple([_append(part, leaves, is_leaf) for part in parts]))


def flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], Spec]:
    """The leaves in order, and the structure; ``is_leaf`` says what is not to be taken apart."""
    leaves: list[Any] = []
    spec = _append(tree, leaves, is_leaf)
    return leaves, spec


def _build(spec: Spec, leaves: Iterator[Any]) -> Any:
    kind: Any = spec.kind
    if kind is None:
        return next(leaves)
    parts = [_build(part, leaves) for part in spec.parts]
    if kind in registered:
        return registered[kind][1](parts, spec.keys)
    if kind is defaultdict:
        filled: defaultdict[Any, Any] = defaultdict(spec.keys[0])
        filled.update(zip(spec.keys[1:], parts, strict=True))
        return filled
    if kind in DICTS:
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
        return [tree] if children(tree) is None else None
    found = children(tree)
    if found is None:
        return [tree] * count(spec)
    keys, parts = found
    same = tree.__class__ is spec.kind and len(parts) == len(spec.parts)
    if not same or (spec.kind in DICTS and keys != spec.keys):
        return None
    values: list[Any] = []
    for part, inner in zip(parts, spec.parts, strict=True):
        inner_values = broadcast(part, inner)
        if inner_values is None:
            return None
        values += inner_values
    return values
