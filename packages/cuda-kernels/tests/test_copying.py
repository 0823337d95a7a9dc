"""Copies on CUDA against NumPy; skipped where there is no GPU."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as lc

cupy = pytest.importorskip("cupy", reason="CuPy is not installed (extras cuda12, cuda13)")

lc.load_backends()
if "cuda" not in lc.backends:
    pytest.skip("CuPy sees no CUDA device", allow_module_level=True)

FLOATS = [lc.float16, lc.bfloat16, lc.float32, lc.float64]


@pytest.mark.parametrize("dtype", [lc.bool, lc.uint8, lc.int64, lc.complex64, *FLOATS])
def test_a_clone_has_its_own_memory(dtype: lc.dtype) -> None:
    x = lc.arange(24).reshape(4, 6).to(dtype).cuda()
    for given in (x, x[1:], x.t(), x[:, ::2], x[:0], x[1, 1]):
        made = given.clone()
        assert made.tolist() == given.tolist() and made.dtype is dtype
        assert not made.numel() or made.data_ptr() != given.data_ptr()
    assert x.t().clone().stride() == (1, 6)


@pytest.mark.parametrize("size", [0, 1, 3, 64, 1001])
@pytest.mark.parametrize("wanted", FLOATS)
@pytest.mark.parametrize("given", FLOATS)
def test_another_type(given: lc.dtype, wanted: lc.dtype, size: int) -> None:
    values = np.random.default_rng(0).normal(size=size)
    values[:2] = [np.inf, np.nan][:size]
    x = lc.from_numpy(values).to(given)
    expected = x.to(wanted).double().numpy()
    np.testing.assert_array_equal(x.cuda().to(wanted).cpu().double().numpy(), expected)
    if size > 3:
        found = x.cuda()[1:].to(wanted).cpu().double().numpy()
        np.testing.assert_array_equal(found, expected[1:])
