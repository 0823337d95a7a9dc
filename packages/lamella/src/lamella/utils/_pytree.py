"""``torch.utils._pytree``: nested containers, taken apart into leaves and put together again.

Containers are tuples, lists, dictionaries, named tuples, deques, and what is registered; all else
is a leaf, None as well. It is what ``vmap`` and its like take arguments apart by.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from types import UnionType
from typing import TYPE_CHECKING, Any, NamedTuple

from lamella_autograd import pytree
from lamella_autograd.pytree import LEAF
from lamella_autograd.pytree import Spec as TreeSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "GetAttrKey", "LeafSpec", "MappingKey", "PyTree", "SequenceKey", "TreeSpec", "key_get",
    "keystr", "register_pytree_node", "tree_all", "tree_all_only", "tree_any", "tree_any_only",
    "tree_flatten", "tree_flatten_with_path", "tree_is_leaf", "tree_iter", "tree_leaves",
    "tree_leaves_with_path", "tree_map", "tree_map_", "tree_map_only", "tree_map_only_",
    "tree_map_with_path", "tree_structure", "tree_unflatten",
]  # fmt: skip

PyTree = Any
Context = Any

_IsLeaf = Callable[[Any], bool] | None
_Path = tuple[Any, ...]

# For paths through the user's containers: to ((key, part) pairs, context).
_with_keys: dict[type, Callable[[Any], tuple[Iterable[tuple[Any, Any]], Any]]] = {}


class SequenceKey(NamedTuple):
    """A step into a sequence."""

    idx: int

    def __str__(self) -> str:
        return f"[{self.idx!r}]"

    def get(self, container: Any) -> Any:
        """The part that the step leads to."""
        return container[self.idx]


class MappingKey(NamedTuple):
    """A step into a dictionary."""

    key: Any

    def __str__(self) -> str:
        return f"[{self.key!r}]"

    def get(self, container: Any) -> Any:
        """The part that the step leads to."""
        return container[self.key]


class GetAttrKey(NamedTuple):
    """A step into an attribute."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"

    def get(self, container: Any) -> Any:
        """The part that the step leads to."""
        return getattr(container, self.name)


def LeafSpec() -> TreeSpec:
    """The structure of a leaf."""
    return LEAF


def register_pytree_node(
    cls: type,
    flatten_fn: Callable[[Any], tuple[Any, Any]],
    unflatten_fn: Callable[[Any, Any], Any],
    *,
    serialized_type_name: str | None = None,
    to_dumpable_context: Callable[[Any], Any] | None = None,
    from_dumpable_context: Callable[[Any], Any] | None = None,
    flatten_with_keys_fn: Callable[[Any], tuple[Iterable[tuple[Any, Any]], Any]] | None = None,
) -> None:
    """Makes a class one of containers.

    Args:
        cls: the class; those derived from it are not meant.
        flatten_fn: from an instance to its parts, and what else is needed to make it.
        unflatten_fn: from these two to an instance.
        serialized_type_name, to_dumpable_context, from_dumpable_context: for structures in files,
            which are not written; accepted.
        flatten_with_keys_fn: as ``flatten_fn``, with pairs of a key and a part.

    Raises:
        ValueError: for a class that is one already.
    """
    if cls in pytree.registered or cls in (*pytree.DICTS, tuple, list, deque):
        raise ValueError(f"{cls} is already registered as pytree node.")
    pytree.registered[cls] = (flatten_fn, unflatten_fn)
    if flatten_with_keys_fn is not None:
        _with_keys[cls] = flatten_with_keys_fn


def _register_pytree_node(
    cls: type, flatten_fn: Any, unflatten_fn: Any, *_text: Any, **options: Any
) -> None:
    """The name before :func:`register_pytree_node`, which programs still call."""
    register_pytree_node(cls, flatten_fn, unflatten_fn, **options)


def tree_flatten(tree: Any, is_leaf: _IsLeaf = None) -> tuple[list[Any], TreeSpec]:
    """The leaves in order, and the structure; ``is_leaf`` says what is not to be taken apart."""
    return pytree.flatten(tree, is_leaf)


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> Any:
    """The tree of a structure with the given leaves.

    Raises:
        TypeError: for a structure that is none.
        ValueError: when there are more or fewer leaves.
    """
    if not isinstance(treespec, TreeSpec):
        raise TypeError(
            "tree_unflatten(leaves, treespec): Expected `treespec` to be instance of TreeSpec but "
            f"got item of type {type(treespec)}."
        )
    return treespec.unflatten(leaves)


