"""Switches: as blocks, decorators, over generators, in threads."""

from __future__ import annotations

import threading

import pytest

import lamella_autograd as autograd
import lamella_core as lc
from lamella_autograd import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)


def recorded() -> bool:
    return (lc.ones(1, requires_grad=True) * 2).requires_grad


def test_blocks_nest() -> None:
    with no_grad():
        assert not recorded()
        with enable_grad():
            assert recorded()
            with set_grad_enabled(False):
                assert not recorded()
            assert recorded()
        assert not recorded()
    assert recorded()


def test_error_restores() -> None:
    with pytest.raises(KeyError), no_grad():
        raise KeyError
    assert is_grad_enabled()


def test_one_object_used_twice() -> None:
    mode = no_grad()
    with mode, mode:
        assert not is_grad_enabled()
    assert is_grad_enabled()
    with mode:
        assert not is_grad_enabled()
    assert is_grad_enabled()


@pytest.mark.parametrize("decorator", [no_grad, no_grad(), inference_mode, inference_mode()])
def test_decorator(decorator) -> None:
    @decorator
    def f(a: int, *, b: int) -> tuple[bool, int]:
        """Doc."""
        return recorded(), a + b

    assert f(1, b=2) == (False, 3)
    assert f.__name__ == "f" and f.__doc__ == "Doc."
    assert recorded()


def test_enable_grad_as_decorator() -> None:
    @enable_grad()
    def f() -> bool:
        return recorded()

    with no_grad():
        assert f()
        assert not recorded()


def test_set_grad_enabled_as_function() -> None:
    set_grad_enabled(False)
    try:
        assert not is_grad_enabled()
    finally:
        set_grad_enabled(True)
    assert is_grad_enabled()


def test_set_grad_enabled_as_decorator() -> None:
    @set_grad_enabled(False)
    def f() -> bool:
        return recorded()

    assert is_grad_enabled()
    assert not f()


def test_generator() -> None:
    """The mode holds inside the generator and not where its values are used."""
    log = []

    @no_grad()
    def generate():
        try:
            got = yield recorded()
            log.append((got, recorded()))
            yield 2
        except ValueError:
            log.append(recorded())
            yield 3
        return "end"

    steps = generate()
    assert next(steps) is False
    assert recorded()
    assert steps.send("sent") == 2
    assert recorded()
    assert steps.throw(ValueError()) == 3
    with pytest.raises(StopIteration) as stop:
        next(steps)
    assert stop.value.value == "end"
    assert log == [("sent", False), False]
    assert recorded()


def test_generator_is_closed() -> None:
    closed = []

    @no_grad()
    def generate():
        try:
            yield 1
        finally:
            closed.append(recorded())

    steps = generate()
    next(steps)
    steps.close()
    assert closed == [False] or closed == [True]
    assert recorded()


def test_threads_start_enabled() -> None:
    seen = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append((is_grad_enabled(), recorded())))
        thread.start()
        thread.join()
    assert seen == [(True, True)]


def test_inference_mode_switch() -> None:
    with inference_mode():
        assert is_inference_mode_enabled() and not is_grad_enabled()
        with inference_mode(False):
            assert not is_inference_mode_enabled() and recorded()
        assert is_inference_mode_enabled()
    assert not is_inference_mode_enabled() and recorded()


def test_other_modes_survive_the_end_of_a_block() -> None:
    from lamella_core.dispatch import modes, new_bit

    bit = new_bit()
    with no_grad():
        modes.bits |= bit
    try:
        assert modes.bits & bit
    finally:
        modes.bits &= ~bit


def test_switch_of_threads() -> None:
    assert autograd.is_multithreading_enabled()
    with autograd.set_multithreading_enabled(False):
        assert not autograd.is_multithreading_enabled()
    assert autograd.is_multithreading_enabled()


def test_a_class_is_no_function_to_decorate() -> None:
    with pytest.warns(FutureWarning, match="Decorate its methods"):

        @no_grad()
        class Made:
            def __init__(self) -> None:
                self.enabled = is_grad_enabled()

    assert not Made().enabled
