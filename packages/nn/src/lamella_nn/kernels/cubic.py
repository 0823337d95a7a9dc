"""Weights of cubic convolution.

The kernel of R. Keys, "Cubic Convolution Interpolation for Digital Image Processing" (1981), with
the free parameter -0.75.
"""

from __future__ import annotations

from typing import Any

_FREE = -0.75


def weights(t: Any) -> list[Any]:
    """The weights of the elements at -1, 0, 1 and 2 for a place at ``t`` between 0 and 1.

    ``t`` is a number or an array of numbers.
    """
    return [_far(t + 1), _near(t), _near(1 - t), _far(2 - t)]


def slopes(t: Any) -> list[Any]:
    """The derivatives of :func:`weights` to ``t``."""
    return [_far_slope(t + 1), _near_slope(t), -_near_slope(1 - t), -_far_slope(2 - t)]


def curvatures(t: Any) -> list[Any]:
    """The second derivatives of :func:`weights` to ``t``."""
    return [
        6 * _FREE * (t + 1) - 10 * _FREE,
        6 * (_FREE + 2) * t - 2 * (_FREE + 3),
        6 * (_FREE + 2) * (1 - t) - 2 * (_FREE + 3),
        6 * _FREE * (2 - t) - 10 * _FREE,
    ]


def _near(x: Any) -> Any:
    """The kernel at a distance of at most 1."""
    return ((_FREE + 2) * x - (_FREE + 3)) * x * x + 1


def _far(x: Any) -> Any:
    """The kernel at a distance from 1 to 2."""
    return ((_FREE * x - 5 * _FREE) * x + 8 * _FREE) * x - 4 * _FREE


def _near_slope(x: Any) -> Any:
    return (3 * (_FREE + 2) * x - 2 * (_FREE + 3)) * x


def _far_slope(x: Any) -> Any:
    return (3 * _FREE * x - 10 * _FREE) * x + 8 * _FREE
