"""Derivatives of sorting and selecting."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import lamella_core as lc

Check = Callable[..., None]
X = np.random.default_rng(1).standard_normal((3, 4))


def test_sort_and_topk(check: Check) -> None:
    check(lambda x: lc.sort(x, 0).values, X)
    check(lambda x: lc.sort(x, 1, True).values, X)
    check(lambda x: lc.topk(x, 2).values, X)
