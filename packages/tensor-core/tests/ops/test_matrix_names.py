"""The matrix functions of ``torch`` itself, where they differ from those of ``torch.linalg``."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as lc
from lamella_core import linalg

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_solving_by_a_cholesky_factor(upper: bool, dtype: type) -> None:
    root = RNG.standard_normal((2, 4, 4)) + (1j if dtype is np.complex128 else 1) * np.eye(4)
    a = root @ root.conj().swapaxes(-1, -2) + np.eye(4)
    b = RNG.standard_normal((4, 3)).astype(dtype)
    factor = linalg.cholesky(lc.from_numpy(a.astype(dtype)), upper=upper)
    x = lc.cholesky_solve(lc.from_numpy(b), factor, upper).numpy()
    np.testing.assert_allclose(a @ x, np.broadcast_to(b, x.shape), atol=1e-10)
    inverse = lc.cholesky_inverse(factor, upper).numpy()
    np.testing.assert_allclose(inverse, np.linalg.inv(a), atol=1e-10)


def test_inverses() -> None:
    a = lc.from_numpy(RNG.standard_normal((3, 3)))
    np.testing.assert_array_equal(a.inverse().numpy(), linalg.inv(a).numpy())
    np.testing.assert_allclose(a.pinverse().numpy(), linalg.inv(a).numpy(), atol=1e-10)


def test_results_go_into_out() -> None:
    a = lc.from_numpy(RNG.standard_normal((3, 3)))
    out = lc.empty(0, dtype=lc.float64)
    assert lc.inverse(a, out=out) is out
    np.testing.assert_allclose((out @ a).numpy(), np.eye(3), atol=1e-10)
    q, r = lc.empty(0, dtype=lc.float64), lc.empty(0, dtype=lc.float64)
    assert linalg.qr(a, out=(q, r)).Q is q
    np.testing.assert_allclose((q @ r).numpy(), a.numpy(), atol=1e-12)


def test_unpacking_a_part() -> None:
    pytest.importorskip("scipy")
    packed, pivots = linalg.lu_factor(lc.from_numpy(RNG.standard_normal((3, 3))))
    assert lc.lu_unpack(packed, pivots, unpack_data=False).L.shape == (0,)
    assert lc.lu_unpack(packed, pivots, unpack_pivots=False).P.shape == (0,)
    with pytest.raises(RuntimeError, match="int32"):
        lc.lu_unpack(packed, pivots.long())
