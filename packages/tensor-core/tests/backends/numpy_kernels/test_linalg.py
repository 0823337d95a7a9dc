"""Large matrix products in parts, against NumPy's products of the whole in float64."""

from typing import Any

import numpy as np
import pytest

from lamella_core import parallel
from lamella_core.backends.numpy_kernels import linalg as kernels


@pytest.fixture(params=[1, 2, 5])
def threads(request: Any, monkeypatch: Any) -> int:
    monkeypatch.setattr(parallel.state, "count", request.param)
    monkeypatch.setattr(parallel.state, "pool", None)
    return request.param


def draw(seed: int, *shape: int) -> Any:
    return np.random.default_rng(seed).standard_normal(shape)


def assert_product(found: Any, left: Any, right: Any, added: Any = 0) -> None:
    expected = np.matmul(left.astype("f8"), right.astype("f8")) + added
    assert found.dtype == left.dtype
    assert found.shape == expected.shape
    assert found.flags.c_contiguous
    tolerance = 1e-5 if left.dtype == np.float32 else 1e-13
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * left.shape[-1])


def gapped(matrix: Any) -> Any:
    """The same numbers in memory that BLAS does not take."""
    *lead, rows, columns = matrix.shape
    room = np.zeros((*lead, 2 * rows, 2 * columns), matrix.dtype)
    room[..., ::2, ::2] = matrix
    return room[..., ::2, ::2]


# The last is too small to be cut; a row and a column are cut along one side alone.
SHAPES = [(1024, 384, 65), (65, 384, 1024), (300, 301, 299), (1, 3000, 6000), (6000, 3000, 1),
          (20, 30, 40)]  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("rows", "inner", "columns"), SHAPES)
def test_products_of_matrices(
    rows: int, inner: int, columns: int, dtype: Any, threads: int
) -> None:
    left, right = draw(0, rows, inner).astype(dtype), draw(1, inner, columns).astype(dtype)
    bias = draw(2, columns).astype(dtype)
    weight = np.ascontiguousarray(right.T)
    assert_product(kernels.matmul(left, right), left, right)
    assert_product(kernels.matmul(left, weight.T), left, right)
    assert_product(kernels.linear(left, weight, None), left, right)
    assert_product(kernels.linear(left, weight, bias), left, right, bias)
    assert_product(kernels.rows_product(np.ascontiguousarray(left.T), right), left, right)


def test_further_dimensions_of_the_input(threads: int) -> None:
    input, weight, bias = draw(0, 4, 128, 256), draw(1, 200, 256), draw(2, 200)
    assert_product(kernels.matmul(input, weight.T), input, weight.T)
    assert_product(kernels.linear(input, weight, bias), input, weight.T, bias)
    swapped = draw(3, 128, 4, 256).swapaxes(0, 1)
    assert_product(kernels.linear(swapped, weight, bias), swapped, weight.T, bias)
    found = kernels.rows_product(input, draw(4, 4, 128, 300))
    assert_product(found, input.reshape(512, 256).T, draw(4, 4, 128, 300).reshape(512, 300))


def test_memory_that_is_no_plain_matrix(threads: int) -> None:
    left, right = draw(0, 400, 300), draw(1, 300, 500)
    for a in (left, gapped(left), left[::-1, ::-1], np.broadcast_to(left[:1], left.shape)):
        for b in (right, gapped(right), np.broadcast_to(right[:, :1], right.shape)):
            assert_product(kernels.matmul(a, b), a, b)
            assert_product(kernels.linear(a, b.T, None), a, b)


@pytest.mark.parametrize("lead", [(24,), (4, 6), (1, 12), (3, 1, 2), (1,)])
def test_products_of_many_matrices(lead: tuple[int, ...], threads: int) -> None:
    left, right = draw(0, *lead, 256, 64), draw(1, *lead, 64, 256)
    if lead == (1,):
        left, right = draw(0, 1, 512, 200), draw(1, 1, 200, 300)
    assert_product(kernels.matmul(left, right), left, right)
    assert_product(kernels.matmul(gapped(left), right), left, right)
    turned = np.ascontiguousarray(right.swapaxes(-1, -2)).swapaxes(-1, -2)
    assert_product(kernels.matmul(left, turned), left, right)


def test_a_batch_that_is_broadcast(threads: int) -> None:
    left, right = draw(0, 8, 1, 128, 128), draw(1, 6, 128, 128)
    assert_product(kernels.matmul(left, right), left, right)


def test_integers(threads: int) -> None:
    left, right = np.arange(60_000).reshape(300, 200), np.arange(80_000).reshape(200, 400)
    np.testing.assert_array_equal(kernels.matmul(left, right), left @ right)


def test_matrices_that_do_not_fit(threads: int) -> None:
    left, right = draw(0, 1000, 200), draw(1, 300, 1000)
    with pytest.raises(RuntimeError, match="1000x200 and 300x1000"):
        kernels.matmul(left, right)
    with pytest.raises(RuntimeError, match="1000x200 and 1000x300"):
        kernels.linear(left, right, None)
    with pytest.raises(RuntimeError, match=r"bias of shape \[3\]"):
        kernels.linear(left, draw(1, 1000, 200), draw(2, 3))


def test_products_are_added_with_blas_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    place = np.ones((300, 500), np.float32)
    left, right = np.ones((300, 20), np.float32), np.ones((20, 500), np.float32)
    known = kernels._gemm
    for kind in ("f", "no type of it"):
        monkeypatch.setattr(kernels, "_gemm", lambda _, kind=kind: known(kind))
        place[...] = 1
        kernels.add_product(place, left, right, 2, 3)
        assert (place == 62).all()
        kernels.add_product(place.T, right.T, left.T, 0, 1)
        assert (place == 20).all()