def tree_leaves(tree: Any, is_leaf: _IsLeaf = None) -> list[Any]:
    """The leaves in order."""
    return pytree.flatten(tree, is_leaf)[0]


def tree_iter(tree: Any, is_leaf: _IsLeaf = None) -> Iterator[Any]:
    """The leaves, one after the other."""
    return iter(tree_leaves(tree, is_leaf))


def tree_structure(tree: Any, is_leaf: _IsLeaf = None) -> TreeSpec:
    """The structure."""
    return pytree.flatten(tree, is_leaf)[1]


def tree_is_leaf(tree: Any, is_leaf: _IsLeaf = None) -> bool:
    """Whether something is a leaf."""
    return bool(is_leaf is not None and is_leaf(tree)) or pytree.children(tree) is None


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: _IsLeaf = None) -> Any:
    """The tree with a function applied to each leaf.

    Args:
        func: gets a leaf of ``tree``, and what is in its place in each of ``rests``.
        tree: gives the structure.
        rests: trees of at least that structure.
        is_leaf: says what is not to be taken apart.

    Raises:
        ValueError: when a tree does not have the structure.
    """
    leaves, spec = pytree.flatten(tree, is_leaf)
    others = [_down_to(spec, rest) for rest in rests]
    return pytree.unflatten([func(*each) for each in zip(leaves, *others, strict=True)], spec)


def tree_map_(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: _IsLeaf = None) -> Any:
    """Calls a function with each leaf, and returns the tree as it is."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def _down_to(spec: TreeSpec, tree: Any) -> list[Any]:
    """What of a tree stands in the places of a structure's leaves."""
    if spec.is_leaf():
        return [tree]
    found = pytree.children(tree)
    if found is None or (
        tree.__class__ is not spec.kind and not {tree.__class__, spec.kind} <= {*pytree.DICTS}
    ):
        raise ValueError(f"Node type mismatch; expected {spec.type}, but got {type(tree)}.")
    keys, parts = found
    if len(parts) != len(spec.parts):
        raise ValueError(f"Node arity mismatch; expected {len(spec.parts)}, but got {len(parts)}.")
    if spec.kind in pytree.DICTS:
        wanted = spec.keys[1:] if spec.kind is defaultdict else spec.keys
        missing, more = {*wanted} - {*tree}, {*tree} - {*wanted}
        if missing or more:
            raise ValueError(
                f"Node keys mismatch; missing key(s): {missing}; extra key(s): {more}."
            )
        parts = [tree[key] for key in wanted]
    elif keys != spec.keys:
        raise ValueError(f"Node context mismatch for {spec.type}: {keys!r} is not {spec.keys!r}.")
    return [
        leaf
        for part, inner in zip(parts, spec.parts, strict=True)
        for leaf in _down_to(inner, part)
    ]


def _chosen(which: Any) -> Callable[[Any], bool]:
    """Types as a condition; a condition as it is."""
    if isinstance(which, (type, tuple, UnionType)):
        return lambda leaf: isinstance(leaf, which)
    if callable(which):
        return which  # type: ignore[no-any-return]
    raise TypeError(
        f"Argument must be a type, a tuple of types, or a callable, but got {type(which).__name__}"
    )


def tree_map_only(
    type_or_types_or_pred: Any, /, func: Callable[[Any], Any], tree: Any, is_leaf: _IsLeaf = None
) -> Any:
    """As :func:`tree_map`, for the leaves of some types, or under a condition; others stay."""
    chosen = _chosen(type_or_types_or_pred)
    return tree_map(lambda leaf: func(leaf) if chosen(leaf) else leaf, tree, is_leaf=is_leaf)


def tree_map_only_(
    type_or_types_or_pred: Any, /, func: Callable[[Any], Any], tree: Any, is_leaf: _IsLeaf = None
) -> Any:
    """As :func:`tree_map_only`, and returns the tree as it is."""
    tree_map_only(type_or_types_or_pred, func, tree, is_leaf)
    return tree


