"""Functions that give statistics beside the result, held to NumPy's sums."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as lc
from lamella_nn.functional import natives

A = np.random.default_rng(0).normal(size=(2, 6, 5)).astype(np.float32)
EPS = 1e-3


def close(result: lc.Tensor, wanted: np.ndarray) -> None:
    assert tuple(result.shape) == wanted.shape
    np.testing.assert_allclose(result.detach().numpy(), wanted, rtol=1e-5, atol=1e-6)


def test_layer_norm() -> None:
    weight = np.arange(5, dtype=np.float32)
    x = lc.from_numpy(A).requires_grad_()
    result, mean, rstd = natives.native_layer_norm(x, [5], lc.from_numpy(weight), None, EPS)
    m, r = A.mean(-1, keepdims=True), 1 / np.sqrt(A.var(-1, keepdims=True) + EPS)
    close(result, (A - m) * r * weight)
    close(mean, m)
    close(rstd, r)
    assert result.requires_grad and not mean.requires_grad and not rstd.requires_grad
    with pytest.raises(RuntimeError, match=r"Given normalized_shape=\[4\]"):
        natives.native_layer_norm(x, [4], None, None, EPS)
    half = natives.native_layer_norm(x.detach().bfloat16(), [5], None, None, EPS)
    assert {each.dtype for each in half} == {lc.bfloat16}


def test_group_norm() -> None:
    x = lc.from_numpy(A)
    result, mean, rstd = natives.native_group_norm(x, None, None, 2, 6, 5, 3, EPS)
    groups = A.reshape(2, 3, 10)
    m, r = groups.mean(-1), 1 / np.sqrt(groups.var(-1) + EPS)
    close(result, ((groups - m[..., None]) * r[..., None]).reshape(A.shape))
    close(mean, m)
    close(rstd, r)
    with pytest.raises(RuntimeError, match=r"expected an input of 3 \* 6 \* 5 elements"):
        natives.native_group_norm(x, None, None, 3, 6, 5, 3, EPS)
    with pytest.raises(RuntimeError, match="divisible by num_groups"):
        natives.native_group_norm(x, None, None, 2, 6, 5, 4, EPS)


@pytest.mark.parametrize("with_result", [False, True])
def test_gradients_through_the_statistics_of_group_norm(with_result: bool) -> None:
    """By central differences; a weight has none where the result is not asked for."""
    x = lc.from_numpy(A.astype(np.float64)).requires_grad_()
    weight = lc.arange(1.0, 7.0, dtype=lc.float64).requires_grad_()

    def squares(x: lc.Tensor) -> lc.Tensor:
        result, mean, rstd = natives.native_group_norm(x, weight, None, 2, 6, 5, 3, EPS)
        total = (mean**2).sum() + (rstd**3).sum()
        return total + (result**3).sum() if with_result else total

    assert autograd.gradcheck(squares, [x])
    assert autograd.gradgradcheck(squares, [x])
    _, of_weight = autograd.grad(squares(x), [x, weight], allow_unused=True)
    assert (of_weight is not None) == with_result
    found = natives.native_group_norm(x, weight, None, 2, 6, 5, 3, EPS)
    plain = natives.native_group_norm(x.detach(), weight.detach(), None, 2, 6, 5, 3, EPS)
    assert all(map(lc.equal, found, plain))


def test_batch_norm() -> None:
    x = lc.from_numpy(A)
    running_mean, running_var = lc.zeros(6), lc.ones(6)
    arguments = (None, None, running_mean, running_var)
    result, mean, rstd = natives.native_batch_norm(x, *arguments, True, 0.5, EPS)
    m, v = A.mean((0, 2)), A.var((0, 2))
    r = 1 / np.sqrt(v + EPS)
    close(result, (A - m[:, None]) * r[:, None])
    close(mean, m)
    close(rstd, r)
    close(running_mean, m / 2)
    close(running_var, (1 + v * 10 / 9) / 2)
    result, mean, rstd = natives.native_batch_norm(x, *arguments, False, 0.5, EPS)
    spread = np.sqrt(running_var.numpy() + EPS)
    close(result, (A - running_mean.numpy()[:, None]) / spread[:, None])
    assert mean.shape == rstd.shape == (0,)
    out = lc.empty(0), lc.empty(0), lc.empty(0)
    again = natives.native_batch_norm(x, None, None, None, None, True, 0.5, EPS, out=out)
    assert all(each is place for each, place in zip(again, out, strict=True))
    close(out[1], m)


INDICES, OFFSETS = [0, 1, 2, 3, 1], [0, 2, 2, 4]


@pytest.mark.parametrize("kind", [lc.int64, lc.int32])
def test_bags(kind: lc.dtype) -> None:
    table = np.float32([[1, 0], [0, 3], [2, 2], [4, 1]])
    weight = lc.from_numpy(table).requires_grad_()
    indices, offsets = lc.tensor(INDICES, dtype=kind), lc.tensor(OFFSETS, dtype=kind)
    result, of_index, sizes, rows = natives.embedding_bag(weight, indices, offsets)
    assert result.tolist() == [[1, 3], [0, 0], [6, 3], [0, 3]]
    assert (of_index.tolist(), sizes.tolist(), rows.tolist()) == ([], [0] * 4, [0] * 4)
    (grad,) = autograd.grad(result.sum(), weight)
    assert grad.tolist() == [[1, 1], [2, 2], [1, 1], [1, 1]]

    result, *more = natives.embedding_bag(weight, indices, offsets, mode=1)
    assert result.tolist() == [[0.5, 1.5], [0, 0], [3, 1.5], [0, 3]]
    wanted = [0, 0, 2, 2, 3], [2, 0, 2, 1], [2, 0, 2, 1]
    assert tuple(each.tolist() for each in more) == wanted
    assert all(each.dtype is kind for each in more)

    result, of_index, sizes, rows = natives.embedding_bag(weight, indices, offsets, mode=2)
    assert result.tolist() == [[1, 3], [0, 0], [4, 2], [0, 3]]
    assert sizes.tolist() == [2, 0, 2, 1]
    assert rows.tolist() == [[0, 1], [0, 0], [3, 2], [1, 1]]

    padded = natives.embedding_bag(weight, indices, offsets, mode=1, padding_idx=1)
    assert padded[0].tolist() == [[1, 0], [0, 0], [3, 1.5], [0, 0]]
    assert padded[2].tolist() == [1, 0, 2, 0]
    ends = natives.embedding_bag(
        weight, indices, lc.tensor([0, 2, 5], dtype=kind), mode=1, include_last_offset=True
    )
    assert ends[0].shape == (2, 2) and ends[2].tolist() == [2, 3]


def test_bags_refuse() -> None:
    weight, indices, offsets = lc.eye(4), lc.tensor(INDICES), lc.tensor(OFFSETS)
    for mode in (3, -1):
        with pytest.raises(RuntimeError, match="`mode` must be 0"):
            natives.embedding_bag(weight, indices, offsets, mode=mode)
    with pytest.raises(TypeError):
        natives.embedding_bag(weight, indices, None)
    with pytest.raises(RuntimeError):
        natives.embedding_bag(weight, indices + 3, offsets)


def test_rows_are_shortened() -> None:
    weight = lc.tensor([[3.0, 4.0], [6.0, 8.0], [0.3, 0.4]])
    assert natives.embedding_renorm_(weight, lc.tensor([0, 2]), 1.0, 2.0) is weight
    wanted = np.float32([[0.6, 0.8], [6.0, 8.0], [0.3, 0.4]])
    close(weight, wanted)
    with pytest.raises(RuntimeError, match="scalar types: Long, Int"):
        natives.embedding_renorm_(weight, lc.tensor([1.0]), 1.0, 2.0)
