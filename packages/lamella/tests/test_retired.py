"""Names that PyTorch has retired, against their last documentation, NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest

import lamella as lc
from lamella_core import warning

pytestmark = pytest.mark.filterwarnings("ignore:torch")
RNG = np.random.default_rng(0)


def tensor(array: np.ndarray) -> lc.Tensor:
    return lc.from_numpy(np.ascontiguousarray(array))


@pytest.mark.parametrize("upper", [True, False])
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_symeig_reads_one_triangle(upper: bool, dtype: type) -> None:
    a = RNG.standard_normal((2, 4, 4)).astype(dtype)
    if dtype is np.complex128:
        a += 1j * RNG.standard_normal((2, 4, 4))
    values, vectors = lc.symeig(tensor(a), eigenvectors=True, upper=upper)
    triangle = np.triu(a, 1) if upper else np.tril(a, -1)
    diagonal = np.eye(4) * a.real
    whole = triangle + triangle.conj().swapaxes(-1, -2) + diagonal
    v = vectors.numpy()
    np.testing.assert_allclose(values.numpy(), np.linalg.eigvalsh(whole), atol=1e-12)
    np.testing.assert_allclose(whole @ v, v * values.numpy()[:, None], atol=1e-12)
    only = tensor(a).symeig(upper=upper)
    np.testing.assert_allclose(only.eigenvalues.numpy(), values.numpy(), atol=1e-12)
    assert only.eigenvectors.shape == (0,)


def test_eig_in_real_numbers() -> None:
    a = np.array([[0.0, 2, 0], [-2, 0, 0], [1, 0, 5]])
    values, vectors = lc.eig(tensor(a), eigenvectors=True)
    pairs = values.numpy() @ np.array([1, 1j])
    np.testing.assert_allclose(np.sort_complex(pairs), [-2j, 2j, 5], atol=1e-12)
    v = vectors.numpy()
    for j, value in enumerate(pairs):
        if value.imag > 0:
            column = v[:, j] + 1j * v[:, j + 1]
        elif value.imag < 0:
            column = v[:, j - 1] - 1j * v[:, j]
        else:
            column = v[:, j]
        np.testing.assert_allclose(a @ column, value * column, atol=1e-12)
        np.testing.assert_allclose(np.linalg.norm(column), 1)
    assert lc.eig(tensor(a)).eigenvectors.shape == (0,)
    with pytest.raises(RuntimeError, match="one real matrix"):
        lc.eig(lc.eye(2).expand(3, 2, 2))


@pytest.mark.parametrize(
    ("b", "a", "solution"),
    [((4, 6), (4, 4), (4, 6)), ((2, 3), (2, 2, 2), (2, 2, 3)), ((3, 1, 4, 6), (1, 4, 4), None)],
)
def test_solve(b: tuple[int, ...], a: tuple[int, ...], solution: tuple[int, ...] | None) -> None:
    scipy_linalg = pytest.importorskip("scipy.linalg")
    right, matrix = RNG.standard_normal(b), RNG.standard_normal(a)
    got = lc.solve(tensor(right), tensor(matrix))
    assert got.solution.shape == (solution or (3, 1, 4, 6))
    assert type(got).__name__ == "solve"
    x = got.solution.numpy()
    np.testing.assert_allclose(matrix @ x, np.broadcast_to(right, x.shape), atol=1e-9)
    packed = scipy_linalg.lu_factor(matrix.reshape(-1, *a[-2:])[0])[0]
    np.testing.assert_allclose(got.LU.numpy().reshape(-1, *a[-2:])[0], packed, atol=1e-12)


def test_solve_says_what_does_not_fit() -> None:
    with pytest.raises(RuntimeError, match="each A matrix is 2 by 2 but each b matrix has 3"):
        lc.solve(lc.ones(3, 1), lc.eye(2))
    with pytest.raises(RuntimeError, match="singular"):
        lc.solve(lc.ones(2, 1), lc.zeros(2, 2))


def test_lstsq_of_the_documentation() -> None:
    # The example of PyTorch 1.8's page on torch.lstsq, with the numbers it prints; the sign of the
    # last rows is free.
    a = lc.tensor([[1.0, 1, 1], [2, 3, 4], [3, 5, 2], [4, 2, 5], [5, 4, 3]])
    b = lc.tensor([[-10.0, -3], [12, 14], [14, 12], [16, 16], [18, 16]])
    x, qr = lc.lstsq(b, a)
    expected = [[2.0, 1.0], [1.0, 1.0], [1.0, 2.0], [10.9635, 4.8501], [8.9332, 5.2418]]
    np.testing.assert_allclose(x.abs().numpy(), expected, atol=1e-4)
    upper = np.triu(qr.numpy()[:3])
    np.testing.assert_allclose(upper.T @ upper, (a.T @ a).numpy(), rtol=1e-5)


def test_lstsq_of_least_size() -> None:
    a, b = RNG.standard_normal((3, 5)), RNG.standard_normal((3, 2))
    x = tensor(b).lstsq(tensor(a)).solution.numpy()
    np.testing.assert_allclose(x, np.linalg.lstsq(a, b, rcond=None)[0], atol=1e-12)


def test_matrix_rank() -> None:
    a = np.diag([1.0, 1e-3, 0])
    assert lc.matrix_rank(tensor(a)).item() == np.linalg.matrix_rank(a) == 2
    assert lc.matrix_rank(tensor(a), 1e-2, symmetric=True).item() == 1


@pytest.mark.parametrize("name", ["cholesky", "eig", "lu", "matrix_rank", "qr", "symeig"])
@pytest.mark.filterwarnings("default")
def test_a_warning_names_the_successor(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warning, "told", set())
    if name == "lu":
        pytest.importorskip("scipy")
    with pytest.warns(UserWarning, match=r"use torch\.linalg") as told:
        getattr(lc, name)(lc.eye(2))
    assert told[0].filename == __file__


@pytest.mark.parametrize("transpose", [False, True])
def test_triangular_solve(transpose: bool) -> None:
    a = RNG.standard_normal((3, 3)) + 4 * np.eye(3)
    b = RNG.standard_normal((2, 3, 2))
    got = lc.triangular_solve(lc.from_numpy(b), lc.from_numpy(a), transpose=transpose)
    triangle = np.triu(a).T if transpose else np.triu(a)
    np.testing.assert_allclose(triangle @ got.solution.numpy(), b, atol=1e-12)
    np.testing.assert_array_equal(got.cloned_coefficient.numpy(), np.stack([a, a]))


@pytest.mark.parametrize("upper", [False, True])
def test_cholesky(upper: bool) -> None:
    root = RNG.standard_normal((2, 3, 3))
    a = root @ root.swapaxes(-1, -2) + np.eye(3)
    factor = np.linalg.cholesky(a)
    expected = factor.swapaxes(-1, -2) if upper else factor
    np.testing.assert_allclose(tensor(a).cholesky(upper).numpy(), expected, atol=1e-12)


def test_qr() -> None:
    tall = tensor(RNG.standard_normal((4, 2)))
    q, r = tall.qr()
    np.testing.assert_allclose((q @ r).numpy(), tall.numpy(), atol=1e-12)
    assert tall.qr(some=False).Q.shape == (4, 4)
    assert type(tall.qr()).__name__ == "qr"


def test_svd_returns_right_vectors_as_columns() -> None:
    a = RNG.standard_normal((4, 3)) + 1j * RNG.standard_normal((4, 3))
    u, s, v = lc.svd(tensor(a))
    np.testing.assert_allclose(s.numpy(), np.linalg.svd(a, compute_uv=False), atol=1e-12)
    np.testing.assert_allclose(u.numpy() * s.numpy() @ v.numpy().conj().T, a, atol=1e-12)
    left, _, right = tensor(a).svd(compute_uv=False)
    assert left.shape == (4, 4) and right.shape == (3, 3) and not left.any()


def test_solving_from_lu() -> None:
    pytest.importorskip("scipy")
    a, b = RNG.standard_normal((2, 3, 3)), RNG.standard_normal((2, 3, 1))
    packed, pivots = lc.lu(tensor(a))
    x = tensor(b).lu_solve(packed, pivots)
    np.testing.assert_allclose(a @ x.numpy(), b, atol=1e-12)
    assert lc.lu(lc.zeros(2, 2), get_infos=True)[2].item() == 1
    assert not lc.lu(lc.zeros(2, 2))[0].any()
