"""Linear systems, inverses and least squares against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as lc
from lamella_core import linalg

RNG = np.random.default_rng(0)
DTYPES = [np.float32, np.float64, np.complex64, np.complex128]


def numbers(dtype: type, *shape: int) -> np.ndarray:
    values = RNG.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * RNG.standard_normal(shape)
    return values.astype(dtype)


def tolerance(dtype: type) -> dict[str, float]:
    single = np.finfo(dtype).eps > 1e-10
    return {"rtol": 2e-3, "atol": 2e-3} if single else {"rtol": 1e-9, "atol": 1e-9}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [(), (2,), (2, 3), (0,)])
def test_inverse(dtype: type, batch: tuple[int, ...]) -> None:
    a = numbers(dtype, *batch, 4, 4)
    got = linalg.inv(lc.from_numpy(a)).numpy()
    assert got.dtype == dtype
    np.testing.assert_allclose(got @ a, np.broadcast_to(np.eye(4), a.shape), **tolerance(dtype))
    np.testing.assert_array_equal(linalg.inv_ex(lc.from_numpy(a))[1].numpy(), np.zeros(batch))


def test_singular_matrices_are_named() -> None:
    a = lc.stack([lc.eye(2), lc.tensor([[1.0, 2.0], [2.0, 4.0]])])
    with pytest.raises(linalg.LinAlgError, match=r"Batch element 1.*diagonal element 2 is zero"):
        linalg.inv(a)
    with pytest.raises(linalg.LinAlgError, match="singular"):
        linalg.solve(a, lc.ones(2, 2))
    inverse, info = linalg.inv_ex(a)
    assert info.tolist() == [0, 2]
    np.testing.assert_array_equal(inverse[0].numpy(), np.eye(2))
    assert inverse[1].isnan().all()
    assert linalg.solve_ex(a, lc.ones(2, 2)).info.tolist() == [0, 2]
    assert issubclass(linalg.LinAlgError, RuntimeError)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((3, 3), (3,)),
        ((3, 3), (3, 2)),
        ((2, 3, 3), (2, 3)),
        ((2, 3, 3), (2, 3, 4)),
        ((2, 3, 3), (3, 4)),
        ((4, 1, 3, 3), (2, 3, 1)),
        ((0, 0), (0, 2)),
    ],
)
def test_solve(dtype: type, left: tuple[int, ...], right: tuple[int, ...]) -> None:
    a, b = numbers(dtype, *left), numbers(dtype, *right)
    got = linalg.solve(lc.from_numpy(a), lc.from_numpy(b)).numpy()
    vector = right == left[:-1] or len(right) == 1
    product = (a @ got[..., None])[..., 0] if vector else a @ got
    np.testing.assert_allclose(product, np.broadcast_to(b, product.shape), **tolerance(dtype))


def test_solve_from_the_right() -> None:
    a, b = numbers(np.float64, 3, 3), numbers(np.float64, 5, 2, 3)
    got = linalg.solve(lc.from_numpy(a), lc.from_numpy(b), left=False).numpy()
    np.testing.assert_allclose(got @ a, b)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("unitriangular", [False, True])
@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_solve_triangular(
    dtype: type, upper: bool, left: bool, unitriangular: bool, size: int
) -> None:
    a = numbers(dtype, 2, size, size) + 4 * np.eye(size, dtype=dtype)
    b = numbers(dtype, 2, size, 3) if left else numbers(dtype, 2, 3, size)
    got = linalg.solve_triangular(
        lc.from_numpy(a), lc.from_numpy(b), upper=upper, left=left, unitriangular=unitriangular
    ).numpy()
    triangle = np.triu(a) if upper else np.tril(a)
    if unitriangular:
        triangle = triangle * (1 - np.eye(size)) + np.eye(size)
    product = triangle @ got if left else got @ triangle
    np.testing.assert_allclose(product, b, **tolerance(dtype))


def test_a_zero_on_the_diagonal_gives_infinities() -> None:
    got = linalg.solve_triangular(lc.zeros(1, 1), lc.ones(1, 1), upper=True)
    assert got.tolist() == [[float("inf")]]


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)])
@pytest.mark.parametrize("driver", [None, "gelsy", "gelsd", "gelss", "gels"])
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_lstsq(shape: tuple[int, int], driver: str | None, dtype: type) -> None:
    pytest.importorskip("scipy")
    a, b = numbers(dtype, 2, *shape), numbers(dtype, 2, shape[0], 2)
    got = linalg.lstsq(lc.from_numpy(a), lc.from_numpy(b), driver=driver)
    for i in range(2):
        expected, squares, _, values = np.linalg.lstsq(a[i], b[i])
        np.testing.assert_allclose(got.solution[i].numpy(), expected, rtol=1e-9, atol=1e-9)
        if driver in ("gelsd", "gelss", "gels") and shape == (5, 3):
            np.testing.assert_allclose(got.residuals[i].numpy(), squares, rtol=1e-9)
        if driver in ("gelsd", "gelss"):
            np.testing.assert_allclose(got.singular_values[i].numpy(), values, rtol=1e-9)
    assert got.rank.tolist() == ([] if driver == "gels" else [min(shape)] * 2)


def test_lstsq_of_a_lower_rank_is_the_smallest_solution() -> None:
    pytest.importorskip("scipy")
    a = np.outer([1.0, 2.0, 3.0], [1.0, 1.0])
    b = np.array([1.0, 0.0, 2.0])
    got = linalg.lstsq(lc.from_numpy(a), lc.from_numpy(b))
    np.testing.assert_allclose(got.solution.numpy(), np.linalg.pinv(a) @ b)
    assert got.rank.item() == 1


def test_tensor_systems() -> None:
    a = numbers(np.float64, 2, 3, 6)
    b = numbers(np.float64, 2, 3)
    x = linalg.tensorsolve(lc.from_numpy(a), lc.from_numpy(b)).numpy()
    np.testing.assert_allclose(np.tensordot(a, x, 1), b)
    inverse = linalg.tensorinv(lc.from_numpy(a), ind=2).numpy()
    np.testing.assert_allclose(inverse, np.linalg.tensorinv(a, 2), rtol=1e-9)


@pytest.mark.parametrize(
    "call",
    [
        lambda: linalg.inv(lc.ones(2, 3)),
        lambda: linalg.inv(lc.ones(2)),
        lambda: linalg.inv(lc.ones(2, 2, dtype=lc.int64)),
        lambda: linalg.inv(lc.ones(2, 2, dtype=lc.float16)),
        lambda: linalg.solve(lc.eye(2), lc.ones(3, 1)),
        lambda: linalg.solve(lc.eye(2), lc.ones(2, dtype=lc.float64)),
        lambda: linalg.solve(lc.eye(2), lc.ones(2), left=False),
        lambda: linalg.solve_triangular(lc.eye(2), lc.ones(3, 1), upper=True),
        lambda: linalg.lstsq(lc.eye(2), lc.ones(2, 1), driver="best"),
        lambda: linalg.tensorinv(lc.ones(2, 3), ind=1),
    ],
)
def test_wrong_operands(call: object) -> None:
    with pytest.raises(RuntimeError):
        call()


def test_lstsq_names_the_rank() -> None:
    pytest.importorskip("scipy")
    with pytest.raises(linalg.LinAlgError, match="full rank"):
        linalg.lstsq(lc.tensor([[0.0, 1.0], [0.0, 0.0]]), lc.ones(2, 1), driver="gels")
