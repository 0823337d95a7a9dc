"""Powers and exponentials of matrices, and small products, against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as lc
from lamella_core import linalg

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 3, 7, 10])
@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3), (0, 0)])
def test_matrix_power(n: int, shape: tuple[int, ...]) -> None:
    a = RNG.standard_normal(shape)
    got = linalg.matrix_power(lc.from_numpy(a), n).numpy()
    np.testing.assert_allclose(got, np.linalg.matrix_power(a, n), rtol=1e-7, atol=1e-9)
    np.testing.assert_array_equal(lc.from_numpy(a).matrix_power(n).numpy(), got)


def test_the_first_power_is_a_copy() -> None:
    a = lc.eye(2)
    linalg.matrix_power(a, 1).zero_()
    assert a.sum() == 2
    with pytest.raises(linalg.LinAlgError):
        linalg.matrix_power(lc.zeros(2, 2), -1)


@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_matrix_exp(scale: float, dtype: type) -> None:
    expm = pytest.importorskip("scipy.linalg").expm
    a = (scale * RNG.standard_normal((2, 4, 4))).astype(dtype)
    got = lc.matrix_exp(lc.from_numpy(a)).numpy()
    assert got.dtype == dtype
    expected = np.stack([expm(each.astype(np.result_type(dtype, np.float64))) for each in a])
    rtol = 1e-4 if dtype is np.float32 else 1e-9
    size = np.abs(expected).max((-1, -2), keepdims=True)
    np.testing.assert_allclose(got / size, expected / size, atol=rtol)


def test_matrix_exp_of_known_matrices() -> None:
    # The exponential of a skew matrix is a rotation; that of 0 the identity.
    angle = 0.75
    got = lc.matrix_exp(lc.tensor([[0.0, -angle], [angle, 0.0]], dtype=lc.float64)).numpy()
    cos, sin = np.cos(angle), np.sin(angle)
    np.testing.assert_allclose(got, [[cos, -sin], [sin, cos]], atol=1e-15)
    np.testing.assert_array_equal(lc.matrix_exp(lc.zeros(2, 3, 3)).numpy()[1], np.eye(3))
    assert lc.matrix_exp(lc.zeros(0, 3, 3)).shape == (0, 3, 3)
    assert lc.matrix_exp(lc.zeros(2, 2, dtype=lc.bfloat16)).dtype is lc.bfloat16


def test_cross_and_vecdot() -> None:
    a = RNG.standard_normal((2, 3)) + 1j * RNG.standard_normal((2, 3))
    b = RNG.standard_normal((1, 3)) + 1j
    x, y = lc.from_numpy(a), lc.from_numpy(b)
    np.testing.assert_allclose(linalg.cross(x, y).numpy(), np.cross(a, b))
    np.testing.assert_allclose(linalg.vecdot(x, y).numpy(), (a.conj() * b).sum(-1))


@pytest.mark.parametrize("dtype", [np.float64, np.int64])
def test_vander(dtype: type) -> None:
    x = np.array([[1, 2, 3], [4, 5, 6]], dtype)
    for size in (None, 2, 5):
        got = linalg.vander(lc.from_numpy(x), N=size).numpy()
        expected = np.stack([np.vander(each, size, increasing=True) for each in x])
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    "call",
    [
        lambda: lc.matrix_exp(lc.ones(2, 3)),
        lambda: lc.matrix_exp(lc.ones(2, 2, dtype=lc.int64)),
        lambda: lc.matrix_power(lc.ones(2, 3), 2),
        lambda: linalg.cross(lc.ones(2), lc.ones(2)),
        lambda: linalg.vecdot(lc.ones(2), lc.ones(2, dtype=lc.float64)),
        lambda: linalg.vander(lc.ones(3), N=1),
        lambda: linalg.vander(lc.ones(3, dtype=lc.bool)),
    ],
)
def test_wrong_operands(call: object) -> None:
    with pytest.raises(RuntimeError):
        call()
