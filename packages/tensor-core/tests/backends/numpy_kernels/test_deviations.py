"""Reductions part by part, against NumPy's in double precision."""

import numpy as np
import pytest

import lamella_core as core

ARRAY = np.random.default_rng(0).normal(3, 2, size=(90, 61, 83)).astype(np.float32)


@pytest.mark.parametrize("dim", [None, 0, 1, 2, (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("correction", [0, 1])
def test_variance(dim, keepdim, correction):
    result = core.var(core.from_numpy(ARRAY), dim, correction=correction, keepdim=keepdim)
    expected = ARRAY.astype(np.float64).var(dim, ddof=correction, keepdims=keepdim)
    assert result.shape == expected.shape
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-5)


def test_standard_deviation_of_complex_numbers_and_of_a_transpose():
    array = (ARRAY + 1j * ARRAY[::-1]).transpose(2, 0, 1)
    result = core.std(core.from_numpy(array))
    np.testing.assert_allclose(result.numpy(), array.astype(np.complex128).std(ddof=1), rtol=1e-5)


@pytest.mark.parametrize("dim", [0, 1, (1, 2)])
def test_logsumexp(dim):
    result = core.logsumexp(core.from_numpy(ARRAY), dim)
    expected = np.log(np.exp(ARRAY.astype(np.float64)).sum(dim))
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-6)
