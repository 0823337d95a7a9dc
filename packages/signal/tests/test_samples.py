"""Derivatives and integrals of samples against NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamella_core as lc
from lamella_signal.samples import cumulative_trapezoid, gradient, trapezoid, trapz

RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, 5))
ROWS, COLUMNS = np.sort(RNG.random(4)), np.sort(RNG.random(5))


@pytest.mark.parametrize("edge_order", [1, 2])
@pytest.mark.parametrize(
    ("spacing", "numpy_spacing"),
    [
        (None, ()),
        (0.5, (0.5,)),
        ([2.0, 0.25], (2.0, 0.25)),
        ([lc.from_numpy(ROWS), lc.from_numpy(COLUMNS)], (ROWS, COLUMNS)),
    ],
)
def test_all_dimensions(spacing: Any, numpy_spacing: tuple[Any, ...], edge_order: int) -> None:
    got = gradient(lc.from_numpy(X), spacing=spacing, edge_order=edge_order)
    expected = np.gradient(X, *numpy_spacing, edge_order=edge_order)
    assert isinstance(got, tuple)
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one.numpy(), other)


def test_some_dimensions() -> None:
    (got,) = gradient(lc.from_numpy(X), dim=1)
    np.testing.assert_allclose(got.numpy(), np.gradient(X, axis=1))
    (got,) = gradient(lc.from_numpy(X), spacing=[lc.from_numpy(ROWS)], dim=(0,))
    np.testing.assert_allclose(got.numpy(), np.gradient(X, ROWS, axis=0))
    assert gradient(lc.tensor(1.0)) == ()


def test_integers() -> None:
    (got,) = gradient(lc.tensor([0, 1, 4, 9]))
    assert got.dtype is lc.float32
    assert got.tolist() == [1.0, 2.0, 4.0, 5.0]


def test_refused_arguments() -> None:
    x = lc.ones(3, 4)
    for arguments in (
        {"edge_order": 3},
        {"spacing": [1.0]},
        {"spacing": [1.0, 2.0], "dim": 0},
        {"spacing": [lc.ones(2)], "dim": 0},
        {"dim": (0, 0)},
    ):
        with pytest.raises(RuntimeError):
            gradient(x, **arguments)
    with pytest.raises(RuntimeError, match="at least"):
        gradient(lc.ones(2), edge_order=2)
    with pytest.raises(RuntimeError, match="uint8"):
        gradient(lc.ones(4, dtype=lc.uint8))
    with pytest.raises(TypeError):
        gradient(lc.ones(4), spacing=lc.arange(4.0))
    with pytest.raises(IndexError):
        gradient(x, dim=2)


def test_trapezoids() -> None:
    y = np.array([[1.0, 2.0, 4.0], [0.0, 1.0, 0.0]])
    x = np.array([0.0, 1.0, 3.0])
    np.testing.assert_allclose(
        trapezoid(lc.from_numpy(y), lc.from_numpy(x)).numpy(), np.trapezoid(y, x)
    )
    assert trapz(lc.from_numpy(y), dx=0.5).tolist() == np.trapezoid(y, dx=0.5).tolist()
    assert cumulative_trapezoid(lc.from_numpy(y)).tolist() == [[1.5, 4.5], [0.5, 1.0]]
    with pytest.raises(RuntimeError, match="not both"):
        trapezoid(lc.from_numpy(y), lc.from_numpy(x), dx=1.0)


def test_distances_are_numbers_of_any_library() -> None:
    y = lc.tensor([1.0, 2, 3])
    for dx in (np.int64(2), np.float32(2), lc.tensor(2.0)):
        assert trapezoid(y, dx=dx).item() == 8 and cumulative_trapezoid(y, dx=dx).tolist() == [3, 8]
    with pytest.raises(RuntimeError, match="real number"):
        trapezoid(y, dx=True)
    with pytest.raises(TypeError):
        trapezoid(y, dx="a")
