"""Products of vectors and matrices against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as lc
from lamella_core import linalg
from lamella_core.ops.linalg import linear, rows_product

RNG = np.random.default_rng(0)


def floats(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 4)),
        ((2, 3), (3, 4)),
        ((5, 2, 3), (3, 4)),
        ((5, 2, 3), (3,)),
        ((3,), (5, 3, 4)),
        ((5, 2, 3), (5, 3, 4)),
        ((6, 1, 2, 3), (5, 3, 4)),
        ((2, 0), (0, 3)),
        ((0, 2, 3), (3, 4)),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.complex64])
def test_matmul(left: tuple[int, ...], right: tuple[int, ...], dtype: type) -> None:
    a, b = (10 * floats(*left)).astype(dtype), (10 * floats(*right)).astype(dtype)
    got = lc.from_numpy(a) @ lc.from_numpy(b)
    np.testing.assert_allclose(got.numpy(), a @ b, rtol=1e-4, atol=1e-3)
    assert got.numpy().dtype == dtype


def test_operands_with_odd_strides() -> None:
    a, b = floats(4, 2, 6, 5)[:, 0], floats(5, 7, 4).transpose(2, 0, 1)
    got = lc.matmul(lc.from_numpy(a), lc.from_numpy(b))
    np.testing.assert_allclose(got.numpy(), np.einsum("bij,bjk->bik", a, b))
    c = floats(6, 8)[:, ::2]
    np.testing.assert_allclose(
        lc.mm(lc.from_numpy(c).transpose(0, 1), lc.from_numpy(c)).numpy(), c.T @ c
    )


@pytest.mark.parametrize("dtype", [lc.float16, lc.bfloat16])
def test_short_floats_are_summed_in_float32(dtype: object) -> None:
    # In float16 the sum of ones stops at 2048, in bfloat16 at 256.
    ones = lc.ones(1, 4096, dtype=dtype)
    product = ones @ ones.transpose(0, 1)
    assert product.item() == 4096.0
    assert product.dtype is dtype


@pytest.mark.parametrize(
    ("left", "right", "text"),
    [
        ((2, 3), (4, 5), r"mat1 and mat2 shapes cannot be multiplied \(2x3 and 4x5\)"),
        ((3,), (4, 5), r"cannot be multiplied \(1x3 and 4x5\)"),
        ((2, 3, 4), (5, 5), r"cannot be multiplied \(6x4 and 5x5\)"),
        ((3, 4), (5,), r"size mismatch, got input \(3\), mat \(3x4\), vec \(5\)"),
        ((3,), (4,), "same number of elements, but got 3 and 4"),
        ((2, 3, 4), (3, 4, 5), r"size of tensor a \(2\) must match the size of tensor b \(3\)"),
        ((), (2, 2), "at least 1D, but they are 0D and 2D"),
    ],
)
def test_shapes_that_do_not_fit(left: tuple[int, ...], right: tuple[int, ...], text: str) -> None:
    with pytest.raises(RuntimeError, match=text):
        lc.matmul(lc.ones(left), lc.ones(right))


def test_types_that_do_not_fit() -> None:
    with pytest.raises(RuntimeError, match="same dtype"):
        lc.ones(2, 2) @ lc.ones(2, 2, dtype=lc.float64)
    with pytest.raises(NotImplementedError, match="Bool"):
        lc.ones(2, 2, dtype=lc.bool) @ lc.ones(2, 2, dtype=lc.bool)
    with pytest.raises(TypeError):
        lc.ones(2, 2) @ 2


def test_particular_products() -> None:
    a, b, v, w = floats(2, 3), floats(3, 4), floats(3), floats(3)
    ta, tb, tv, tw = map(lc.from_numpy, (a, b, v, w))
    np.testing.assert_allclose(lc.mm(ta, tb).numpy(), a @ b)
    np.testing.assert_allclose(lc.mv(ta, tv).numpy(), a @ v)
    assert lc.dot(tv, tw).item() == pytest.approx(v @ w)
    assert lc.vdot(lc.tensor([1j]), lc.tensor([1j])).item() == 1
    np.testing.assert_allclose(lc.outer(tv, tw).numpy(), np.outer(v, w))
    np.testing.assert_allclose(lc.inner(ta, tv).numpy(), np.inner(a, v))
    batch = floats(5, 2, 3), floats(5, 3, 4)
    np.testing.assert_allclose(lc.bmm(*map(lc.from_numpy, batch)).numpy(), batch[0] @ batch[1])
    assert lc.trace(lc.tensor([[1, 2], [3, 4]])).item() == 5
    with pytest.raises(RuntimeError, match="must be a matrix"):
        lc.mm(tv, tb)
    with pytest.raises(RuntimeError, match="first two dimensions of batch2"):
        lc.bmm(lc.ones(2, 3, 4), lc.ones(2, 5, 6))


@pytest.mark.parametrize("shape", [(6,), (7, 6), (32, 200), (2, 3, 6), (2, 0, 6)])
@pytest.mark.parametrize("with_bias", [True, False])
def test_linear(shape: tuple[int, ...], with_bias: bool) -> None:
    x, weight, bias = floats(*shape), floats(100, shape[-1]), floats(100)
    tensors = [lc.from_numpy(each) for each in (x, weight, bias)[: 3 if with_bias else 2]]
    got = linear(*tensors)
    np.testing.assert_allclose(got.numpy(), x @ weight.T + (bias if with_bias else 0))
    assert got.is_contiguous()


def test_linear_errors() -> None:
    with pytest.raises(RuntimeError, match=r"cannot be multiplied \(2x3 and 5x4\)"):
        linear(lc.ones(2, 3), lc.ones(4, 5))
    with pytest.raises(RuntimeError, match=r"bias of shape \[5\]"):
        linear(lc.ones(2, 3), lc.ones(4, 3), lc.ones(5))


def test_rows_product() -> None:
    a, b = floats(2, 5, 3), floats(2, 5, 4)
    got = rows_product(lc.from_numpy(a), lc.from_numpy(b))
    np.testing.assert_allclose(got.numpy(), np.einsum("abi,abj->ij", a, b))


def test_tensordot_and_kron() -> None:
    a, b = floats(2, 3, 4), floats(4, 3, 5)
    ta, tb = lc.from_numpy(a), lc.from_numpy(b)
    got = lc.tensordot(ta, tb, ([1, 2], [1, 0]))
    np.testing.assert_allclose(got.numpy(), np.tensordot(a, b, ([1, 2], [1, 0])))
    np.testing.assert_allclose(lc.tensordot(ta, tb, 1).numpy(), np.tensordot(a, b, 1))
    c, d = floats(2, 3), floats(4)
    got = lc.kron(lc.from_numpy(c), lc.from_numpy(d))
    np.testing.assert_allclose(got.numpy(), np.kron(c, d))
    with pytest.raises(RuntimeError, match="contracted dimensions need to match"):
        lc.tensordot(lc.ones(2, 3), lc.ones(2, 3), 1)


def test_cross_and_vander() -> None:
    a, b = floats(4, 3), floats(1, 3)
    got = lc.cross(lc.from_numpy(a), lc.from_numpy(b), 1)
    np.testing.assert_allclose(got.numpy(), np.cross(a, b))
    got = lc.cross(lc.from_numpy(a[0]), lc.from_numpy(b[0]), 0)
    np.testing.assert_allclose(got.numpy(), np.cross(a[0], b[0]))
    x = np.array([1.0, 2.0, 5.0])
    for n, increasing in ((None, False), (5, True), (0, False)):
        got = lc.vander(lc.from_numpy(x), n, increasing)
        np.testing.assert_allclose(got.numpy(), np.vander(x, n, increasing))
    with pytest.raises(RuntimeError, match="dimension of size 3"):
        lc.cross(lc.ones(2, 2), lc.ones(2, 2))


def test_linear_takes_a_matrix_and_no_more():
    with pytest.raises(RuntimeError, match="at least 1D, but they are 0D and 2D"):
        linear(lc.tensor(1.0), lc.ones(2, 1))
    with pytest.raises(RuntimeError, match="<= 2 dimensions, but it is 3D"):
        linear(lc.ones(3, 2), lc.ones(5, 2, 4))


# ------------ large operands, which are computed in parts


def _half(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float16)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((300, 700), (700, 500)),
        ((3000, 40), (40, 50)),
        ((3, 150_000), (150_000, 2)),
        ((300_000,), (300_000,)),
        ((500, 1000), (1000,)),
        ((500,), (500, 1000)),
        ((50, 20, 200), (50, 200, 30)),
        ((3, 300, 600), (3, 600, 400)),
        ((5, 1, 200, 300), (7, 300, 40)),
        ((5, 200, 1000), (1000, 40)),
        ((1000,), (5, 1000, 400)),
    ],
)
def test_large_products_of_float16_are_summed_in_float32(
    left: tuple[int, ...], right: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(0)
    a, b = _half(rng, *left), _half(rng, *right)
    result = (lc.tensor(a) @ lc.tensor(b)).numpy()
    exact = a.astype(np.float64) @ b.astype(np.float64)
    assert result.dtype == np.float16
    assert result.shape == exact.shape
    # Half a unit in the last place of the largest, and what float32 loses.
    assert np.abs(result - exact).max() <= np.abs(exact).max() * 2**-11 * 1.01


def test_large_linear_of_float16_rounds_once() -> None:
    rng = np.random.default_rng(1)
    x, w, b = _half(rng, 10, 50, 300), _half(rng, 400, 300), _half(rng, 400)
    found = linear(*map(lc.tensor, (x, w, b))).numpy()
    exact = x.astype(np.float64) @ w.T.astype(np.float64) + b
    np.testing.assert_allclose(found, exact, rtol=2**-11 * 1.1, atol=1e-4)
    other = _half(rng, 10, 50, 400)
    rows = rows_product(lc.tensor(x), lc.tensor(other)).numpy()
    exact = np.einsum("abi,abj->ij", x.astype(np.float64), other.astype(np.float64))
    np.testing.assert_allclose(rows, exact, rtol=2**-11 * 1.1, atol=1e-3)


def test_large_vander_and_cross() -> None:
    x = np.linspace(-1, 1, 3000)
    for increasing in (False, True):
        found = lc.vander(lc.tensor(x), 50, increasing).numpy()
        np.testing.assert_allclose(found, np.vander(x, 50, increasing), rtol=1e-13)
    for kind in (np.float64, np.int64, np.uint8):
        a, b = RNG.integers(0, 9, (2, 30_000, 3)).astype(kind)
        exact = np.cross(a.astype(np.int64), b.astype(np.int64)).astype(kind)
        np.testing.assert_array_equal(lc.cross(lc.tensor(a), lc.tensor(b), 1).numpy(), exact)
        np.testing.assert_array_equal(linalg.cross(lc.tensor(a), lc.tensor(b)).numpy(), exact)


@pytest.mark.parametrize("kind", [np.float32, np.int64])
def test_products_of_matrices_with_gaps(kind: type) -> None:
    rng = np.random.default_rng(5)
    base = rng.integers(-9, 9, (500, 900)).astype(kind)
    whole = lc.from_numpy(base)
    pairs = [(whole[10:310, 20:620], base[10:310, 20:620]), (whole[::2, ::3], base[::2, ::3])]
    pairs.append((whole[3].expand(300, 900), np.broadcast_to(base[3], (300, 900))))
    for view, array in pairs:
        for other in (view.t(), view.t().contiguous(), view[0], view.t()[:, :40]):
            found = view @ other
            assert found.is_contiguous()
            np.testing.assert_array_equal(found.numpy(), array @ other.numpy())
        np.testing.assert_array_equal((view[:, 1] @ view).numpy(), array[:, 1] @ array)
        np.testing.assert_array_equal(linear(view, view, None).numpy(), array @ array.T)
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        whole[:400, :600] @ whole[:400, :600]


def test_large_products_in_parts() -> None:
    a, b = (floats(300_000) + 1j * floats(300_000) for _ in range(2))
    got = lc.vdot(lc.from_numpy(a), lc.from_numpy(b)).item()
    np.testing.assert_allclose(got, np.vdot(a, b), rtol=1e-8)
    x, weight, bias = floats(20, 50, 300).transpose(2, 0, 1), floats(30, 50), floats(30)
    result = linear(*map(lc.from_numpy, (x, weight, bias)))
    np.testing.assert_allclose(result.numpy(), x @ weight.T + bias, rtol=1e-10, atol=1e-10)
    # Small whole numbers: exact in half precision.
    own, left, right = (RNG.integers(0, 9, n).astype(np.float16) for n in ((600, 700), 600, 700))
    result = lc.addr(*map(lc.from_numpy, (own, left, right)), beta=2, alpha=3)
    np.testing.assert_array_equal(result.numpy(), 2 * own + 3 * np.outer(left, right))
    own, left, right = floats(700, 800), floats(5, 700, 30), floats(5, 30, 800)
    result = lc.addbmm(*map(lc.from_numpy, (own, left, right)))
    np.testing.assert_allclose(result.numpy(), own + (left @ right).sum(0), rtol=1e-8, atol=1e-8)
