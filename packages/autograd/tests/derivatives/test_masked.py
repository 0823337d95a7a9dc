"""Gradients of masked ops: nothing flows to the elements that are hidden."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import lamella_core as lc
from lamella_core import masked

Check = Callable[..., None]
X = np.random.default_rng(1).standard_normal((3, 4))
MASK = lc.tensor([[True, False, True, True], [True, True, False, True], [False, True, True, True]])


@pytest.mark.parametrize("name", ["sum", "prod", "amax", "mean", "norm", "var", "std", "logsumexp"])
def test_reductions(name: str, check: Check) -> None:
    check(lambda x: getattr(masked, name)(x, dim=1, mask=MASK), X)


@pytest.mark.parametrize("name", ["cumsum", "cumprod", "softmax", "softmin"])
def test_normalizations(name: str, check: Check) -> None:
    check(lambda x: getattr(masked, name)(x, 1, mask=MASK), X)
    check(lambda x: masked.normalize(x, 2.0, 1, mask=MASK), X)
