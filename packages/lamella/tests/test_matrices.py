"""One large matrix at a time, which goes to SciPy's LAPACK, against NumPy's in double precision."""

from __future__ import annotations

import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lamella as torch

linalg = torch.linalg
RNG = np.random.default_rng(0)
TOLERANCE = {"f": 3e-4, "F": 3e-4, "d": 1e-10, "D": 1e-10}
SHAPES = [(200, 200), (300, 170), (170, 300), (2, 180, 160)]


def random(kind: str, *shape: int) -> np.ndarray:
    values = RNG.standard_normal(shape)
    if kind in "FD":
        values = values + 1j * RNG.standard_normal(shape)
    return values.astype(kind)


def wide(matrix: np.ndarray) -> np.ndarray:
    return matrix.astype(np.result_type(matrix.dtype, np.float64))


def adjoint(matrix: np.ndarray) -> np.ndarray:
    return matrix.conj().swapaxes(-1, -2)


def square(kind: str, *batch: int) -> np.ndarray:
    """Well conditioned."""
    return random(kind, *batch, 200, 200) + 40 * np.eye(200, dtype=kind)


def assert_close(got: Any, expected: np.ndarray, kind: str) -> None:
    assert got.is_contiguous()
    array = got.numpy()
    assert array.shape == expected.shape
    assert array.dtype == (kind if expected.dtype.kind == "c" else kind.lower())
    scale = max(1, abs(expected).max())
    assert abs(array - expected).max() / scale < TOLERANCE[kind]


@pytest.mark.parametrize("kind", "fdFD")
@pytest.mark.parametrize("mode", ["reduced", "complete", "r"])
@pytest.mark.parametrize("shape", SHAPES)
def test_qr(shape: tuple[int, ...], mode: Any, kind: str) -> None:
    matrix = random(kind, *shape)
    got = linalg.qr(torch.from_numpy(matrix), mode)
    expected = np.linalg.qr(wide(matrix), mode)
    assert_close(got.R, expected if mode == "r" else expected.R, kind)
    if mode == "r":
        assert got.Q.shape == (0,)
        return
    assert_close(got.Q, expected.Q, kind)


@pytest.mark.parametrize("kind", "fdFD")
@pytest.mark.parametrize("shape", SHAPES)
def test_geqrf(shape: tuple[int, ...], kind: str) -> None:
    matrix = random(kind, *shape)
    packed, tau = torch.geqrf(torch.from_numpy(matrix))
    turned, scales = np.linalg.qr(wide(matrix), "raw")
    assert_close(packed, turned.swapaxes(-1, -2), kind)
    assert abs(tau.numpy() - scales).max() < TOLERANCE[kind]


@pytest.mark.parametrize("kind", "fdFD")
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_svd(shape: tuple[int, ...], full: bool, kind: str) -> None:
    matrix = random(kind, *shape)
    U, S, Vh = linalg.svd(torch.from_numpy(matrix), full)
    expected = np.linalg.svd(wide(matrix), full)
    assert_close(S, expected.S, kind)
    assert_close(linalg.svdvals(torch.from_numpy(matrix)), expected.S, kind)
    assert U.shape == expected.U.shape and Vh.shape == expected.Vh.shape
    size = S.shape[-1]
    left, right = U.numpy(), Vh.numpy()
    product = left[..., :size] * S.numpy()[..., None, :] @ right[..., :size, :]
    assert abs(product - matrix).max() < TOLERANCE[kind]
    for columns in (left, adjoint(right)):
        assert abs(adjoint(columns) @ columns - np.eye(columns.shape[-1])).max() < TOLERANCE[kind]


def test_svd_that_does_not_converge() -> None:
    matrix = torch.zeros(200, 200)
    matrix[3, 4] = float("nan")
    for function in (linalg.svd, linalg.svdvals):
        with pytest.raises(linalg.LinAlgError, match="failed to converge"):
            function(matrix)


@pytest.mark.parametrize("kind", "fdFD")
@pytest.mark.parametrize("batch", [(), (2,)])
def test_cholesky(batch: tuple[int, ...], kind: str) -> None:
    matrix = square(kind, *batch)
    matrix = matrix @ adjoint(matrix)
    expected = np.linalg.cholesky(wide(matrix))
    factor = linalg.cholesky(torch.from_numpy(matrix))
    assert_close(factor, expected, kind)
    upper = linalg.cholesky(torch.from_numpy(matrix), upper=True)
    assert abs(upper.numpy() - adjoint(expected)).max() < TOLERANCE[kind] * abs(expected).max()
    inverse = np.linalg.inv(wide(matrix))
    assert_close(torch.cholesky_inverse(factor), inverse, kind)
    assert_close(torch.cholesky_inverse(upper, upper=True), inverse, kind)
    right = random(kind, 200, 3)
    solution = np.linalg.solve(wide(matrix), np.broadcast_to(right, (*batch, 200, 3)))
    assert_close(torch.cholesky_solve(torch.from_numpy(right), factor), solution, kind)
    assert_close(torch.cholesky_solve(torch.from_numpy(right), upper, True), solution, kind)


