"""Ops that write along a diagonal, or with a Python function."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as lc


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("shape", [(3, 3), (8, 3), (4, 3), (3, 7), (2, 2, 2), (0, 2)])
def test_diagonals(shape: tuple[int, ...], wrap: bool) -> None:
    x = lc.zeros(shape)
    assert x.fill_diagonal_(2, wrap) is x
    expected = np.zeros(shape, np.float32)
    np.fill_diagonal(expected, 2, wrap)
    np.testing.assert_array_equal(x.numpy(), expected)


def test_refused_shapes() -> None:
    with pytest.raises(RuntimeError):
        lc.zeros(2).fill_diagonal_(1)
    with pytest.raises(RuntimeError):
        lc.zeros(2, 2, 3).fill_diagonal_(1)


def test_python_functions() -> None:
    x = lc.arange(4).reshape(2, 2)
    assert x.apply_(lambda n: n * n + 1) is x
    assert x.tolist() == [[1, 2], [5, 10]]
    assert x.map_(lc.tensor([1, 2]), lambda a, b: a * b) is x
    assert x.tolist() == [[1, 4], [5, 20]]
    with pytest.raises(TypeError):
        x.map_(lc.tensor([1.0, 2.0]), lambda a, b: a * b)
