"""Determinants against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as lc
from lamella_core import linalg

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 4), (0, 0), (0, 2, 2), (1, 1)])
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_determinants(shape: tuple[int, ...], dtype: type) -> None:
    a = RNG.standard_normal(shape).astype(dtype)
    if dtype is np.complex128:
        a = a + 1j * RNG.standard_normal(shape)
    tensor = lc.from_numpy(a)
    np.testing.assert_allclose(linalg.det(tensor).numpy(), np.linalg.det(a))
    sign, logabsdet = linalg.slogdet(tensor)
    expected = np.linalg.slogdet(a)
    np.testing.assert_allclose(sign.numpy(), expected[0])
    np.testing.assert_allclose(logabsdet.numpy(), expected[1], atol=1e-12)
    assert logabsdet.dtype is lc.float64
    np.testing.assert_array_equal(lc.det(tensor).numpy(), linalg.det(tensor).numpy())
    assert type(tensor.slogdet()).__name__ == "slogdet"


def test_logdet_of_other_signs() -> None:
    matrices = lc.stack([2 * lc.eye(2), lc.zeros(2, 2), lc.tensor([[0.0, 1.0], [1.0, 0.0]])])
    got = matrices.logdet().tolist()
    assert got[0] == pytest.approx(2 * np.log(2))
    assert got[1] == -np.inf
    assert np.isnan(got[2])


def test_wrong_operands() -> None:
    with pytest.raises(RuntimeError, match="square"):
        linalg.det(lc.ones(2, 3))
    with pytest.raises(RuntimeError, match="square"):
        lc.logdet(lc.ones(2, 3))
