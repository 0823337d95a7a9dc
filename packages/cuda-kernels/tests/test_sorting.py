"""The largest and smallest of rows on CUDA against NumPy's order; skipped where there is no GPU."""

import numpy as np
import pytest

import lamella_core as lc

cupy = pytest.importorskip("cupy", reason="CuPy is not installed (extras cuda12, cuda13)")

lc.load_backends()
if "cuda" not in lc.backends:
    pytest.skip("CuPy sees no CUDA device", allow_module_level=True)

DTYPES = {"f4": lc.float32, "f8": lc.float64, "f2": lc.float16, "bfloat16": lc.bfloat16}
# Shorter than what is held in registers, of one and of several elements to a thread.
SHAPES = [
    ((3, 20), 1),
    ((2, 100), 1),
    ((3, 1500), 1),
    ((2, 5000), 1),
    ((70, 4), 0),
    ((2, 40, 3), 1),
]


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("k", [1, 5, 16, 18])
@pytest.mark.parametrize(("shape", "dim"), SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_topk(dtype: str, shape: tuple[int, ...], dim: int, k: int, largest: bool) -> None:
    # Few different numbers, so that many are equal; NaN is above all.
    numbers = np.random.default_rng(0).integers(0, 30, shape).astype(float)
    numbers.reshape(-1)[::37] = np.nan
    x = lc.from_numpy(numbers).to(DTYPES[dtype])
    values, places = lc.topk(x.cuda(), k, dim, largest)
    keys = np.where(np.isnan(numbers), np.inf, numbers)
    order = np.argsort(-keys if largest else keys, axis=dim, kind="stable").take(range(k), dim)
    assert values.dtype is DTYPES[dtype]
    np.testing.assert_array_equal(places.cpu().numpy(), order)
    expected = np.take_along_axis(numbers, order, dim)
    np.testing.assert_array_equal(values.cpu().double().numpy(), expected)
