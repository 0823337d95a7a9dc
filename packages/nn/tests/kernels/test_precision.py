"""The types in which kernels compute."""

import ml_dtypes
import numpy as np
import pytest

from lamella_core.backends.numpy_blocks import casts
from lamella_nn.kernels.precision import compute_type, put, single


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_half_precision_is_computed_in_float32(dtype):
    given = np.array([0.1, 65504], dtype)
    assert compute_type(given.dtype) == np.float32
    wide = single(given)
    assert wide.dtype == np.float32
    np.testing.assert_array_equal(wide, given.astype(np.float32))


def test_other_types_stay():
    for dtype in (np.float32, np.float64, np.complex64):
        given = np.ones(2, dtype)
        assert compute_type(given.dtype) == dtype
        assert single(given) is given
    assert single(None) is None


def test_conversions_are_a_plugins_where_it_has_them(monkeypatch) -> None:
    seen = []

    def widen(array, out=None):
        seen.append(array.shape)
        result = array.astype(np.float32)
        if out is None:
            return result
        out[...] = result
        return out

    half = np.dtype(np.float16)
    monkeypatch.setitem(casts, (half, np.dtype(np.float32)), widen)
    given = np.array([[1.5, -2.0], [0.25, 65504.0]], half)
    np.testing.assert_array_equal(single(given), [[1.5, -2.0], [0.25, 65504.0]])
    target = np.zeros((2, 4), np.float32)
    put(target[:, ::2], given)
    np.testing.assert_array_equal(target, [[1.5, 0, -2, 0], [0.25, 0, 65504, 0]])
    assert seen == [(2, 2), (2, 2)]
    # What a plugin makes of an array without dimensions may be none.
    assert single(np.array(1.5, half)).__class__ is np.ndarray
    assert len(seen) == 2


@pytest.mark.parametrize("rows", [2, 400])
def test_put_converts_without_a_plugin(rows):
    given = np.arange(rows * 500).reshape(rows, 500).astype(np.float16)
    target = np.zeros((rows, 501), np.float32)
    put(target[:, :500], given)
    np.testing.assert_array_equal(target[:, :500], given.astype(np.float32))
    assert not target[:, 500].any()
