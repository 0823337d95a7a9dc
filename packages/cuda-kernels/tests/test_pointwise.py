"""Functions element by element on CUDA against NumPy; skipped where there is no GPU."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as lc

cupy = pytest.importorskip("cupy", reason="CuPy is not installed (extras cuda12, cuda13)")

lc.load_backends()
if "cuda" not in lc.backends:
    pytest.skip("CuPy sees no CUDA device", allow_module_level=True)

DTYPES = {"f4": lc.float32, "f8": lc.float64, "f2": lc.float16, "bfloat16": lc.bfloat16}
CLOSE = {"f4": 1e-6, "f8": 1e-14, "f2": 1e-3, "bfloat16": 1e-2}
UNARY = {
    "neg": np.negative, "abs": np.abs, "exp": np.exp, "log": np.log, "sqrt": np.sqrt,
    "sin": np.sin, "cos": np.cos, "tanh": np.tanh,
}  # fmt: skip
BINARY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.true_divide,
    "maximum": np.maximum, "minimum": np.minimum,
}  # fmt: skip
# Less than a vector, a whole number of them, and a rest.
SIZES = [1, 3, 64, 1001]


def _given(size: int, dtype: str, seed: int) -> lc.Tensor:
    values = np.random.default_rng(seed).normal(size=size)
    return lc.from_numpy(values).to(DTYPES[dtype])


def _same(found: lc.Tensor, expected: np.ndarray, dtype: str) -> None:
    close = 4 * CLOSE[dtype]
    assert found.dtype is DTYPES[dtype]
    np.testing.assert_allclose(found.cpu().double().numpy(), expected, close, close)


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UNARY)
def test_of_one(name: str, dtype: str, size: int) -> None:
    x = _given(size, dtype, 0)
    expected = UNARY[name](x.double().numpy())
    on = x.cuda()
    _same(getattr(lc, name)(on), expected, dtype)
    getattr(on, name + "_")()
    _same(on, expected, dtype)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BINARY)
def test_of_two(name: str, dtype: str, size: int) -> None:
    x, y = _given(size, dtype, 0), _given(size, dtype, 1)
    expected = BINARY[name](x.double().numpy(), y.double().numpy())
    on = x.cuda()
    _same(getattr(lc, name)(on, y.cuda()), expected, dtype)
    if name not in ("maximum", "minimum"):
        getattr(on, name + "_")(y.cuda())
        _same(on, expected, dtype)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_added_products(dtype: str, size: int) -> None:
    x, y, z = (_given(size, dtype, seed) for seed in range(3))
    wide, other, third = (each.double().numpy() for each in (x, y, z))
    on = x.cuda()
    found = lc.addcmul(on, y.cuda(), z.cuda(), value=0.5)
    _same(found, wide + 0.5 * other * third, dtype)
    # By a tensor without dimensions.
    _same(lc.addcmul(on, y.cuda(), z.cuda()[0]), wide + other * third[0], dtype)
    on.add_(y.cuda(), alpha=0.5)
    _same(on, wide + 0.5 * other, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_with_a_number(dtype: str) -> None:
    x = _given(1001, dtype, 0)
    wide = x.double().numpy()
    on = x.cuda()
    _same(on * 2.5, wide * 2.5, dtype)
    _same(3 - on, 3 - wide, dtype)
    _same(1.5 / on, 1.5 / wide, dtype)
    on.mul_(0.25).add_(1)
    _same(on, wide * 0.25 + 1, dtype)


def test_places_that_begin_between_vectors_and_those_that_overlap() -> None:
    x = np.arange(40, dtype=np.float32)
    on = lc.from_numpy(x).cuda()
    np.testing.assert_array_equal((on[1:21] + on[3:23]).cpu().numpy(), x[1:21] + x[3:23])
    np.testing.assert_array_equal((on[::2] * on[1::2]).cpu().numpy(), x[::2] * x[1::2])
    np.testing.assert_array_equal((on.view(5, 8).t() - 1.0).cpu().numpy(), x.reshape(5, 8).T - 1)
    on[4:12] += on[:8].clone()
    assert on[4:12].tolist() == (x[4:12] + x[:8]).tolist()


def test_not_a_number_goes_through() -> None:
    nan, inf = float("nan"), float("inf")
    x = lc.tensor([nan, 1.0, nan, inf, -0.0], device="cuda")
    y = lc.tensor([2.0, nan, nan, -inf, 0.0], device="cuda")
    np.testing.assert_array_equal(lc.maximum(x, y).tolist(), [nan, nan, nan, inf, 0.0])
    np.testing.assert_array_equal(lc.minimum(x, y).tolist(), [nan, nan, nan, -inf, 0.0])
    np.testing.assert_array_equal(lc.relu(x).tolist(), [nan, 1.0, nan, inf, 0.0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5, 7, 8), (64, 33), (3,)])
def test_a_bias_is_added_to_every_row(shape: tuple[int, ...], dtype: str) -> None:
    random = np.random.default_rng(0)
    x, w, b = (
        lc.from_numpy(random.normal(size=s)).to(DTYPES[dtype])
        for s in (shape, (24, shape[-1]), (24,))
    )
    found = lc.dispatch.ops["linear"].function(x.cuda(), w.cuda(), b.cuda())
    expected = x.double().numpy() @ w.double().numpy().T + b.double().numpy()
    close = 20 * CLOSE[dtype]
    np.testing.assert_allclose(found.cpu().double().numpy(), expected, close, close)
