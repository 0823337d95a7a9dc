"""A line search for the strong Wolfe conditions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.tensor import Tensor

# The usual constants: Nocedal and Wright, "Numerical Optimization" (2006), section 3.1.
DECREASE = 1e-4
CURVATURE = 0.9
MOST_ROUNDS = 25


@dataclass(slots=True)
class Point:
    """What is known at one step length along the line.

    Attributes:
        step: the step length.
        loss: the loss there.
        grad: its gradient, flat.
        slope: its derivative along the line.
    """

    step: float
    loss: float
    grad: Tensor
    slope: float


def strong_wolfe(
    evaluate: Callable[[float], Point],
    start: Point,
    step: float,
    scale: float,
    tolerance: float,
    most_rounds: int = MOST_ROUNDS,
) -> Point:
    """Looks for a step length at which both strong Wolfe conditions hold.

    The loss is to fall by at least ``DECREASE * step * slope`` of the start, and the slope to
    shrink to ``CURVATURE`` times that of the start. First the step grows until an interval holds
    such a point, then the interval shrinks around it; new lengths are minima of the cubic through
    two points and their slopes. Nocedal and Wright, "Numerical Optimization" (2006), algorithms
    3.5 and 3.6, with the safeguards of Schmidt's minFunc (2005).

    Args:
        evaluate: gives the point at a step length.
        start: the point at length 0; its slope is negative.
        step: the first length to try.
        scale: the largest element of the direction, by magnitude.
        tolerance: the smallest change of a parameter that is worth a further round.
        most_rounds: how often ``evaluate`` may be called after the first time.

    Returns:
        the best point.
    """

    def falls_enough(point: Point) -> bool:
        return point.loss <= start.loss + DECREASE * point.step * start.slope

    def flat_enough(point: Point) -> bool:
        return abs(point.slope) <= -CURVATURE * start.slope

    before, point = start, evaluate(step)
    rounds = 0
    while rounds < most_rounds:
        if not falls_enough(point) or (rounds > 1 and point.loss >= before.loss):
            break
        if flat_enough(point):
            return point
        if point.slope >= 0:
            break
        nearest = point.step + 0.01 * (point.step - before.step)
        longer = cubic_minimum(before, point, nearest, 10 * point.step)
        before, point = point, evaluate(longer)
        rounds += 1
    else:
        before = start

    low, high = (before, point) if before.loss <= point.loss else (point, before)
    near_end = False
    while rounds < most_rounds and abs(high.step - low.step) * scale >= tolerance:
        left, right = sorted((low.step, high.step))
        step = cubic_minimum(low, high, left, right)
        margin = 0.1 * (right - left)
        if min(right - step, step - left) < margin:
            # Twice near the same end would shrink the interval too slowly.
            if near_end or not left < step < right:
                step = right - margin if right - step < step - left else left + margin
                near_end = False
            else:
                near_end = True
        else:
            near_end = False
        point = evaluate(step)
        rounds += 1
        if not falls_enough(point) or point.loss >= low.loss:
            low, high = (low, point) if low.loss <= point.loss else (point, low)
        elif flat_enough(point):
            return point
        else:
            if point.slope * (high.step - low.step) >= 0:
                high = low
            low = point
    return low


def cubic_minimum(first: Point, second: Point, least: float, most: float) -> float:
    """The minimum, within bounds, of the cubic with these values and slopes.

    The middle of the bounds where the cubic has none.
    """
    left, right = (first, second) if first.step <= second.step else (second, first)
    width = right.step - left.step
    if width:
        mean = left.slope + right.slope - 3 * (left.loss - right.loss) / (left.step - right.step)
        square = mean * mean - left.slope * right.slope
        if square >= 0:
            root = square**0.5
            divisor: Any = right.slope - left.slope + 2 * root
            if divisor:
                step = right.step - width * ((right.slope + root - mean) / divisor)
                return min(max(step, least), most)
    return (least + most) / 2
