"""``vmap``: its arguments and its errors; the rules of single ops are in ``batching``."""

import numpy as np
import pytest

import lamella_core as core
from lamella_autograd.func import vmap
from lamella_core import tensor

X = np.arange(12.0).reshape(3, 4)


def test_one_example_is_seen() -> None:
    shapes = []
    found = vmap(lambda a: (shapes.append(tuple(a.shape)), a.sum())[1])(tensor(X))
    assert shapes == [(4,)]
    assert np.allclose(found.numpy(), X.sum(1))


@pytest.mark.parametrize("dim", [1, -1])
def test_in_and_out_dims(dim: int) -> None:
    found = vmap(lambda a: a * 2, in_dims=dim, out_dims=dim)(tensor(X))
    assert np.array_equal(found.numpy(), X * 2)
    found = vmap(lambda a, b: a - b, in_dims=(dim, None))(tensor(X), tensor([1.0, 2.0, 3.0]))
    assert np.array_equal(found.numpy(), (X - np.array([[1.0], [2.0], [3.0]])).T)


def test_trees() -> None:
    found = vmap(
        lambda d: {"sum": d["a"] + d["b"][0], "own": d["a"]},
        in_dims=({"a": 0, "b": None},),
        out_dims={"sum": 1, "own": 0},
    )({"a": tensor(X), "b": [core.ones(4, dtype=core.float64)]})
    assert np.array_equal(found["sum"].numpy(), (X + 1).T)
    assert np.array_equal(found["own"].numpy(), X)


def test_nested() -> None:
    outer = vmap(vmap(lambda a, b: a * b, in_dims=(None, 0)), in_dims=(0, None))
    a, b = tensor([1.0, 2.0]), tensor([3.0, 4.0, 5.0])
    assert outer(a, b).tolist() == np.outer([1.0, 2.0], [3.0, 4.0, 5.0]).tolist()


def test_results_that_are_the_same_for_all_are_repeated() -> None:
    assert vmap(lambda a: core.ones(2))(tensor(X)).shape == (3, 2)
    assert vmap(lambda a: core.ones(2), out_dims=None)(tensor(X)).shape == (2,)


def test_chunks() -> None:
    counts = []

    def f(a: core.Tensor) -> core.Tensor:
        counts.append(a)
        return a.cos()

    found = vmap(f, chunk_size=2)(tensor(X))
    assert len(counts) == 2
    assert np.allclose(found.numpy(), np.cos(X))


def test_a_batch_without_examples() -> None:
    assert vmap(lambda a: a * 2)(core.zeros(0, 3)).shape == (0, 3)


def test_errors() -> None:
    x = tensor(X)
    with pytest.raises(ValueError, match="in_dim=5"):
        vmap(lambda a: a, in_dims=5)(x)
    with pytest.raises(ValueError, match="same size"):
        vmap(lambda a, b: a)(x, x[:2])
    with pytest.raises(ValueError, match="structure"):
        vmap(lambda a, b: a, in_dims=(0,))(x, x)
    with pytest.raises(ValueError, match="no inputs"):
        vmap(lambda: 1)()
    with pytest.raises(ValueError, match="only return Tensors"):
        vmap(lambda a: 1)(x)
    with pytest.raises(ValueError, match="chunk_size"):
        vmap(lambda a: a, chunk_size=0)
    with pytest.raises(RuntimeError, match="randomness"):
        vmap(lambda a: a, randomness="some")
    with pytest.raises(RuntimeError, match="control flow"):
        vmap(lambda a: a if a.sum() > 0 else -a)(x)
    with pytest.raises(RuntimeError, match="not batched"):
        vmap(lambda a: core.zeros(4, dtype=core.float64).add_(a))(x)
    with pytest.raises(RuntimeError, match="resize_"):
        vmap(lambda a: a.clone().resize_(2))(x)
    escaped = []
    vmap(lambda a: (escaped.append(a), a)[1])(x)
    with pytest.raises(RuntimeError, match="outside"):
        escaped[0] + 1