def test_the_codes_are_of_the_matrices_that_have_no_answer() -> None:
    matrices = np.stack([np.eye(200, dtype=np.float32)] * 3)
    matrices[1, 6, 6] = -1
    tensor = torch.from_numpy(matrices)
    factor, info = linalg.cholesky_ex(tensor)
    assert info.tolist() == [0, 7, 0]
    assert (factor[2] == torch.eye(200)).all()
    with pytest.raises(linalg.LinAlgError, match="Batch element 1.*order 7 is not positive"):
        linalg.cholesky(tensor)
    matrices[1] = 0
    inverse, info = linalg.inv_ex(tensor)
    assert info.tolist() == [0, 1, 0]
    assert inverse[1].isnan().all() and (inverse[0] == torch.eye(200)).all()
    with pytest.raises(linalg.LinAlgError, match="Batch element 1.*element 1 is zero"):
        linalg.inv(tensor)
    with pytest.raises(linalg.LinAlgError, match="Batch element 1.*singular"):
        linalg.solve(tensor, tensor)
    assert linalg.det(tensor).tolist() == [1, 0, 1]
    assert linalg.slogdet(tensor)[1].tolist() == [0, -np.inf, 0]


@pytest.mark.parametrize("kind", "fdFD")
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("batches", [((), ()), ((2,), ()), ((), (2,))])
def test_systems(batches: Any, order: Any, kind: str) -> None:
    matrix = np.array(square(kind, *batches[0]), order=order)
    right = np.array(random(kind, *batches[1], 200, 3), order=order)
    A, B = torch.from_numpy(matrix), torch.from_numpy(right)
    both = np.broadcast_shapes(*batches)

    def solution(of: np.ndarray) -> np.ndarray:
        return np.linalg.solve(wide(of), np.broadcast_to(right, (*both, 200, 3)))

    expected = solution(matrix)
    assert_close(linalg.solve(A, B), expected, kind)
    turned = linalg.solve(A.mT, B.mT, left=False)
    assert abs(turned.mT.numpy() - expected).max() < TOLERANCE[kind]
    factors, pivots = linalg.lu_factor(A)
    assert_close(linalg.lu_solve(factors, pivots, B), expected, kind)
    assert_close(linalg.lu_solve(factors, pivots, B, adjoint=True), solution(adjoint(matrix)), kind)
    permutation, lower, upper = torch.lu_unpack(factors, pivots)
    assert_close(permutation @ lower @ upper, matrix, kind)
    assert_close(linalg.inv(A), np.linalg.inv(wide(matrix)), kind)
    for side, triangle in ((True, np.triu(matrix)), (False, np.tril(matrix))):
        expected = solution(triangle)
        assert_close(linalg.solve_triangular(A, B, upper=side), expected, kind)
        got = linalg.solve_triangular(A.mT, B.mT.contiguous(), upper=not side, left=False)
        assert_close(got, expected.swapaxes(-1, -2), kind)
        ones = triangle / 40
        ones[..., np.arange(200), np.arange(200)] = 1
        got = linalg.solve_triangular(A / 40, B, upper=side, unitriangular=True)
        assert_close(got, solution(ones), kind)


@pytest.mark.parametrize("kind", "fdFD")
def test_determinants(kind: str) -> None:
    matrix = random(kind, 2, 200, 200) / 20
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = linalg.det(torch.from_numpy(matrix)), linalg.slogdet(torch.from_numpy(matrix))
        assert not linalg.det(torch.from_numpy(1e9 * matrix.real)).isfinite().any()
    assert np.allclose(got[0].numpy(), np.linalg.det(wide(matrix)), rtol=10 * TOLERANCE[kind])
    sign, logarithm = np.linalg.slogdet(wide(matrix))
    assert np.allclose(got[1].sign.numpy(), sign, rtol=10 * TOLERANCE[kind])
    assert np.allclose(got[1].logabsdet.numpy(), logarithm, rtol=10 * TOLERANCE[kind])


@pytest.mark.parametrize("kind", "fdFD")
@pytest.mark.parametrize("hermitian", [False, True])
def test_ldl(hermitian: bool, kind: str) -> None:
    matrix = random(kind, 200, 200)
    matrix = matrix + (adjoint(matrix) if hermitian else matrix.T)
    A = torch.from_numpy(matrix)
    packed, pivots = linalg.ldl_factor(A, hermitian=hermitian)
    assert not packed.triu(1).any()
    right = random(kind, 200, 2)
    got = linalg.ldl_solve(packed, pivots, torch.from_numpy(right), hermitian=hermitian)
    assert abs(matrix @ got.numpy() - right).max() < 300 * TOLERANCE[kind]


