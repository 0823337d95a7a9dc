"""Normalizations on CUDA against their formulas; skipped where there is no GPU."""

import numpy as np
import pytest

import lamella_core as lc

cupy = pytest.importorskip("cupy", reason="CuPy is not installed (extras cuda12, cuda13)")

lc.load_backends()
if "cuda" not in lc.backends:
    pytest.skip("CuPy sees no CUDA device", allow_module_level=True)

normalization = pytest.importorskip("lamella_cuda_kernels.normalization")
DTYPES = {"f4": lc.float32, "f8": lc.float64, "f2": lc.float16, "bfloat16": lc.bfloat16}
CLOSE = {"f4": 1e-5, "f8": 1e-12, "f2": 2e-3, "bfloat16": 2e-2}


def _hold(found: object, expected: np.ndarray, close: float) -> None:
    size = max(1.0, float(abs(expected).max()))
    np.testing.assert_allclose(cupy.asnumpy(found).astype(float), expected, close, close * size)


def _normal(x: np.ndarray, dims: tuple[int, ...], eps: float) -> tuple[np.ndarray, ...]:
    mean = x.mean(dims, keepdims=True)
    variance = x.var(dims, keepdims=True)
    return (x - mean) / np.sqrt(variance + eps), mean, variance


def _slope(
    grad: np.ndarray, normal: np.ndarray, dims: tuple[int, ...], rstd: np.ndarray
) -> np.ndarray:
    inner = (grad * normal).mean(dims, keepdims=True)
    return rstd * (grad - grad.mean(dims, keepdims=True) - normal * inner)


SHAPES = [((6, 5, 40), 1), ((3, 7, 11), 2), ((2, 1500), 1), ((2, 9001), 1), ((2, 20_000), 1)]


@pytest.mark.parametrize("weights", ["none", "same", "float32"])
@pytest.mark.parametrize(("shape", "count"), SHAPES)
@pytest.mark.parametrize("dtype", CLOSE)
def test_layer_norm(shape: tuple[int, ...], count: int, weights: str, dtype: str) -> None:
    if weights == "float32" and dtype == "f8":
        pytest.skip("weights are of the input's type, or wider")
    random = np.random.default_rng(0)
    sizes, dims = shape[-count:], tuple(range(len(shape) - count, len(shape)))
    x, grad = (lc.from_numpy(random.normal(3, 2, shape)).to(DTYPES[dtype]) for _ in range(2))
    kept = lc.float32 if weights == "float32" else DTYPES[dtype]
    weight, bias = (lc.from_numpy(random.normal(size=sizes)).to(kept) for _ in range(2))
    scale = 1.0 if weights == "none" else weight.double().numpy()
    shift = 0.0 if weights == "none" else bias.double().numpy()
    given = (None, None) if weights == "none" else (weight.cuda()._array, bias.cuda()._array)
    normal, mean, variance = _normal(x.double().numpy(), dims, 1e-5)
    on_device = x.cuda()._array
    output, means, rstds = normalization.native_layer_norm(None)(on_device, sizes, *given, 1e-5)
    close = 4 * CLOSE[dtype]
    _hold(output, normal * scale + shift, close)
    _hold(means, mean, 1e-12 if dtype == "f8" else CLOSE["f4"])
    found = normalization.native_layer_norm_backward(None)(
        grad.cuda()._array, on_device, sizes, given[0], means, rstds
    )
    above = grad.double().numpy()
    outside = tuple(range(len(shape) - count))
    rstd = 1 / np.sqrt(variance + 1e-5)
    _hold(found[0], _slope(above * scale, normal, dims, rstd), 2 * close)
    _hold(found[1], (above * normal).sum(outside), 2 * close)
    _hold(found[2], above.sum(outside), 2 * close)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(40, 3), (4, 3, 50), (2, 5, 6, 7)])
@pytest.mark.parametrize("dtype", CLOSE)
def test_batch_norm(shape: tuple[int, ...], weighted: bool, dtype: str) -> None:
    random = np.random.default_rng(0)
    dims = (0, *range(2, len(shape)))
    x, grad = (lc.from_numpy(random.normal(3, 2, shape)).to(DTYPES[dtype]) for _ in range(2))
    weight, bias = (lc.from_numpy(random.normal(size=shape[1])).to(x.dtype) for _ in range(2))
    spread = (1, shape[1], *[1] * (len(shape) - 2))
    scale = weight.double().numpy().reshape(spread) if weighted else 1.0
    shift = bias.double().numpy().reshape(spread) if weighted else 0.0
    given = (weight.cuda()._array, bias.cuda()._array) if weighted else (None, None)
    normal, mean, variance = _normal(x.double().numpy(), dims, 1e-5)
    on_device = x.cuda()._array
    output, means, variances = normalization.native_batch_norm(None)(on_device, *given, 1e-5)
    close = 4 * CLOSE[dtype]
    _hold(output, normal * scale + shift, close)
    _hold(means, mean.reshape(-1), close)
    _hold(variances, variance.reshape(-1), close)
    found = normalization.native_batch_norm_backward(None)(
        grad.cuda()._array, on_device, given[0], means, variances, 1e-5
    )
    above = grad.double().numpy()
    rstd = 1 / np.sqrt(variance + 1e-5)
    _hold(found[0], _slope(above * scale, normal, dims, rstd), 2 * close)
    _hold(found[1], (above * normal).sum(dims), 2 * close)
    _hold(found[2], above.sum(dims), 2 * close)
