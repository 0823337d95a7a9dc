"""Attention on CUDA against its formula; skipped where there is no GPU."""

from typing import Any

import numpy as np
import pytest

import lamella_core as lc

cupy = pytest.importorskip("cupy", reason="CuPy is not installed (extras cuda12, cuda13)")

lc.load_backends()
if "cuda" not in lc.backends:
    pytest.skip("CuPy sees no CUDA device", allow_module_level=True)

attention = pytest.importorskip("lamella_cuda_kernels.attention")
DTYPES = {"f4": lc.float32, "f8": lc.float64, "f2": lc.float16, "bfloat16": lc.bfloat16}
CLOSE = {"f4": 1e-5, "f8": 1e-12, "f2": 2e-3, "bfloat16": 2e-2}


def _expected(
    q: Any, k: Any, v: Any, mask: Any, causal: bool, scale: float, grad: Any
) -> tuple[Any, ...]:
    """The result, and the gradients to query, key, value and mask, in the broadcast shape."""
    scores = q @ k.swapaxes(-1, -2) * scale
    if causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    top = scores.max(-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isinf(top), 0, top))
    total = weights.sum(-1, keepdims=True)
    weights = weights / np.where(total == 0, 1, total)
    through = grad @ v.swapaxes(-1, -2)
    slope = weights * (through - (weights * through).sum(-1, keepdims=True))
    return (
        weights @ v,
        slope @ k * scale,
        slope.swapaxes(-1, -2) @ q * scale,
        weights.swapaxes(-1, -2) @ grad,
        slope,
    )


def _summed(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    array = array.sum(tuple(range(array.ndim - len(shape))))
    return array.sum(tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True)


MASKS = [None, (7, 9), (1, 9), (7, 1), (2, 1, 7, 9), (3, 7, 9), (2, 1, 1, 9), (2, 3, 7, 9)]


@pytest.mark.parametrize("blocks", ["one", "many"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", ["bool", "numbers"])
@pytest.mark.parametrize("mask_shape", MASKS)
@pytest.mark.parametrize("dtype", CLOSE)
def test_result_and_gradients(
    mask_shape: Any, kind: str, causal: bool, blocks: str, dtype: str, monkeypatch: Any
) -> None:
    if mask_shape is None and kind == "bool":
        pytest.skip("no mask has no kind")
    if blocks == "many":
        monkeypatch.setattr(attention, "_MOST_SCRATCH", 500)
        monkeypatch.setattr(attention, "_MANY_SCORES", 10)
    random = np.random.default_rng(0)
    shapes = [(2, 3, 7, 4), (2, 1, 9, 4), (3, 9, 5)]
    q, k, v, grad = (
        lc.from_numpy(random.normal(size=shape)).to(DTYPES[dtype])
        for shape in (*shapes, (2, 3, 7, 5))
    )
    mask = None
    if mask_shape is not None:
        numbers = random.normal(size=mask_shape).astype("f8" if dtype == "f8" else "f4")
        mask = cupy.asarray(numbers > 0 if kind == "bool" else numbers)
    plain = [x.double().numpy() for x in (q, k, v)]
    given = None if mask is None else cupy.asnumpy(mask)
    expected = _expected(*plain, given, causal, 0.6, grad.double().numpy())
    on_device = [x.cuda()._array for x in (q, k, v)]
    output, highest, total = attention.attention(None)(*on_device, mask, causal, 0.6)
    close = 4 * CLOSE[dtype]
    _hold(output, expected[0], close, q.dtype)
    wanted = mask is not None and kind == "numbers"
    slopes = attention.attention_backward(None)(
        grad.cuda()._array, *on_device, mask, output, highest, total, causal, 0.6, wanted
    )
    shapes.append(mask_shape if wanted else None)
    for found, one, shape in zip(slopes, expected[1:], shapes, strict=True):
        if shape is not None:
            _hold(found, _summed(one, shape), 4 * close)


def _hold(found: Any, expected: np.ndarray, close: float, dtype: Any = None) -> None:
    assert dtype is None or found.dtype == dtype.numpy
    size = max(1.0, float(abs(expected).max()))
    np.testing.assert_allclose(cupy.asnumpy(found).astype(float), expected, close, close * size)


def test_a_row_without_a_key_gives_zeros() -> None:
    q = cupy.ones((2, 3, 4), "f4")
    mask = cupy.asarray(np.array([[True] * 3, [False] * 3, [True, False, False]]))
    output, highest, total = attention.attention(None)(q, q, q, mask, False, 1.0)
    np.testing.assert_array_equal(cupy.asnumpy(output)[:, :, 0], [[1, 0, 1]] * 2)
    slopes = attention.attention_backward(None)(
        q, q, q, q, mask, output, highest, total, False, 1.0, False
    )
    assert not np.isnan(cupy.asnumpy(slopes[0])).any()