@pytest.mark.parametrize("kind", "fdFD")
@pytest.mark.parametrize("side", "LU")
@pytest.mark.parametrize("batch", [(), (2,)])
def test_eigh(batch: tuple[int, ...], side: str, kind: str) -> None:
    matrix = random(kind, *batch, 200, 200)
    triangle = np.tril(matrix, -1) if side == "L" else np.triu(matrix, 1)
    whole = triangle + adjoint(triangle)
    places = np.arange(200)
    whole[..., places, places] = matrix[..., places, places].real
    values, vectors = linalg.eigh(torch.from_numpy(matrix), side)
    expected = np.linalg.eigvalsh(wide(whole))
    assert_close(values, expected, kind)
    assert_close(linalg.eigvalsh(torch.from_numpy(matrix), side), expected, kind)
    assert vectors.is_contiguous()
    V = vectors.numpy()
    assert abs(whole @ V - V * values.numpy()[..., None, :]).max() < 10 * TOLERANCE[kind]
    assert abs(adjoint(V) @ V - np.eye(200)).max() < TOLERANCE[kind]


@pytest.mark.parametrize("kind", "fdFD")
@pytest.mark.parametrize("batch", [(), (2,)])
def test_products_of_reflections(batch: tuple[int, ...], kind: str) -> None:
    matrix, other = random(kind, *batch, 250, 150), random(kind, *batch, 250, 40)
    packed, tau = torch.geqrf(torch.from_numpy(matrix))
    Q = np.linalg.qr(wide(matrix), "complete").Q
    assert_close(linalg.householder_product(packed, tau), Q[..., :150], kind)
    B = torch.from_numpy(other)
    assert_close(torch.ormqr(packed, tau, B), Q @ other, kind)
    assert_close(torch.ormqr(packed, tau, B, transpose=True), adjoint(Q) @ other, kind)
    turned = torch.ormqr(packed, tau, B.mT, left=False)
    assert abs(turned.numpy() - other.swapaxes(-1, -2) @ Q).max() < 10 * TOLERANCE[kind]


BIG = torch.eye(1000) + torch.ones(1000, 1000) / 1e4
FACTORS = linalg.lu_factor(BIG)


@pytest.mark.parametrize(
    ("call", "factors"),
    [
        (lambda: linalg.cholesky(BIG), 0),
        (lambda: linalg.qr(BIG), 0),
        (lambda: torch.geqrf(BIG), 0),
        (lambda: linalg.lu_factor(BIG), 0),
        (lambda: linalg.lu_solve(*FACTORS, BIG), 0),
        (lambda: linalg.lu_solve(*FACTORS, BIG, adjoint=True), 0),
        (lambda: linalg.ldl_factor(BIG), 0),
        (lambda: linalg.inv(BIG), 0),
        (lambda: linalg.lu(BIG), 0),
        (lambda: linalg.eigvalsh(BIG), 1),
        (lambda: linalg.solve_triangular(BIG, BIG, upper=True, left=False), 0),
        (lambda: torch.cholesky_inverse(BIG), 0),
        (lambda: linalg.solve(BIG, BIG), 1),
        (lambda: torch.ormqr(BIG, BIG[0], BIG), 1),
        (lambda: linalg.det(BIG), 1),
    ],
)
def test_memory_is_that_of_the_results_and_of_factors(
    call: Callable[[], Any], factors: int
) -> None:
    call()
    tracemalloc.start()
    result = call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    held = sum(each.nbytes for each in (result if isinstance(result, tuple) else (result,)))
    assert peak - held < (factors + 0.25) * BIG.nbytes


def test_an_inverse_goes_into_out() -> None:
    out = torch.empty(1000, 1000)
    linalg.inv(BIG, out=out)
    tracemalloc.start()
    assert linalg.inv(BIG, out=out) is out
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.25 * BIG.nbytes
    assert (out @ BIG - torch.eye(1000)).abs().max() < 1e-5
    same = BIG.clone()
    linalg.inv(same, out=same)
    assert (same == out).all()


def test_small_matrices_are_computed_without_warnings() -> None:
    zero = torch.zeros(1, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = linalg.solve_triangular(zero, torch.ones(1, 1), upper=True)
    assert got.tolist() == [[np.inf]]


def test_cholesky_of_nan() -> None:
    matrix = torch.eye(300)
    matrix[200, 200] = float("nan")
    assert linalg.cholesky_ex(matrix).info.item() == 201
