"""Trees of containers; what PyTorch 2.13's ``torch.utils._pytree`` gave for the same calls."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple
from typing import Any

import pytest

import lamella
import lamella.utils._pytree as pytree
from lamella_autograd.pytree import registered

Point = namedtuple("Point", "x y")
TREE = {
    "a": [1, (2, 3)],
    "b": OrderedDict(c=4),
    "d": deque([5], 7),
    "e": defaultdict(list, {1: 6}),
    "f": Point(7, 8),
    "g": None,
}


class Pair:
    def __init__(self, first: Any, name: str) -> None:
        self.first, self.name = first, name


@pytest.fixture
def pair_is_registered():
    pytree.register_pytree_node(
        Pair,
        lambda pair: ([pair.first], pair.name),
        lambda parts, name: Pair(*parts, name),
        serialized_type_name="Pair",
    )
    yield
    del registered[Pair]


def test_there_and_back() -> None:
    leaves, spec = pytree.tree_flatten(TREE)
    assert leaves == [1, 2, 3, 4, 5, 6, 7, 8, None]
    assert pytree.tree_unflatten(leaves, spec) == TREE
    assert spec.child(3).context == [list, [1]] and spec.child(2).context == 7
    assert spec.child(4).type is namedtuple
    assert pytree.tree_structure(3) == pytree.LeafSpec()
    assert pytree.tree_leaves([1, [2]], is_leaf=lambda part: part == [2]) == [1, [2]]


def test_paths() -> None:
    found = pytree.tree_leaves_with_path(TREE)
    assert [pytree.keystr(path) for path, _ in found] == [
        "['a'][0]", "['a'][1][0]", "['a'][1][1]", "['b']['c']", "['d'][0]", "['e'][1]", "['f'].x",
        "['f'].y", "['g']",
    ]  # fmt: skip
    assert [pytree.key_get(TREE, path) for path, _ in found] == pytree.tree_leaves(TREE)
    assert repr(found[0][0]) == "(MappingKey(key='a'), SequenceKey(idx=0))"
    named = pytree.tree_map_with_path(lambda path, leaf: (pytree.keystr(path), leaf), {"a": [1]})
    assert named == {"a": [("['a'][0]", 1)]}


def test_maps() -> None:
    assert pytree.tree_map(lambda a, b: (a, b), [1, 2], [[1], {}]) == [(1, [1]), (2, {})]
    assert pytree.tree_map(lambda a, b: a - b, {"a": 1, "b": 2}, {"b": 3, "a": 4}) == {
        "a": -3,
        "b": -1,
    }
    assert pytree.tree_map_only(int, lambda a: a + 1, {"a": 1, "b": "x"}) == {"a": 2, "b": "x"}
    assert pytree.tree_map_only(lambda a: a == 1, lambda a: 100, [1, 2]) == [100, 2]
    assert pytree.tree_all_only(int, lambda a: a > 0, [1, "a"])
    assert pytree.tree_any(bool, [1, 0]) and not pytree.tree_all(bool, [1, 0])
    x = [lamella.ones(1)]
    assert pytree.tree_map_(lambda each: each.add_(1), x) is x and x[0].item() == 2


@pytest.mark.parametrize(
    ("one", "other", "text"),
    [
        ([1, 2], [1], "Node arity mismatch; expected 2, but got 1."),
        ([1, 2], (1, 2), "Node type mismatch; expected <class 'list'>, but got <class 'tuple'>."),
        ({"a": 1}, {"b": 1}, "Node keys mismatch; missing key(s): {'a'}; extra key(s): {'b'}."),
    ],
)
def test_trees_that_do_not_fit(one: Any, other: Any, text: str) -> None:
    with pytest.raises(ValueError) as caught:
        pytree.tree_map(lambda a, b: a, one, other)
    assert str(caught.value) == text


@pytest.mark.usefixtures("pair_is_registered")
def test_registered_classes() -> None:
    leaves, spec = pytree.tree_flatten([Pair(1, "one")])
    assert leaves == [1]
    assert repr(spec) == "TreeSpec(list, None, [TreeSpec(Pair, one, [*])])"
    with pytest.raises(ValueError, match="is already registered as pytree node"):
        pytree.register_pytree_node(Pair, lambda pair: ([], None), lambda parts, name: Pair(0, ""))
    with pytest.raises(ValueError, match="Did not find a flatten_with_keys_fn"):
        pytree.tree_leaves_with_path([Pair(1, "one")])
    twice = lamella.vmap(lambda pair: Pair(pair.first * 2, pair.name))(
        Pair(lamella.arange(3), "three")
    )
    assert twice.first.tolist() == [0, 2, 4] and twice.name == "three"
