"""Writing at places; the recorded values are those of PyTorch 2.13."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as core

PLACES = core.tensor([0, 1])
M = core.arange(6).reshape(2, 3)
ZERO = core.zeros(2, 3, dtype=core.int64)


def test_scatter():
    index = core.tensor([[0, 1, 0]])
    assert M.scatter(0, index, core.tensor([[9, 9, 9]])).tolist() == [[9, 1, 9], [3, 9, 5]]
    assert M.scatter(0, core.tensor([[0]]), 5).tolist() == [[5, 1, 2], [3, 4, 5]]
    assert M.scatter(0, core.tensor([[1]]), value=7).tolist() == [[0, 1, 2], [7, 4, 5]]
    assert M.scatter(0, core.tensor([[1]]), 5, reduce="add").tolist() == [[0, 1, 2], [8, 4, 5]]
    assert M.scatter(0, core.tensor([[1]]), 5, reduce="multiply").tolist()[1] == [15, 4, 5]
    x = M.clone()
    assert x.scatter_(1, core.tensor([[2], [0]]), -1) is x
    assert x.tolist() == [[0, 1, -1], [-1, 4, 5]]
    one_hot = core.zeros(3, 4).scatter(1, core.tensor([[1], [0], [3]]), 1.0)
    assert one_hot.tolist() == [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]]


def test_scatter_add_and_reduce():
    assert M.scatter_add(0, ZERO, M).tolist() == [[3, 6, 9], [3, 4, 5]]
    assert M.clone().scatter_add_(0, ZERO, M).tolist() == [[3, 6, 9], [3, 4, 5]]
    assert M.scatter_reduce(0, ZERO, M, "amax").tolist() == [[3, 4, 5], [3, 4, 5]]
    assert M.scatter_reduce(0, ZERO, M, "amin", include_self=False).tolist()[0] == [0, 1, 2]
    assert M.scatter_reduce(0, ZERO, M, "prod").tolist() == [[0, 4, 20], [3, 4, 5]]
    assert M.scatter_reduce(0, ZERO, M, "mean").tolist() == [[1, 2, 3], [3, 4, 5]]
    floats = M.float()
    assert floats.scatter_reduce(0, ZERO, floats, "mean").tolist()[0] == [1.0, 2.0, 3.0]
    assert M.scatter_reduce(0, ZERO, M, "sum", include_self=False).tolist() == [
        [3, 5, 7],
        [3, 4, 5],
    ]


def test_slices():
    assert M.index_add(0, PLACES, M).tolist() == [[0, 2, 4], [6, 8, 10]]
    assert M.index_add(0, PLACES, M, alpha=2).tolist() == [[0, 3, 6], [9, 12, 15]]
    few = core.tensor([5, 5], dtype=core.uint8)
    assert few.index_add(0, core.tensor([0]), few[:1], alpha=-1).tolist() == [0, 5]
    assert core.zeros(2, 3).index_add(1, core.tensor([0, 0]), core.ones(2, 2))[:, 0].tolist() == [
        2,
        2,
    ]
    assert M.index_copy(0, core.tensor([1, 0]), M).tolist() == [[3, 4, 5], [0, 1, 2]]
    assert M.index_fill(0, core.tensor([-1]), 7).tolist() == [[0, 1, 2], [7, 7, 7]]
    assert M.index_fill(1, core.tensor([0, 2]), core.tensor(7)).tolist() == [[7, 1, 7], [7, 4, 7]]
    assert M.index_reduce(0, PLACES, M, "prod").tolist() == [[0, 1, 4], [9, 16, 25]]
    assert M.index_reduce(0, PLACES, M, "mean", include_self=False).tolist() == M.tolist()
    x = M.clone()
    for write in (
        lambda: x.index_add_(0, PLACES, M),
        lambda: x.index_copy_(0, PLACES, M),
        lambda: x.index_fill_(0, PLACES, 1),
        lambda: x.index_reduce_(0, PLACES, M, "amax"),
    ):
        assert write() is x
    assert x.tolist() == [[1, 1, 2], [3, 4, 5]]


def test_put():
    assert M.put(core.tensor([0, -1]), core.tensor([8, 9])).tolist() == [[8, 1, 2], [3, 4, 9]]
    found = M.put(core.tensor([0, 0]), core.tensor([8, 9]), accumulate=True)
    assert found.tolist() == [[17, 1, 2], [3, 4, 5]]
    x = M.clone()
    x.t().put_(core.tensor([1]), core.tensor([70]))
    assert x.tolist() == [[0, 1, 2], [70, 4, 5]]


def test_masks():
    assert M.masked_fill(M > 2, 0).tolist() == [[0, 1, 2], [0, 0, 0]]
    assert PLACES.masked_fill(M[:, :2] > 2, 9).tolist() == [[0, 1], [9, 9]]
    assert M.int().masked_fill(M == 0, 1.5).tolist() == [[1, 1, 2], [3, 4, 5]]
    assert M.masked_scatter(M > 3, PLACES).tolist() == [[0, 1, 2], [3, 0, 1]]
    x = M.clone()
    assert x.masked_fill_(core.tensor([True, False, False]), core.tensor(-1)) is x
    assert x.tolist() == [[-1, 1, 2], [-1, 4, 5]]
    assert x.masked_scatter_(x < 0, PLACES) is x and x[:, 0].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: M.scatter(0, core.tensor([[2]]), 9), RuntimeError, "index 2 is out of bounds"),
        (lambda: M.scatter(0, core.tensor([[0]]), core.ones(1, 1)), RuntimeError, "src.dtype"),
        (lambda: M.scatter(0, core.tensor([[0, 1]]), M[:1, :1]), RuntimeError, "than src"),
        (lambda: M.scatter(0, PLACES, 5), RuntimeError, "same number of dimensions as self"),
        (lambda: M.scatter(0, core.tensor([[0]]), 5, reduce="max"), RuntimeError, "multiply"),
        (lambda: M.scatter(0, core.tensor([[0]])), TypeError, "missing"),
        (lambda: M.scatter_reduce(0, ZERO, M, "foo"), RuntimeError, "got foo"),
        (lambda: M.index_add(0, PLACES[:1], M), RuntimeError, r"Number of indices \(1\)"),
        (lambda: M.index_add(0, PLACES, M.float()), RuntimeError, "same scalar type"),
        (lambda: M.index_add(0, core.tensor([5, 0]), M), RuntimeError, "index 5 is out of bounds"),
        (lambda: M.index_add(0, core.tensor([-1, 0]), M), RuntimeError, "index -1"),
        (lambda: M.index_copy(0, core.tensor([-1, 0]), M), IndexError, "index -1"),
        (lambda: M.index_copy(0, PLACES[:1], M), IndexError, "Number of indices"),
        (lambda: M.index_fill(0, core.tensor([2]), 7), IndexError, "index 2 is out of bounds"),
        (lambda: M.index_fill(0, PLACES, PLACES), RuntimeError, "0-dimensional value"),
        (lambda: M.index_reduce(0, PLACES, M, "sum"), RuntimeError, "prod, mean, amax, amin"),
        (lambda: M.put(core.tensor([9, 0]), PLACES), IndexError, "access index 9"),
        (lambda: M.put(core.tensor([0]), PLACES), IndexError, "same number of elements"),
        (lambda: M.put(core.tensor([0]), core.ones(1)), RuntimeError, "same dtype"),
        (lambda: M.masked_fill(M, 1), RuntimeError, "boolean masks"),
        (lambda: M.masked_fill(M > 2, PLACES), RuntimeError, "0-dimensional value tensor"),
        (lambda: M.float().masked_fill(M > 2, 1j), RuntimeError, "without overflow"),
        (lambda: PLACES.masked_fill_(M[:, :2] > 2, 9), RuntimeError, "broadcast shape"),
        (lambda: M.masked_scatter(M > 2, PLACES), RuntimeError, "Number of elements of source"),
        (lambda: M.masked_scatter(M > 2, M.float()), RuntimeError, "same dtypes"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_an_index_beyond_a_vector_is_an_index_error() -> None:
    # PyTorch 2.13 tells vectors and other tensors apart.
    with pytest.raises(IndexError, match="out of bounds"):
        core.zeros(3).index_add_(0, core.tensor([5]), core.ones(1))
    with pytest.raises(RuntimeError, match="out of bounds"):
        core.zeros(3, 2).index_add_(0, core.tensor([5]), core.ones(1, 2))


@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize("contiguous", [True, False])
def test_scatter_of_few_elements_along_each_dimension(dim: int, contiguous: bool) -> None:
    rng = np.random.default_rng(3)
    a = rng.standard_normal((3, 4, 5))
    index = rng.integers(0, a.shape[dim], a.shape)
    source = rng.standard_normal(a.shape)
    added, written = a.copy(), a.copy()
    for place in np.ndindex(*a.shape):
        target = tuple(index[place] if d == dim else p for d, p in enumerate(place))
        added[target] += source[place]
        written[target] = 7.0
    x = core.from_numpy(a if contiguous else np.asfortranarray(a))
    where, src = core.from_numpy(index), core.from_numpy(source)
    np.testing.assert_allclose(x.scatter_add(dim, where, src).numpy(), added)
    np.testing.assert_array_equal(x.scatter(dim, where, 7.0).numpy(), written)
    np.testing.assert_array_equal(x.clone().scatter_(dim, where, 7.0).numpy(), written)
