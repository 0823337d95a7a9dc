"""The types in which kernels compute."""

import ml_dtypes
import numpy as np
import pytest

from lamella_nn.kernels.precision import compute_type, single


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
