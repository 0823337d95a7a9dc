"""Softmax on CUDA against NumPy; skipped where there is no GPU."""

import numpy as np
import pytest

import lamella_core as lc

cupy = pytest.importorskip("cupy", reason="CuPy is not installed (extras cuda12, cuda13)")

lc.load_backends()
if "cuda" not in lc.backends:
    pytest.skip("CuPy sees no CUDA device", allow_module_level=True)

compiling = pytest.importorskip("lamella_cuda_kernels.compiling")
DTYPES = {"f4": lc.float32, "f8": lc.float64, "f2": lc.float16, "bfloat16": lc.bfloat16}
CLOSE = {"f4": 1e-5, "f8": 1e-12, "f2": 2e-3, "bfloat16": 2e-2}


def _softmax(x: np.ndarray, dim: int) -> np.ndarray:
    shifted = np.exp(x - x.max(dim, keepdims=True))
    return shifted / shifted.sum(dim, keepdims=True)


# A block that holds its row, one that cannot, a thread for a row; rows whose elements stand apart.
SHAPES = [
    ((5, 3000), 1),
    ((3, 9001), 1),
    ((2, 16 * 1024 + 1), 1),
    ((3, compiling._SHORT - 1), 1),
    ((2, 70, 3), 1),
    ((2, 40, compiling._MANY_ROWS), 1),
    ((33,), 0),
    ((4, 5, 6), 0),
]


@pytest.mark.parametrize(("shape", "dim"), SHAPES)
@pytest.mark.parametrize("dtype", CLOSE)
def test_both_forms_and_their_gradients(shape: tuple[int, ...], dim: int, dtype: str) -> None:
    random = np.random.default_rng(0)
    x, grad = (lc.from_numpy(random.normal(size=shape)).to(DTYPES[dtype]) for _ in range(2))
    given, above = x.double().numpy(), grad.double().numpy()
    close = CLOSE[dtype]
    share = _softmax(given, dim)
    found = lc.softmax(x.cuda(), dim)
    assert found.dtype is x.dtype
    np.testing.assert_allclose(found.cpu().double().numpy(), share, close, close)
    logarithm = lc.log_softmax(x.cuda(), dim)
    np.testing.assert_allclose(logarithm.cpu().double().numpy(), np.log(share), close, 4 * close)
    slope = lc.dispatch.ops["softmax_backward"].function(grad.cuda(), found, dim)
    expected = share * (above - (share * above).sum(dim, keepdims=True))
    np.testing.assert_allclose(slope.cpu().double().numpy(), expected, 4 * close, 4 * close)
    slope = lc.dispatch.ops["log_softmax_backward"].function(grad.cuda(), logarithm, dim)
    expected = above - share * above.sum(dim, keepdims=True)
    size = max(1.0, float(abs(expected).max()))
    np.testing.assert_allclose(slope.cpu().double().numpy(), expected, 4 * close, 8 * close * size)


def test_infinite_numbers_and_transposed_memory() -> None:
    x = lc.tensor([[0.0, -np.inf], [-np.inf, -np.inf], [np.inf, 0.0]]).cuda()
    np.testing.assert_array_equal(
        lc.softmax(x, 1).cpu().numpy(), [[1, 0], [np.nan, np.nan], [np.nan, np.nan]]
    )
    y = np.random.default_rng(1).normal(size=(40, 50))
    found = lc.softmax(lc.from_numpy(y).cuda().t(), 1)
    np.testing.assert_allclose(found.cpu().numpy(), _softmax(y.T, 1), rtol=1e-12)