def tree_all(pred: Callable[[Any], bool], tree: Any, is_leaf: _IsLeaf = None) -> bool:
    """Whether a condition holds for all leaves."""
    return all(map(pred, tree_leaves(tree, is_leaf)))


def tree_any(pred: Callable[[Any], bool], tree: Any, is_leaf: _IsLeaf = None) -> bool:
    """Whether a condition holds for any leaf."""
    return any(map(pred, tree_leaves(tree, is_leaf)))


def tree_all_only(
    type_or_types: Any, /, pred: Callable[[Any], bool], tree: Any, is_leaf: _IsLeaf = None
) -> bool:
    """Whether a condition holds for all leaves of some types."""
    return all(map(pred, filter(_chosen(type_or_types), tree_leaves(tree, is_leaf))))


def tree_any_only(
    type_or_types: Any, /, pred: Callable[[Any], bool], tree: Any, is_leaf: _IsLeaf = None
) -> bool:
    """Whether a condition holds for any leaf of some types."""
    return any(map(pred, filter(_chosen(type_or_types), tree_leaves(tree, is_leaf))))


# ------------ paths


def tree_leaves_with_path(tree: Any, is_leaf: _IsLeaf = None) -> list[tuple[_Path, Any]]:
    """The leaves, each with the steps that lead to it."""
    return [*_walk(tree, (), is_leaf)]


def tree_flatten_with_path(
    tree: Any, is_leaf: _IsLeaf = None
) -> tuple[list[tuple[_Path, Any]], TreeSpec]:
    """The leaves, each with the steps that lead to it, and the structure."""
    return tree_leaves_with_path(tree, is_leaf), tree_structure(tree, is_leaf)


def tree_map_with_path(
    func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: _IsLeaf = None
) -> Any:
    """As :func:`tree_map`, where the function gets the steps before the leaves."""
    paths = iter([path for path, _ in tree_leaves_with_path(tree, is_leaf)])
    return tree_map(lambda *leaves: func(next(paths), *leaves), tree, *rests, is_leaf=is_leaf)


def _walk(tree: Any, path: _Path, is_leaf: _IsLeaf) -> Iterator[tuple[_Path, Any]]:
    found = None if is_leaf is not None and is_leaf(tree) else pytree.children(tree)
    if found is None:
        yield path, tree
        return
    kind = tree.__class__
    steps: Iterable[tuple[Any, Any]]
    if kind in pytree.registered:
        if kind not in _with_keys:
            raise ValueError(
                f"Did not find a flatten_with_keys_fn for type: {kind}. Please pass a "
                "flatten_with_keys_fn argument to register_pytree_node."
            )
        steps = _with_keys[kind](tree)[0]
    elif kind in pytree.DICTS:
        steps = [(MappingKey(key), part) for key, part in tree.items()]
    elif hasattr(kind, "_fields"):
        steps = zip(map(GetAttrKey, kind._fields), tree, strict=True)
    else:
        steps = zip(map(SequenceKey, range(len(tree))), tree, strict=True)
    for step, part in steps:
        yield from _walk(part, (*path, step), is_leaf)


def keystr(kp: _Path) -> str:
    """The steps as they stand in a program: ``['a'][0].x``."""
    return "".join(map(str, kp))


def key_get(obj: Any, kp: _Path) -> Any:
    """What the steps lead to."""
    for step in kp:
        obj = step.get(obj)
    return obj


def treespec_pprint(treespec: TreeSpec) -> str:
    """The tree with a star for each leaf, as text."""
    return repr(treespec.unflatten([_Star()] * treespec.num_leaves))


class _Star:
    def __repr__(self) -> str:
        return "*"


def _broadcast_to_and_flatten(
    tree: Any, treespec: TreeSpec, is_leaf: _IsLeaf = None
) -> list[Any] | None:
    """One value a leaf of a structure, a leaf of ``tree`` for all in its place; None: no fit."""
    return pytree.broadcast(tree, treespec)


def is_namedtuple(obj: Any) -> bool:
    """Whether something is a named tuple, or a class of such."""
    return pytree.is_named(obj if isinstance(obj, type) else type(obj))
