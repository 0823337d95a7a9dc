"""Norms and condition numbers against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as lc
from lamella_core import linalg

RNG = np.random.default_rng(0)
INF = float("inf")


@pytest.mark.parametrize("ord", [0, 0.5, 1, 2, 3, INF, -INF, -1])
@pytest.mark.parametrize("keepdim", [False, True])
def test_vector_norm(ord: float, keepdim: bool) -> None:
    x = RNG.standard_normal((3, 4)) + 1j * RNG.standard_normal((3, 4))
    tensor = lc.from_numpy(x)
    for dim in (0, -1):
        expected = np.linalg.norm(x, ord, dim, keepdim)
        got = linalg.vector_norm(tensor, ord, dim, keepdim)
        np.testing.assert_allclose(got.numpy(), expected)
        np.testing.assert_allclose(linalg.norm(tensor, ord, dim, keepdim).numpy(), expected)
    np.testing.assert_allclose(
        linalg.vector_norm(tensor, ord).numpy(), np.linalg.norm(x.ravel(), ord)
    )


@pytest.mark.parametrize("ord", ["fro", "nuc", 1, -1, 2, -2, INF, -INF])
@pytest.mark.parametrize("dim", [(0, 1), (-1, 0), (1, 2)])
@pytest.mark.parametrize("keepdim", [False, True])
def test_matrix_norm(ord: float | str, dim: tuple[int, int], keepdim: bool) -> None:
    x = RNG.standard_normal((2, 3, 4))
    expected = np.linalg.norm(x, ord, dim, keepdim)
    got = linalg.matrix_norm(lc.from_numpy(x), ord, dim, keepdim)
    np.testing.assert_allclose(got.numpy(), expected)
    np.testing.assert_allclose(linalg.norm(lc.from_numpy(x), ord, dim, keepdim).numpy(), expected)


def test_norm_of_everything_and_types() -> None:
    x = RNG.standard_normal((2, 3, 4)).astype(np.float32)
    got = linalg.norm(lc.from_numpy(x), dtype=lc.float64)
    assert got.dtype is lc.float64
    assert got.item() == pytest.approx(np.linalg.norm(x.astype(np.float64)))
    assert linalg.norm(lc.ones(2, 3, dtype=lc.complex64)).dtype is lc.float32


def test_empty_matrices() -> None:
    # PyTorch 2.13: 0 for the largest of nothing, an IndexError for the smallest.
    for ord in (1, 2, INF, "nuc", "fro"):
        assert linalg.matrix_norm(lc.zeros(0, 0), ord).item() == 0
    with pytest.raises(IndexError):
        linalg.matrix_norm(lc.zeros(0, 0), -2)
    assert linalg.cond(lc.zeros(2, 0, 0)).tolist() == [0, 0]


@pytest.mark.parametrize("p", [None, "fro", "nuc", 1, -1, 2, -2, INF, -INF])
def test_cond(p: float | str | None) -> None:
    x = RNG.standard_normal((2, 3, 3))
    got = linalg.cond(lc.from_numpy(x), p).numpy()
    np.testing.assert_allclose(got, np.linalg.cond(x, p), rtol=1e-9)


def test_cond_of_a_singular_matrix() -> None:
    x = lc.stack([lc.ones(2, 2), lc.eye(2)])
    assert linalg.cond(x, 1).tolist() == [INF, 1.0]


@pytest.mark.parametrize(
    "call",
    [
        lambda: linalg.norm(lc.ones(2, dtype=lc.int64)),
        lambda: linalg.norm(lc.ones(2), "fro"),
        lambda: linalg.norm(lc.ones(2, 2, 2), 2),
        lambda: linalg.norm(lc.ones(2, 2, 2), 2, (0, 1, 2)),
        lambda: linalg.matrix_norm(lc.ones(2)),
        lambda: linalg.matrix_norm(lc.ones(2, 2), 3),
        lambda: linalg.vector_norm(lc.zeros(0), INF),
        lambda: linalg.vector_norm(lc.ones(2), dtype=lc.complex64),
        lambda: linalg.vector_norm(lc.ones(2, dtype=lc.float64), dtype=lc.float32),
        lambda: linalg.cond(lc.ones(2, 3), 1),
        lambda: linalg.cond(lc.ones(2, 2), 3),
    ],
)
def test_wrong_operands(call: object) -> None:
    with pytest.raises(RuntimeError):
        call()
