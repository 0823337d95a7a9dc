"""Each op against NumPy on the dense arrays."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as core
from lamella_sparse import sparse_coo_tensor


def pair(seed: int, count: int = 9) -> tuple[core.Tensor, np.ndarray]:
    """A sparse matrix in which places stand twice, and its dense array."""
    random = np.random.default_rng(seed)
    indices = np.stack([random.integers(0, 3, count), random.integers(0, 4, count)])
    values = random.standard_normal(count)
    dense = np.zeros((3, 4))
    np.add.at(dense, tuple(indices), values)
    return sparse_coo_tensor(indices, values, (3, 4)), dense


def assert_dense(result: core.Tensor, expected: np.ndarray) -> None:
    assert result.is_sparse
    np.testing.assert_allclose(result.to_dense().numpy(), expected, atol=1e-12)


def test_sums() -> None:
    (one, a), (two, b) = pair(0), pair(1)
    assert_dense(one + two, a + b)
    assert_dense(one - two, a - b)
    assert_dense(one.add(two, alpha=2), a + 2 * b)
    target = one.clone()
    target += two
    assert_dense(target, a + b)
    assert_dense(one, a)


def test_sums_with_dense() -> None:
    one, a = pair(0)
    dense = core.ones(3, 4, dtype=core.float64)
    np.testing.assert_allclose((dense + one).numpy(), 1 + a)
    np.testing.assert_allclose((dense - one).numpy(), 1 - a)
    version = dense._version
    dense.add_(one, alpha=0.5)
    np.testing.assert_allclose(dense.numpy(), 1 + a / 2)
    assert dense._version > version


def test_products() -> None:
    (one, a), (two, b) = pair(0), pair(1)
    assert_dense(one * two, a * b)
    assert_dense(one * core.tensor(b), a * b)
    assert_dense(3 * one, 3 * a)
    assert_dense(one / 2, a / 2)
    assert_dense(one * core.tensor(2.0), a * 2)
    nothing = sparse_coo_tensor((3, 4), dtype=core.float64)
    assert_dense(one * nothing, a * 0)


@pytest.mark.parametrize("name", ["sin", "tanh", "abs", "sign", "floor", "expm1", "square"])
def test_functions_that_keep_zero(name: str) -> None:
    one, a = pair(2)
    assert_dense(getattr(one, name)(), getattr(np, name)(a))


def test_powers() -> None:
    one, a = pair(3)
    assert_dense(one**3, a**3)
    with pytest.raises(RuntimeError, match="above 0"):
        one**-1


def test_views_of_the_matrix() -> None:
    one, a = pair(4)
    assert_dense(one.t(), a.T)
    assert_dense(one.permute(1, 0), a.T)
    assert_dense(one.index_select(1, core.tensor([2, 0, 2])), a[:, [2, 0, 2]])
    assert one.float().dtype is core.float32


def test_reductions() -> None:
    one, a = pair(5)
    np.testing.assert_allclose(one.sum().item(), a.sum())
    np.testing.assert_allclose(one.norm().item(), np.linalg.norm(a))


def test_in_place() -> None:
    one, a = pair(6)
    one.mul_(2).neg_()
    assert_dense(one, -2 * a)
    assert_dense(one.zero_(), a * 0)
    with pytest.raises(RuntimeError, match="can't be cast"):
        sparse_coo_tensor([[0]], [1]).mul_(0.5)


def test_what_is_not_there_says_so() -> None:
    one, _ = pair(7)
    with pytest.raises(NotImplementedError, match="exp: not implemented for sparse tensors.*dense"):
        one.exp()
    with pytest.raises(RuntimeError, match="Use add.dense, sparse. instead"):
        one + core.ones(3, 4)
    with pytest.raises(RuntimeError, match=r"\[3, 4\] != \[4, 3\]"):
        one + one.t()
    with pytest.raises(RuntimeError, match="copy_.. between dense and sparse"):
        core.ones(3, 4).copy_(one)


def test_sums_with_a_factor() -> None:
    x, dense = pair(0)
    other = np.arange(12.0).reshape(3, 4)
    assert_dense(x.add(x, alpha=0.5), 1.5 * dense)
    total = core.tensor(other)
    total.add_(x, alpha=-0.25)
    np.testing.assert_allclose(total.numpy(), other - 0.25 * dense)
