"""Joining; the recorded values are those of PyTorch 2.13."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as core

PLACES = core.tensor([0, 1])
M = core.arange(6).reshape(2, 3)
X = core.arange(24.0).reshape(2, 3, 4)


def test_cat():
    assert core.cat([M, M], 1).tolist() == np.concatenate([M.numpy()] * 2, 1).tolist()
    assert core.cat((M, M.double())).dtype is core.float64
    assert (
        core.concat([PLACES, PLACES]).tolist()
        == core.concatenate([PLACES, PLACES]).tolist()
        == [0, 1, 0, 1]
    )
    assert core.cat([core.zeros(0), M]).tolist() == M.float().tolist()
    assert core.cat([M.t(), M.t()]).stride() == (2, 1)
    out = core.empty(0, dtype=core.int64)
    assert core.cat([PLACES, PLACES], out=out) is out and out.tolist() == [0, 1, 0, 1]
    assert core.cat([PLACES.bfloat16(), PLACES.bfloat16()]).dtype is core.bfloat16


def test_stack():
    assert core.stack([PLACES, PLACES], 1).tolist() == [[0, 0], [1, 1]]
    assert core.stack([PLACES, PLACES], -1).tolist() == [[0, 0], [1, 1]]
    assert core.stack([M.t(), M.t()]).stride() == (6, 2, 1)
    assert core.stack([core.tensor(1), core.tensor(2.5)]).tolist() == [1.0, 2.5]


def test_the_other_directions():
    assert core.hstack([core.tensor(1), core.tensor(2)]).tolist() == [1, 2]
    assert (
        core.vstack([PLACES, PLACES]).tolist()
        == core.row_stack([PLACES, PLACES]).tolist()
        == [[0, 1], [0, 1]]
    )
    assert core.dstack([PLACES, PLACES]).tolist() == [[[0, 0], [1, 1]]]
    assert core.column_stack([PLACES, M]).tolist() == [[0, 0, 1, 2], [1, 3, 4, 5]]


def test_block_diag():
    assert core.block_diag(PLACES, M).tolist() == [
        [0, 1, 0, 0, 0],
        [0, 0, 0, 1, 2],
        [0, 0, 3, 4, 5],
    ]
    mixed = core.block_diag(core.tensor(2.5), PLACES, core.empty(0), M)
    assert mixed.dtype is core.float32
    assert mixed.tolist() == [
        [2.5, 0, 0, 0, 0, 0],
        [0, 0, 1, 0, 0, 0],
        [0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 1, 2],
        [0, 0, 0, 3, 4, 5],
    ]


def test_block_diag_fills_its_result(peak):
    x = core.ones(600, 500)
    with peak:
        result = core.block_diag(x, x[:10], x.t())
    assert result.shape == (1110, 1600) and result.sum().item() == 605_000
    assert peak.most - result.nbytes < 1e5


def test_meshgrid():
    rows, columns = core.meshgrid(core.arange(2), core.arange(3), indexing="ij")
    assert rows.tolist() == [[0, 0, 0], [1, 1, 1]] and columns.tolist() == [[0, 1, 2]] * 2
    assert rows.stride() == (1, 0)
    x, y = core.meshgrid([core.arange(2), core.arange(3)], indexing="xy")
    expected = np.meshgrid(np.arange(2), np.arange(3), indexing="xy")
    np.testing.assert_array_equal(x.numpy(), expected[0])
    np.testing.assert_array_equal(y.numpy(), expected[1])
    with pytest.warns(UserWarning, match="indexing"):
        core.meshgrid(PLACES)


def test_products_and_combinations():
    assert core.cartesian_prod(PLACES, core.tensor([5, 6])).tolist() == [
        [0, 5],
        [0, 6],
        [1, 5],
        [1, 6],
    ]
    assert core.cartesian_prod(PLACES) is PLACES
    assert core.combinations(core.arange(3)).tolist() == [[0, 1], [0, 2], [1, 2]]
    assert core.combinations(core.arange(3), 2, True).tolist() == [
        [0, 0], [0, 1], [0, 2], [1, 1], [1, 2], [2, 2],
    ]  # fmt: skip
    assert core.combinations(PLACES, 0).shape == (0,)
    assert core.combinations(core.arange(3), 4).shape == (0, 4)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: core.cat([]), ValueError, "non-empty list"),
        (lambda: core.cat(M), TypeError, "must be tuple of Tensors, not Tensor"),
        (lambda: core.cat((M, 1)), TypeError, "expected Tensor as element 1 in argument 0"),
        (lambda: core.cat([X, core.tensor(1.0)]), RuntimeError, "zero-dimensional.*position 1"),
        (lambda: core.cat([X, X[0]]), RuntimeError, "got 3 and 2"),
        (lambda: core.cat([X, X[:, :2]]), RuntimeError, "except in dimension 0. Expected size 3"),
        (lambda: core.cat([X, X], 5), IndexError, r"range of \[-3, 2\], but got 5"),
        (lambda: core.cat([X, X], out=core.empty(0, dtype=core.int64)), TypeError, "Long"),
        (lambda: core.stack([]), RuntimeError, "non-empty"),
        (lambda: core.stack([X, X[0]]), RuntimeError, r"\[2, 3, 4\] at entry 0 and \[3, 4\]"),
        (lambda: core.stack([PLACES, PLACES], 2), IndexError, "but got 2"),
        (lambda: core.block_diag(X), RuntimeError, "Input 0 has 3 dimensions"),
        (lambda: core.meshgrid(PLACES, M, indexing="ij"), RuntimeError, "0D or 1D"),
        (lambda: core.meshgrid(PLACES, PLACES, indexing="xx"), RuntimeError, "xx"),
        (lambda: core.meshgrid(PLACES, PLACES.float(), indexing="ij"), RuntimeError, "same dtype"),
        (lambda: core.cartesian_prod(PLACES, M), RuntimeError, "1D vector"),
        (lambda: core.combinations(M), RuntimeError, "1D vector"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()
