"""The conditions that the search is named after are checked as they are stated."""

from __future__ import annotations

import math
from typing import Any

import pytest

import lamella_core as core
from lamella_optim.line_search import CURVATURE, DECREASE, Point, cubic_minimum, strong_wolfe

NOWHERE = core.zeros(0)

# Functions of one variable and their derivatives, falling at 0.
LINES = {
    "parabola": (lambda x: (x - 3) ** 2, lambda x: 2 * (x - 3)),
    "far": (lambda x: (x - 400) ** 2, lambda x: 2 * (x - 400)),
    "near": (lambda x: (x - 1e-3) ** 2, lambda x: 2 * (x - 1e-3)),
    "quartic": (lambda x: (x - 2) ** 4 + 0.1 * x, lambda x: 4 * (x - 2) ** 3 + 0.1),
    "waves": (lambda x: math.cos(3 * x) + 0.1 * (x - 1) ** 2 - x / 5,
              lambda x: -3 * math.sin(3 * x) + 0.2 * (x - 1) - 0.2),
    "wall": (lambda x: -x + math.exp(4 * x - 8), lambda x: -1 + 4 * math.exp(4 * x - 8)),
}  # fmt: skip


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("first", [1e-3, 1.0, 20.0])
def test_both_conditions_hold(name, first) -> None:
    value, slope = LINES[name]
    calls = 0

    def evaluate(step: float) -> Point:
        nonlocal calls
        calls += 1
        return Point(step, value(step), NOWHERE, slope(step))

    start = Point(0.0, value(0.0), NOWHERE, slope(0.0))
    assert start.slope < 0
    found = strong_wolfe(evaluate, start, first, 1.0, 1e-12)
    assert found.loss <= start.loss + DECREASE * found.step * start.slope
    assert abs(found.slope) <= CURVATURE * abs(start.slope)
    assert calls <= 26


def test_rounds_are_bounded() -> None:
    steps = []

    def evaluate(step: float) -> Point:
        steps.append(step)
        return Point(step, -step, NOWHERE, -1.0)

    start = Point(0.0, 0.0, NOWHERE, -1.0)
    strong_wolfe(evaluate, start, 1.0, 1.0, 1e-9, most_rounds=4)
    assert len(steps) == 5


@pytest.mark.parametrize(
    ("left", "right", "minimum"),
    [
        # x³ - 3x has its minimum at 1, and so has (x - 1)².
        (Point(0.0, 0.0, NOWHERE, -3.0), Point(2.0, 2.0, NOWHERE, 9.0), 1.0),
        (Point(-1.0, 4.0, NOWHERE, -4.0), Point(2.0, 1.0, NOWHERE, 2.0), 1.0),
        # A straight line has none: the middle of the bounds.
        (Point(0.0, 0.0, NOWHERE, -1.0), Point(1.0, -1.0, NOWHERE, -1.0), 5.0),
    ],
)
def test_minimum_of_a_cubic(left: Any, right: Any, minimum) -> None:
    assert cubic_minimum(left, right, -10.0, 20.0) == pytest.approx(minimum)
    assert cubic_minimum(right, left, -10.0, 20.0) == pytest.approx(minimum)


def test_minimum_stays_within_bounds() -> None:
    left, right = Point(0.0, 1.0, NOWHERE, -2.0), Point(3.0, 4.0, NOWHERE, 4.0)
    assert cubic_minimum(left, right, 1.5, 2.0) == 1.5
