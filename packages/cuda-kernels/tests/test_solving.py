"""Least squares by QR, over NumPy, against NumPy's own."""

import numpy as np
import pytest

from lamella_cuda_kernels.solving import _full_rank


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)])
@pytest.mark.parametrize("dtype", ["f8", "c16"])
def test_full_rank(shape: tuple[int, int], dtype: str) -> None:
    random = np.random.default_rng(1)
    A = (random.normal(size=(2, *shape)) + 1j * random.normal(size=(2, *shape))).astype(dtype)
    B = random.normal(size=(2, shape[0], 2)).astype(dtype)
    found = _full_rank(np, A, B)
    for a, b, x in zip(A, B, found, strict=True):
        np.testing.assert_allclose(x, np.linalg.lstsq(a, b)[0], rtol=1e-9, atol=1e-12)
