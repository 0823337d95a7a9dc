"""Anomaly mode."""

from __future__ import annotations

from threading import Thread

import pytest

import lamella_core as lc
from lamella_autograd import (
    Function,
    detect_anomaly,
    grad,
    is_anomaly_check_nan_enabled,
    is_anomaly_enabled,
    set_anomaly_enabled,
    set_detect_anomaly,
)

pytestmark = pytest.mark.filterwarnings("ignore:Anomaly Detection")


def leaf(*values: float):
    return lc.tensor([float(v) for v in values], requires_grad=True)


def root_of_zero(x):
    return (x * 0).sqrt() * 0


def test_nan_is_an_error_and_shows_the_call() -> None:
    x = leaf(0, 1)
    with detect_anomaly():
        y = root_of_zero(x)
        with (
            pytest.warns(UserWarning, match=r"(?s)Error detected in SqrtBackward0.*root_of_zero"),
            pytest.raises(RuntimeError, match="'SqrtBackward0' returned nan values in its 0th"),
        ):
            y.sum().backward()


def test_without_check() -> None:
    x = leaf(0, 1)
    with detect_anomaly(check_nan=False):
        root_of_zero(x).sum().backward()
    assert bool(x.grad.isnan().any())


def test_recorded_outside() -> None:
    y = root_of_zero(leaf(0))
    with (
        detect_anomaly(),
        pytest.warns(UserWarning, match="No forward pass information"),
        pytest.raises(RuntimeError, match="nan values"),
    ):
        y.sum().backward()


def test_exception_shows_the_call() -> None:
    class Fails(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            raise KeyError("mine")

    def call_it(x):
        return Fails.apply(x)

    with detect_anomaly():
        y = call_it(leaf(1))
        with (
            pytest.warns(UserWarning, match=r"(?s)Error detected in FailsBackward.*call_it"),
            pytest.raises(KeyError, match="mine"),
        ):
            y.sum().backward()


def test_write_is_traced() -> None:
    x = leaf(0, 1)
    with detect_anomaly():
        y = x * 0
        y[0:1].sqrt_()
        with pytest.warns(UserWarning, match="Error detected in"), pytest.raises(RuntimeError):
            (y * 0).sum().backward()


def test_switch() -> None:
    assert not is_anomaly_enabled()
    set_detect_anomaly(True, check_nan=False)
    assert is_anomaly_enabled() and not is_anomaly_check_nan_enabled()
    set_detect_anomaly(False)
    assert not is_anomaly_enabled() and is_anomaly_check_nan_enabled()
    with set_detect_anomaly(True):
        assert is_anomaly_enabled()
    assert not is_anomaly_enabled()


def test_threads_that_start_in_anomaly_mode_are_in_it() -> None:
    seen: list[bool] = []

    def look() -> None:
        seen.append(is_anomaly_enabled())

    with set_detect_anomaly(True):
        thread = Thread(target=look)
        thread.start()
        thread.join()
    thread = Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [True, False]


def test_enabling_warns() -> None:
    with pytest.warns(UserWarning, match="debugging"):
        detect_anomaly()


def test_step_recorded_in_a_backward_pass_names_the_call_that_it_came_from() -> None:
    def forward_of_it(x):
        return x.sqrt()

    x = leaf(0)
    with detect_anomaly():
        y = forward_of_it(x)
        (slope,) = grad(y.sum() * 0 + y.detach().sum() + y.sum(), x, create_graph=True)
        with (
            pytest.warns(UserWarning) as warned,
            pytest.raises(RuntimeError, match="returned nan values"),
        ):
            (slope * 0).sum().backward()
    induced = [str(each.message) for each in warned if "was induced by" in str(each.message)]
    assert len(induced) == 1
    assert "SqrtBackward0" in induced[0] and "forward_of_it" in induced[0]


def test_the_switch_by_call() -> None:
    try:
        set_anomaly_enabled(True, check_nan=False)
        assert is_anomaly_enabled() and not is_anomaly_check_nan_enabled()
    finally:
        set_anomaly_enabled(False)
    assert not is_anomaly_enabled() and is_anomaly_check_nan_enabled()
    with pytest.raises(TypeError, match="must be bool, not int"):
        set_anomaly_enabled(1)
