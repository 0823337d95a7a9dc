"""Splitting and broadcasting; the recorded values are those of PyTorch 2.13."""

from __future__ import annotations

import pytest

import lamella_core as core

SEVEN = core.arange(7)
X = core.arange(12.0).reshape(3, 4)


def lists(parts):
    return [part.tolist() for part in parts]


def test_parts_are_views():
    for parts in (X.split(2), X.chunk(2, 1), X.unbind(), X.tensor_split(2), X.hsplit(2)):
        assert isinstance(parts, tuple)
        assert all(part.untyped_storage() is X.untyped_storage() for part in parts)


def test_sizes():
    assert lists(SEVEN.split(3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert lists(SEVEN.split([2, 5])) == [[0, 1], [2, 3, 4, 5, 6]]
    assert lists(core.split(SEVEN, 3)) == lists(SEVEN.split(3))
    assert lists(SEVEN.split_with_sizes((3, 0, 4))) == [[0, 1, 2], [], [3, 4, 5, 6]]
    assert lists(SEVEN.chunk(3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert len(SEVEN.chunk(6)) == 4
    assert lists(SEVEN.tensor_split(3)) == [[0, 1, 2], [3, 4], [5, 6]]
    assert lists(SEVEN.tensor_split((2, 5))) == [[0, 1], [2, 3, 4], [5, 6]]
    assert lists(SEVEN.tensor_split(core.tensor([1, 9]))) == [[0], [1, 2, 3, 4, 5, 6], []]
    assert lists(core.zeros(0).split(0)) == [[]]
    assert [p.shape for p in core.zeros(2, 0).chunk(3, 1)] == [(2, 0)] * 3
    assert lists(X.unbind(1))[2] == [2.0, 6.0, 10.0]
    assert [p.shape for p in core.zeros(2, 2, 4).dsplit(2)] == [(2, 2, 2)] * 2
    assert [p.shape for p in X.vsplit((1,))] == [(1, 4), (2, 4)]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: X.split([1, 1]), RuntimeError, r"sum exactly to 3"),
        (lambda: X.split([-1, 4]), RuntimeError, "non-negative entries"),
        (lambda: X.split(0), RuntimeError, "can only be 0 if dimension size is 0"),
        (lambda: X.split(-1), RuntimeError, "non-negative"),
        (lambda: core.tensor(1).split(1), RuntimeError, "at least a 1-dimensional"),
        (lambda: X.chunk(0), RuntimeError, "greater than 0, got: 0"),
        (lambda: X.tensor_split(0), RuntimeError, "larger than 0, got 0"),
        (lambda: X.unbind(2), IndexError, "but got 2"),
        (lambda: core.tensor(1).unbind(), IndexError, "no dimensions"),
        (lambda: core.tensor(1).hsplit(2), RuntimeError, "at least 1 dimension"),
        (lambda: core.arange(2).hsplit(3), RuntimeError, "not divisible by the split_size 3"),
        (lambda: core.arange(2).vsplit(1), RuntimeError, "at least 2 dimension"),
        (lambda: X.dsplit(1), RuntimeError, "at least 3 dimension"),
        (lambda: core.broadcast_shapes((2, 2), (1, 3)), RuntimeError, "Attempting to broadcast"),
        (lambda: core.broadcast_tensors(core.ones(2), X), RuntimeError, r"\(2\) must match.*\(4\)"),
        (lambda: core.broadcast_to(core.ones(2), (3, 3)), RuntimeError, "existing size"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_broadcasting():
    assert core.broadcast_shapes((2, 1), (1, 3)) == (2, 3)
    assert core.broadcast_shapes(3, (2, 1)) == (2, 3)
    first, second = core.broadcast_tensors(core.tensor([[1], [2]]), core.tensor([3, 4]))
    assert first.tolist() == [[1, 1], [2, 2]] and second.tolist() == [[3, 4], [3, 4]]
    assert first.stride() == (1, 0)
    assert core.tensor([1, 2]).broadcast_to((3, 2)).tolist() == [[1, 2]] * 3


def test_at_least():
    one, zero = core.arange(2), core.tensor(1)
    assert [t.tolist() for t in core.atleast_1d(zero, one)] == [[1], [0, 1]]
    assert core.atleast_2d(zero).tolist() == [[1]] and core.atleast_2d(one).shape == (1, 2)
    assert core.atleast_3d(one).shape == (1, 2, 1) and core.atleast_3d(X).shape == (3, 4, 1)
    assert core.atleast_3d([one, zero])[1].shape == (1, 1, 1)


def test_unsafe_parts_are_no_views():
    for parts in (
        core.unsafe_split(X, 2),
        core.unsafe_chunk(X, 2),
        core.unsafe_split_with_sizes(X, [1, 2]),
    ):
        assert not any(part._is_view() for part in parts)


def test_places_and_numbers_of_parts_have_names_of_their_own():
    assert lists(core.tensor_split(SEVEN, sections=3)) == [[0, 1, 2], [3, 4], [5, 6]]
    assert lists(SEVEN.tensor_split(indices=(2, 5), axis=0)) == [[0, 1], [2, 3, 4], [5, 6]]
    parts = SEVEN.tensor_split(tensor_indices_or_sections=core.tensor([1]))
    assert lists(parts) == lists(SEVEN.split([1, 6]))
    assert lists(core.hsplit(X, sections=2)) == lists(X.split(2, 1))
    assert lists(X.vsplit(indices=[1])) == lists(X.split([1, 2]))
    with pytest.raises(TypeError, match="unexpected keyword argument 'sections'"):
        core.hsplit(X, 2, sections=2)
    with pytest.raises(TypeError, match="indices_or_sections"):
        core.hsplit(X)


def test_sum_to_size():
    x = core.ones(2, 3)
    assert x.sum_to_size(1, 3).tolist() == [[2.0, 2.0, 2.0]]
    assert x.sum_to_size((3,)).tolist() == [2.0, 2.0, 2.0]
    assert x.sum_to_size(size=(2, 1)).tolist() == [[3.0], [3.0]]
    assert x.sum_to_size(2, 3) is x
    with pytest.raises(RuntimeError, match="not expandable"):
        x.sum_to_size(2)


def test_tensors_of_the_common_shape_are_broadcast_to_themselves() -> None:
    x, y = core.ones(2, 3), core.ones(3)
    first, second = core.broadcast_tensors(x, y)
    assert first is x and second.shape == (2, 3) and second.stride() == (0, 1)


def test_broadcast_to_as_a_method():
    x = core.ones(1)
    for view in (x.broadcast_to(3, 2), x.broadcast_to((3, 2)), x.broadcast_to(size=(3, 2))):
        assert view.shape == (3, 2) and view.stride() == (0, 0)
