"""Levels: what stands in a tensor of a running transform, and what is left when it ends."""

import gc

import numpy as np
import pytest

import lamella_core as core
from lamella_autograd import func
from lamella_autograd.dual import Dual
from lamella_autograd.levels import Below, settled, stack, tensors_in
from lamella_autograd.tracking import Tracking
from lamella_core import linalg, tensor
from lamella_core.dispatch import modes


def test_the_stack_is_empty_again_after_an_error() -> None:
    before = modes.bits
    with pytest.raises(ZeroDivisionError), Tracking(), Dual():
        raise ZeroDivisionError
    assert stack.top is None
    assert modes.bits == before


def test_levels_nest() -> None:
    with Tracking() as outer, Tracking() as inner:
        assert (outer.depth, inner.depth) == (1, 2)
        value = inner.leaf(outer.leaf(tensor(2.0)))
        assert inner.is_own(value)
        assert outer.is_own(inner.value(value))
        with Below(inner):
            assert stack.top is outer
    assert settled(value).item() == 2.0


def test_a_lifted_tensor_looks_like_its_value() -> None:
    x = core.zeros(2, 3).t()
    with Tracking() as level:
        lifted = level.lift(x)
        assert lifted.shape == (3, 2)
        assert lifted.stride() == x.stride()
        assert lifted.dtype is x.dtype
        assert lifted.device == x.device
        assert lifted._version == x._version
        assert np.array_equal(np.asarray(lifted._array), np.zeros((3, 2)))


def test_in_place_writes_are_counted_below() -> None:
    x = core.zeros(2)
    with Tracking() as level:
        level.lift(x).add_(1)
    assert x.tolist() == [1.0, 1.0]
    assert x._version == 1


def test_tensors_among_arguments() -> None:
    a, b = core.zeros(1), core.ones(1)
    assert tensors_in((a, 2, [b, a], (1, 2), None)) == [a, b, a]


def test_another_thread_does_not_know_the_level() -> None:
    from threading import Thread

    errors = []

    def use(value: core.Tensor) -> None:
        try:
            value + 1
        except RuntimeError as error:
            errors.append(str(error))

    with Tracking() as level:
        thread = Thread(target=use, args=(level.lift(core.zeros(1)),))
        thread.start()
        thread.join()
    assert "another thread" in errors[0]


def test_transforms_leave_nothing_to_the_collector() -> None:
    x = core.eye(2) * 2

    def run() -> None:
        func.vmap(func.grad(lambda a: (a.sin() * a.softmax(0)).sum()))(x)
        func.hessian(lambda a: (a**3).sum())(x[0])
        func.jvp(linalg.inv, (x,), (x,))

    run()
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(5):
            run()
        assert len(gc.get_objects()) - before < 5
    finally:
        gc.enable()
