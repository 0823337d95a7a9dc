"""What the tests of schedules share."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

import lamella_core as core
from lamella_optim import SGD


def _optimizer_of_two() -> SGD:
    first, second = core.ones(1, requires_grad=True), core.ones(1, requires_grad=True)
    return SGD([{"params": [first]}, {"params": [second], "lr": 0.5}], lr=0.1, momentum=0.9)


def _seen(optimizer: Any) -> list[float]:
    groups = optimizer.param_groups
    return [*(group["lr"] for group in groups), groups[-1]["momentum"]]


def _walk(optimizer: Any, scheduler: Any, steps: int) -> list[list[float]]:
    found = [_seen(optimizer)]
    for _ in range(steps):
        optimizer.step()
        scheduler.step()
        assert scheduler.get_last_lr() == [group["lr"] for group in optimizer.param_groups]
        found.append(_seen(optimizer))
    return found


def _assert_sequence(build: Any, expected: list[list[float]]) -> None:
    optimizer = _optimizer_of_two()
    found = _walk(optimizer, build(optimizer), 8)
    for values, wanted in zip(found, expected, strict=True):
        assert values[: len(wanted)] == pytest.approx(wanted, rel=1e-13, abs=1e-17)


def _assert_goes_on(build: Any) -> None:
    optimizer = _optimizer_of_two()
    scheduler = build(optimizer)
    _walk(optimizer, scheduler, 4)
    fresh = _optimizer_of_two()
    again = build(fresh)
    again.load_state_dict(deepcopy(scheduler.state_dict()))
    fresh.load_state_dict(deepcopy(optimizer.state_dict()))
    assert _walk(fresh, again, 4) == _walk(optimizer, scheduler, 4)


@pytest.fixture
def optimizer_of_two() -> Any:
    """A function that makes an optimizer of two groups, with the rates 0.1 and 0.5."""
    return _optimizer_of_two


@pytest.fixture
def walk() -> Any:
    """A function that takes steps, and gives the rates, and the last group's momentum, before the
    first step and after each."""
    return _walk


@pytest.fixture
def assert_sequence() -> Any:
    """A function that compares the rates, and the momentum where it is given, of eight steps."""
    return _assert_sequence


@pytest.fixture
def assert_goes_on() -> Any:
    """A function that asserts that a fresh schedule that loads a state goes on as the old one."""
    return _assert_goes_on
