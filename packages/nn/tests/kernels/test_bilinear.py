"""Forms linear in each of three arrays, in parts, against the sums that define them."""

from __future__ import annotations

import numpy as np
import pytest

from lamella_nn.kernels.bilinear import bilinear_form, bilinear_side, bilinear_weight

SIZES = [(4, 3, 5, 2), (1000, 60, 90, 40), (400, 300, 250, 3), (70_000, 2, 3, 4), (0, 2, 3, 4),
         (5, 2, 3, 0)]  # fmt: skip


@pytest.mark.parametrize(("rows", "size", "other", "outputs"), SIZES)
@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.complex128])
def test_sums(rows, size, other, outputs, dtype):
    random = np.random.default_rng(0)
    left, right, grad = (
        random.standard_normal((rows, n)).astype(dtype) for n in (size, other, outputs)
    )
    weight = random.standard_normal((outputs, size, other)).astype(dtype)
    wide = np.complex128 if dtype is np.complex128 else np.float64
    x, y, g, w = (each.astype(wide) for each in (left, right, grad, weight))
    between = np.einsum("ri,oij->roj", x, w, optimize=True)
    rough = 5e-3 if dtype is np.float16 else 1e-9
    for found, expected in (
        (bilinear_form(np, left, right, weight), (between * y[:, None]).sum(2)),
        (bilinear_side(np, grad, left, weight, False), (between * g[..., None]).sum(1)),
        (
            bilinear_side(np, grad, right, weight, True),
            np.einsum("ro,oij,rj->ri", g, w, y, optimize=True),
        ),
        (
            bilinear_weight(np, grad, left, right),
            np.einsum("ro,ri,rj->oij", g, x, y, optimize=True),
        ),
    ):
        assert found.dtype == dtype
        largest = max(np.abs(expected).max(initial=0), 1)
        np.testing.assert_allclose(found, expected, rtol=rough, atol=rough * largest)
