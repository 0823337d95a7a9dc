"""``segment_reduce``; the numbers are PyTorch 2.13's."""

from __future__ import annotations

import math

import pytest

import lamella
from lamella import segment_reduce, tensor

X = lamella.arange(8.0)
LENGTHS = tensor([3, 0, 5])


@pytest.mark.parametrize(
    ("reduce", "expected"),
    [
        ("sum", [3.0, 0.0, 25.0]),
        ("mean", [1.0, math.nan, 5.0]),
        ("max", [2.0, -math.inf, 7.0]),
        ("min", [0.0, math.inf, 3.0]),
        ("prod", [0.0, 1.0, 2520.0]),
    ],
)
def test_reductions(reduce: str, expected: list[float]) -> None:
    found = segment_reduce(X, reduce, lengths=LENGTHS)
    assert found.tolist() == pytest.approx(expected, nan_ok=True)
    same = segment_reduce(X, reduce, offsets=tensor([0, 3, 3, 8]))
    assert same.tolist() == pytest.approx(expected, nan_ok=True)


def test_initial_values() -> None:
    assert segment_reduce(X, "sum", lengths=LENGTHS, initial=2).tolist() == [5.0, 2.0, 27.0]
    assert segment_reduce(X, "max", lengths=LENGTHS, initial=5).tolist() == [5.0, 5.0, 7.0]
    mean = segment_reduce(X, "mean", lengths=LENGTHS, initial=2)
    assert mean.tolist() == pytest.approx([5 / 3, 2.0, 5.4])


def test_segments_of_another_dimension() -> None:
    y = lamella.arange(12.0).reshape(2, 3, 2)
    found = segment_reduce(y, "sum", lengths=tensor([[2, 1], [3, 0]]), axis=1)
    assert found.tolist() == [[[2.0, 4.0], [4.0, 5.0]], [[24.0, 27.0], [0.0, 0.0]]]


@pytest.mark.parametrize(
    ("reduce", "expected"),
    [
        ("sum", [1.0, 1.0, 1.0, 1.0, 1.0]),
        ("mean", [1 / 3, 1 / 3, 1 / 3, 0.5, 0.5]),
        ("max", [0.0, 0.5, 0.5, 0.0, 1.0]),
        ("min", [1.0, 0.0, 0.0, 1.0, 0.0]),
        ("prod", [4.0, 2.0, 2.0, 5.0, 0.0]),
    ],
)
def test_gradients(reduce: str, expected: list[float]) -> None:
    x = tensor([1.0, 2.0, 2.0, 0.0, 5.0], requires_grad=True)
    segment_reduce(x, reduce, lengths=tensor([3, 0, 2]))[::2].sum().backward()
    assert x.grad.tolist() == pytest.approx(expected)


def test_refusals() -> None:
    with pytest.raises(RuntimeError, match="Expected all rows of lengths along axis to sum to"):
        segment_reduce(X, "sum", lengths=tensor([3, 0]))
    assert segment_reduce(X, "sum", lengths=tensor([3, 0]), unsafe=True).tolist() == [3.0, 0.0]
    with pytest.raises(RuntimeError, match="negative value"):
        segment_reduce(X, "sum", lengths=tensor([3, -1, 6]))
    with pytest.raises(RuntimeError, match="Either lengths or offsets must be defined"):
        segment_reduce(X, "sum")
    with pytest.raises(RuntimeError, match="reduce argument must be"):
        segment_reduce(X, "median", lengths=LENGTHS)
    with pytest.raises(NotImplementedError, match="not implemented for 'Long'"):
        segment_reduce(X.long(), "sum", lengths=LENGTHS)
