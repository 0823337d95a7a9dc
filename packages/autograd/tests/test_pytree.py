"""Trees: what is taken apart comes together again."""

from collections import OrderedDict, defaultdict, deque, namedtuple

import pytest

from lamella_autograd.pytree import broadcast, count, flatten, mapped_tree, unflatten

Point = namedtuple("Point", "x y")

TREES = [
    5,
    (1, [2, 3], {"a": 4, "b": (5,)}),
    OrderedDict(b=1, a=[2]),
    defaultdict(list, {"k": 1}),
    deque([1, (2, 3)], 5),
    Point(1, [2]),
    (),
    None,
]


@pytest.mark.parametrize("tree", TREES)
def test_round_trip(tree: object) -> None:
    leaves, spec = flatten(tree)
    again = unflatten(leaves, spec)
    assert again == tree
    assert type(again) is type(tree)
    assert count(spec) == len(leaves)


def test_leaves_are_in_order() -> None:
    assert flatten((1, [2, {"a": 3}], Point(4, 5)))[0] == [1, 2, 3, 4, 5]
    assert mapped_tree(lambda n: n * 2, {"a": [1, (2,)]}) == {"a": [2, (4,)]}


def test_structure_has_a_text() -> None:
    """PyTorch's, as of its ``torch.utils._pytree``."""
    assert repr(flatten((1, [2]))[1]) == (
        "TreeSpec(tuple, None, [*,\n  TreeSpec(list, None, [*])])"
    )


def test_what_a_structure_tells() -> None:
    spec = flatten({"a": [1, (2,)], "b": Point(3, 4)})[1]
    assert (spec.num_leaves, spec.num_nodes, spec.num_children) == (4, 8, 2)
    assert spec.type is dict and spec.context == ["a", "b"]
    assert spec.child(1).context is Point and spec.children()[0].type is list
    with pytest.raises(ValueError, match="has length 1 but the spec refers to a pytree that hol"):
        spec.unflatten([1])


def test_broadcast() -> None:
    spec = flatten(((1, 2), {"a": 3, "b": 4}))[1]
    assert broadcast(0, spec) == [0, 0, 0, 0]
    assert broadcast((0, 1), spec) == [0, 0, 1, 1]
    assert broadcast(((0, None), {"a": 1, "b": 2}), spec) == [0, None, 1, 2]
    assert broadcast((0,), spec) is None
    assert broadcast(((0, 1, 2), 0), spec) is None
    assert broadcast((0, {"a": 1, "c": 2}), spec) is None
