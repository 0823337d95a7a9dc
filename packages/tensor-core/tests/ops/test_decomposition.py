"""Triangular and orthogonal factorizations: their products and shapes, and LAPACK through SciPy."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as lc
from lamella_core import linalg

RNG = np.random.default_rng(0)
DTYPES = [np.float64, np.complex128]


def numbers(dtype: type, *shape: int) -> np.ndarray:
    values = RNG.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * RNG.standard_normal(shape)
    return values.astype(dtype)


def adjoint(a: np.ndarray) -> np.ndarray:
    return a.conj().swapaxes(-1, -2)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [(), (2,), (0,)])
def test_cholesky(dtype: type, batch: tuple[int, ...]) -> None:
    a = numbers(dtype, *batch, 4, 4)
    a = a @ adjoint(a) + np.eye(4)
    lower = linalg.cholesky(lc.from_numpy(a)).numpy()
    np.testing.assert_allclose(lower @ adjoint(lower), a)
    np.testing.assert_array_equal(np.triu(lower, 1), 0)
    # Only one triangle is read.
    garbage = np.where(np.tri(4, dtype=bool), 99, a)
    upper = linalg.cholesky(lc.from_numpy(np.where(np.eye(4), a, garbage)), upper=True).numpy()
    np.testing.assert_allclose(upper, adjoint(lower))


def test_cholesky_names_the_minor() -> None:
    a = lc.stack([lc.eye(3), lc.tensor([[1.0, 0, 0], [0, 1, 2], [0, 2, 1]])])
    with pytest.raises(linalg.LinAlgError, match=r"Batch element 1.*minor of order 3"):
        linalg.cholesky(a)
    factor, info = linalg.cholesky_ex(a)
    assert info.tolist() == [0, 3]
    np.testing.assert_array_equal(factor[0].numpy(), np.eye(3))
    with pytest.raises(linalg.LinAlgError):
        linalg.cholesky_ex(a, check_errors=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_cholesky_of_nan(dtype: type) -> None:
    # The minors that PyTorch 2.13 names.
    a = np.stack([np.eye(3), np.diag([4, np.nan, 1]), np.full((3, 3), np.nan)]).astype(dtype)
    factor, info = linalg.cholesky_ex(lc.from_numpy(a))
    assert info.tolist() == [0, 2, 1]
    np.testing.assert_array_equal(factor[0].numpy(), np.eye(3))
    with pytest.raises(linalg.LinAlgError, match="minor of order 2"):
        linalg.cholesky(lc.from_numpy(a[1]))
    assert linalg.cholesky_ex(lc.zeros(2, 0, 0)).info.tolist() == [0, 0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (2, 3, 3), (0, 3), (3, 0)])
@pytest.mark.parametrize("mode", ["reduced", "complete"])
def test_qr(dtype: type, shape: tuple[int, ...], mode: str) -> None:
    a = numbers(dtype, *shape)
    q, r = (t.numpy() for t in linalg.qr(lc.from_numpy(a), mode))
    rows, size = shape[-2], min(shape[-2:])
    assert q.shape[-2:] == (rows, rows if mode == "complete" else size)
    np.testing.assert_allclose(q @ r, a, atol=1e-12)
    np.testing.assert_allclose(
        adjoint(q) @ q, np.broadcast_to(np.eye(q.shape[-1]), (*shape[:-2], *2 * q.shape[-1:])),
        atol=1e-12,
    )  # fmt: skip
    np.testing.assert_array_equal(np.tril(r, -1), 0)
    only = linalg.qr(lc.from_numpy(a), "r")
    assert only.Q.shape == (0,)
    np.testing.assert_allclose(only.R.numpy(), r[..., :size, :], atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 3), (2, 5, 2)])
def test_reflections(dtype: type, shape: tuple[int, ...]) -> None:
    a = numbers(dtype, *shape)
    tensor = lc.from_numpy(a)
    packed, tau = lc.geqrf(tensor)
    q = lc.orgqr(packed, tau)
    size = shape[-1]
    np.testing.assert_allclose((q @ packed[..., :size, :].triu()).numpy(), a, atol=1e-12)
    np.testing.assert_allclose(q.numpy(), linalg.qr(tensor).Q.numpy(), atol=1e-12)
    whole = linalg.qr(tensor, "complete").Q
    other = lc.from_numpy(numbers(dtype, *shape))
    left = lc.ormqr(packed, tau, other)
    np.testing.assert_allclose(left.numpy(), (whole @ other).numpy(), atol=1e-12)
    right = lc.ormqr(packed, tau, other.mT, left=False, transpose=True)
    np.testing.assert_allclose(right.numpy(), (other.mT @ whole.mH).numpy(), atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (2, 3, 3), (0, 3), (2, 0, 0)])
def test_lu(dtype: type, shape: tuple[int, ...]) -> None:
    pytest.importorskip("scipy")
    a = numbers(dtype, *shape)
    p, lower, upper = (t.numpy() for t in linalg.lu(lc.from_numpy(a)))
    np.testing.assert_allclose(p @ lower @ upper, a, atol=1e-12)
    np.testing.assert_array_equal(np.triu(lower, 1), 0)
    np.testing.assert_array_equal(np.tril(upper, -1), 0)
    packed, pivots, _ = linalg.lu_factor_ex(lc.from_numpy(a))
    assert pivots.dtype is lc.int32
    unpacked = lc.lu_unpack(packed, pivots)
    np.testing.assert_array_equal(unpacked.P.numpy(), p)
    np.testing.assert_array_equal(unpacked.U.numpy(), upper)


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (2, 5, 5)])
def test_shared_elimination_is_lapacks(shape: tuple[int, ...]) -> None:
    pytest.importorskip("scipy")
    from lamella_core.kernels.decomposition import eliminate

    a = numbers(np.float64, *shape)
    expected = linalg.lu_factor_ex(lc.from_numpy(a))
    packed, pivots, info = eliminate(np, a)
    np.testing.assert_allclose(packed, expected.LU.numpy(), atol=1e-12)
    np.testing.assert_array_equal(pivots, expected.pivots.numpy())
    np.testing.assert_array_equal(info, expected.info.numpy())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("turned", [False, True])
def test_lu_solve(dtype: type, left: bool, turned: bool) -> None:
    pytest.importorskip("scipy")
    a = numbers(dtype, 2, 4, 4)
    b = numbers(dtype, 4, 3) if left else numbers(dtype, 3, 4)
    factors = linalg.lu_factor(lc.from_numpy(a))
    x = linalg.lu_solve(*factors, lc.from_numpy(b), left=left, adjoint=turned).numpy()
    matrix = adjoint(a) if turned else a
    product = matrix @ x if left else x @ matrix
    np.testing.assert_allclose(product, np.broadcast_to(b, product.shape), atol=1e-10)


def test_lu_of_a_singular_matrix() -> None:
    pytest.importorskip("scipy")
    a = lc.tensor([[1.0, 2.0], [2.0, 4.0]])
    assert linalg.lu_factor_ex(a).info.item() == 2
    with pytest.raises(RuntimeError, match=r"U\[2,2\] is zero"):
        linalg.lu_factor(a)
    with pytest.raises(RuntimeError, match="without pivoting"):
        linalg.lu(a, pivot=False)


@pytest.mark.parametrize("hermitian", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_ldl(dtype: type, hermitian: bool) -> None:
    pytest.importorskip("scipy")
    a = numbers(dtype, 2, 4, 4)
    a = a + (adjoint(a) if hermitian else a.swapaxes(-1, -2))
    b = numbers(dtype, 2, 4, 3)
    packed, pivots = linalg.ldl_factor(lc.from_numpy(a), hermitian=hermitian)
    x = linalg.ldl_solve(packed, pivots, lc.from_numpy(b), hermitian=hermitian).numpy()
    np.testing.assert_allclose(a @ x, b, atol=1e-10)


@pytest.mark.parametrize(
    "call",
    [
        lambda: linalg.cholesky(lc.ones(2, 3)),
        lambda: linalg.qr(lc.eye(2), "full"),
        lambda: linalg.qr(lc.ones(2)),
        lambda: linalg.householder_product(lc.ones(2, 3), lc.ones(2)),
        lambda: linalg.householder_product(lc.ones(3, 2), lc.ones(3)),
        lambda: linalg.lu_factor(lc.ones(2)),
        lambda: linalg.lu_solve(lc.eye(2), lc.ones(2), lc.ones(2, 1)),
        lambda: linalg.ldl_factor(lc.ones(2, 3)),
    ],
)
def test_wrong_operands(call: object) -> None:
    with pytest.raises(RuntimeError):
        call()
