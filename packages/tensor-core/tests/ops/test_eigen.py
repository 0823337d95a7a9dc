"""Eigenvalues and singular values against NumPy."""

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
@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 4), (0, 0), (0, 2, 2)])
def test_eigh(dtype: type, shape: tuple[int, ...]) -> None:
    a = numbers(dtype, *shape)
    a = a + adjoint(a)
    values, vectors = (t.numpy() for t in linalg.eigh(lc.from_numpy(a)))
    assert values.dtype == np.float64
    np.testing.assert_allclose((vectors * values[..., None, :]) @ adjoint(vectors), a, atol=1e-12)
    expected = np.linalg.eigvalsh(a)
    np.testing.assert_allclose(values, expected, atol=1e-12)
    for side, half in (("L", np.tril(a)), ("U", np.triu(a))):
        got = linalg.eigvalsh(lc.from_numpy(half), UPLO=side).numpy()
        np.testing.assert_allclose(got, expected, atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 4), (0, 0)])
def test_eig(dtype: type, shape: tuple[int, ...]) -> None:
    a = numbers(dtype, *shape)
    values, vectors = (t.numpy() for t in linalg.eig(lc.from_numpy(a)))
    assert values.dtype == vectors.dtype == np.complex128
    np.testing.assert_allclose(a @ vectors, vectors * values[..., None, :], atol=1e-12)
    np.testing.assert_allclose(linalg.eigvals(lc.from_numpy(a)).numpy(), np.linalg.eigvals(a))


def test_real_eigenvalues_are_complex_in_type() -> None:
    assert linalg.eigvals(lc.eye(2)).dtype is lc.complex64
    with pytest.raises(RuntimeError, match="infs or NaNs"):
        linalg.eig(lc.tensor([[float("nan")]]))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (2, 3, 3), (0, 3), (3, 0)])
@pytest.mark.parametrize("full", [False, True])
def test_svd(dtype: type, shape: tuple[int, ...], full: bool) -> None:
    a = numbers(dtype, *shape)
    rows, columns = shape[-2:]
    size = min(rows, columns)
    u, s, vh = (t.numpy() for t in linalg.svd(lc.from_numpy(a), full_matrices=full))
    assert u.shape[-2:] == (rows, rows if full else size)
    assert vh.shape[-2:] == (columns if full else size, columns)
    np.testing.assert_allclose((u[..., :size] * s[..., None, :]) @ vh[..., :size, :], a, atol=1e-12)
    np.testing.assert_allclose(linalg.svdvals(lc.from_numpy(a)).numpy(), s, atol=1e-12)


def test_an_iteration_that_fails() -> None:
    with pytest.raises(linalg.LinAlgError, match="converge"):
        linalg.svd(lc.full((2, 2), float("nan")))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (2, 3, 3), (0, 3), (2, 0)])
def test_pinv(dtype: type, shape: tuple[int, ...]) -> None:
    a = numbers(dtype, *shape)
    got = linalg.pinv(lc.from_numpy(a)).numpy()
    np.testing.assert_allclose(got, np.linalg.pinv(a), atol=1e-11)


def test_rank_and_pinv_with_tolerances() -> None:
    a = np.diag([1.0, 0.1, 0.001])
    tensor = lc.from_numpy(a)
    assert linalg.matrix_rank(tensor).item() == 3
    assert linalg.matrix_rank(tensor, rtol=0.01).item() == 2
    assert linalg.matrix_rank(tensor, atol=0.5).item() == 1
    assert linalg.matrix_rank(tensor, 0.01).item() == 2
    assert linalg.matrix_rank(-tensor, hermitian=True, atol=0.5).item() == 1
    batch = lc.stack([tensor, tensor])
    limits = lc.tensor([0.5, 0.01], dtype=lc.float64)
    assert linalg.matrix_rank(batch, atol=limits).tolist() == [1, 2]
    got = linalg.pinv(tensor, rtol=0.01, hermitian=True).numpy()
    np.testing.assert_allclose(got, np.diag([1.0, 10.0, 0.0]))
    assert linalg.matrix_rank(lc.zeros(2, 0, 3)).tolist() == [0, 0]


@pytest.mark.parametrize(
    "call",
    [
        lambda: linalg.eigh(lc.eye(2), "X"),
        lambda: linalg.eigh(lc.ones(2, 3)),
        lambda: linalg.eig(lc.ones(2, 3)),
        lambda: linalg.svd(lc.ones(2)),
        lambda: linalg.svd(lc.eye(2), driver="gesvd"),
        lambda: linalg.pinv(lc.ones(2, 3), hermitian=True),
        lambda: linalg.matrix_rank(lc.ones(2, 2, dtype=lc.int64)),
    ],
)
def test_wrong_operands(call: object) -> None:
    with pytest.raises(RuntimeError):
        call()
