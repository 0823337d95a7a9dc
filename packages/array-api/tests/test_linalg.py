"""Linear algebra against NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lamella_array_api as xp

Agree = Callable[..., None]
Sample = Callable[..., np.ndarray]
FLOATS = ("float32", "float64", "complex64", "complex128")


def _square(sample: Sample, dtype: str) -> np.ndarray:
    return sample(dtype, 2, 3, 3) + 4 * np.eye(3, dtype=dtype)


@pytest.mark.parametrize("dtype", ["int64", *FLOATS])
def test_products(agree: Agree, sample: Sample, dtype: str) -> None:
    x, y, v = sample(dtype, 2, 3, 4), sample(dtype, 4, 5), sample(dtype, 4)
    agree(lambda xp, a: xp.matmul(a(x), a(y)))
    agree(lambda xp, a: xp.matmul(a(x), a(v)))
    agree(lambda xp, a: xp.vecdot(a(x), a(v)))
    agree(lambda xp, a: xp.vecdot(a(x), a(x[:, :1]), axis=0))
    agree(lambda xp, a: xp.tensordot(a(x), a(y), axes=1))
    agree(lambda xp, a: xp.tensordot(a(x), a(y), axes=((2,), (0,))))
    agree(lambda xp, a: xp.tensordot(a(v), a(v), axes=0))
    agree(lambda xp, a: xp.linalg.outer(a(v), a(y[0])))
    agree(lambda xp, a: xp.linalg.cross(a(x[0, :, :3]), a(y[0, :3])), exact_dtype=True)
    agree(lambda xp, a: xp.linalg.trace(a(x), offset=1))
    agree(lambda xp, a: xp.linalg.diagonal(a(x), offset=-1))


@pytest.mark.parametrize("dtype", FLOATS)
def test_matrices(agree: Agree, sample: Sample, dtype: str) -> None:
    x = _square(sample, dtype)
    for name in ("det", "inv", "pinv", "matrix_norm", "matrix_rank", "svdvals", "slogdet"):
        agree(lambda xp, a, n=name: _tuple(getattr(xp.linalg, n)(a(x))), name != "matrix_rank")
    agree(lambda xp, a: xp.linalg.matrix_power(a(x), -2))
    for order in (1, -1, 2, -2, np.inf, -np.inf, "nuc", "fro"):
        agree(lambda xp, a, o=order: xp.linalg.matrix_norm(a(x), ord=o, keepdims=True))
    for order in (0, 1, 2, 3.5, np.inf, -np.inf):
        agree(lambda xp, a, o=order: xp.linalg.vector_norm(a(x), axis=(0, 2), ord=o))
    agree(lambda xp, a: xp.linalg.vector_norm(a(x), keepdims=True))
    symmetric = x @ x.conj().swapaxes(-1, -2)
    agree(lambda xp, a: xp.linalg.eigvalsh(a(symmetric)))
    agree(lambda xp, a: xp.linalg.eigh(a(symmetric)).eigenvalues)
    agree(lambda xp, a: xp.linalg.cholesky(a(symmetric)))
    agree(lambda xp, a: xp.linalg.cholesky(a(symmetric), upper=True))


def _tuple(result: Any) -> Any:
    return tuple(result) if isinstance(result, tuple) else result


@pytest.mark.parametrize("dtype", FLOATS)
def test_factors_multiply_to_the_matrix(sample: Sample, dtype: str) -> None:
    x = sample(dtype, 4, 3)
    a = xp.asarray(x)
    for mode, inner in (("reduced", 3), ("complete", 4)):
        q, r = xp.linalg.qr(a, mode=mode)
        assert q.shape == (4, inner)
        np.testing.assert_allclose(xp.matmul(q, r).numpy(), x, atol=1e-5)
    for full, inner in ((False, 3), (True, 4)):
        u, s, vh = xp.linalg.svd(a, full_matrices=full)
        assert u.shape == (4, inner)
        np.testing.assert_allclose(xp.matmul(u[:, :3] * s, vh).numpy(), x, atol=1e-5)
    assert (
        xp.linalg.qr(a)._fields if hasattr(xp.linalg.qr(a), "_fields") else xp.linalg.qr(a).Q.ndim
    )


@pytest.mark.parametrize("dtype", FLOATS)
def test_solving(agree: Agree, sample: Sample, dtype: str) -> None:
    x = _square(sample, dtype)
    for shape in ((3,), (3, 2), (2, 3, 2), (2, 3)):
        y = sample(dtype, *shape) if shape != (2, 3) else sample(dtype, 3, 3)
        agree(lambda xp, a, y=y: xp.linalg.solve(a(x), a(y)))


def test_a_relative_tolerance() -> None:
    assert xp.linalg.matrix_rank(xp.asarray([[1.0, 0], [0, 1e-9]]), rtol=1e-6).item() == 1


def test_dot_products_of_narrow_integers_stay_narrow(agree: Agree, sample: Sample) -> None:
    for dtype in ("int8", "uint8", "uint32"):
        x = sample(dtype, 2, 3)
        agree(lambda xp, a, x=x: xp.vecdot(a(x), a(x)))


def test_norms_over_no_axes_are_absolute_values(sample: Sample) -> None:
    x = sample("float64", 2, 3)
    assert xp.linalg.vector_norm(xp.asarray(x), axis=()).tolist() == np.abs(x).tolist()
