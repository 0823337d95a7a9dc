"""Products of several matrices against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as lc
from lamella_core.ops.chain import multi_dot


def test_chains() -> None:
    rng = np.random.default_rng(0)
    a, b, c, d = (rng.standard_normal(s) for s in ((3, 10), (10, 2), (2, 8), (8,)))
    got = lc.chain_matmul(*map(lc.from_numpy, (a, b, c)))
    np.testing.assert_allclose(got.numpy(), a @ b @ c)
    got = multi_dot([lc.from_numpy(each) for each in (a, b, c, d)])
    np.testing.assert_allclose(got.numpy(), a @ b @ c @ d)
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        multi_dot([lc.ones(2, 3), lc.ones(4, 5)])
