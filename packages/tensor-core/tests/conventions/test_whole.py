"""Ops that are written in other ops; as nodes of a graph: lamella_autograd's test_memory.py."""

from __future__ import annotations

import lamella_core as core
from lamella_core.conventions.whole import is_recorded, whole
from lamella_core.dispatch import LIFTED, REQUIRES_GRAD, ops


def test_the_function_gets_tensors_that_require_no_gradient():
    seen = []

    def function(input: core.Tensor, other: core.Tensor, factor: int) -> core.Tensor:
        seen.extend([input._key & REQUIRES_GRAD, other._key & REQUIRES_GRAD])
        return (input + other) * factor

    try:
        op = whole("sum_times(input: Tensor, other: Tensor, factor)", function)
        learned = core.ones(2)
        learned._key |= REQUIRES_GRAD
        assert op(learned, core.ones(2), 3).tolist() == [6.0, 6.0]
    finally:
        del ops["sum_times"]
    assert seen == [0, 0]


def test_which_calls_are_recorded_as_one():
    plain, learned, lifted = core.ones(2), core.ones(2), core.ones(2)
    learned._key |= REQUIRES_GRAD
    lifted._key |= REQUIRES_GRAD | LIFTED
    assert is_recorded(1 << 20, plain, learned)
    assert not is_recorded(10, plain, learned)
    assert not is_recorded(1 << 20, plain, plain)
    assert not is_recorded(1 << 20, learned, lifted)
