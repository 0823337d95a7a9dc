"""The numbers were recorded from PyTorch 2.13 with the program that each test runs again."""

from __future__ import annotations

import pytest

from lamella_optim import Rprop

OPTIMIZER = Rprop


@pytest.mark.parametrize(
    ("options", "place", "state"),
    [
        (
            {},
            [0.8350091520000001, -1.8350091519999998, 0.335009152],
            {
                "step": 8.0,
                "prev": [1.7416819200000002, -1.8708409599999998, 2.22504576],
                "step_size": [0.035831808, 0.035831808, 0.035831808],
            },
        ),
        (
            {"lr": 0.7, "etas": (0.3, 1.5)},
            [-0.10424999999999987, -0.9193750000000002, -0.0057499999999999635],
            {
                "step": 8.0,
                "prev": [0.0, 0.0, -0.20459999999999978],
                "step_size": [0.042524999999999986, 0.31893749999999993, 0.02835],
            },
        ),
        (
            {"lr": 0.4, "step_sizes": (0.2, 0.5), "maximize": True},
            [4.88, -5.88, 4.38],
            {"step": 8.0, "prev": [-8.76, 5.38, -23.28], "step_size": [0.5, 0.5, 0.5]},
        ),
    ],
)
def test_trajectory(trial, options, place, state) -> None:
    trial.check_trajectory(options, place, state)


@pytest.mark.parametrize(
    "options",
    [{}, {"lr": 0.7, "etas": (0.3, 1.5)}, {"lr": 0.4, "step_sizes": (0.2, 0.5), "maximize": True}],
)
def test_float32_is_near_float64(trial, options) -> None:
    trial.check_float32(options)


@pytest.mark.parametrize(
    ("options", "steps", "place", "of_start", "of_weight"),
    [
        ({}, 1, [0.99, -2.01, 0.49], [1.98, -4.02, 0.98], [0.0, 0.0, 0.0]),
        (
            {"lr": 0.7, "etas": (0.3, 1.5)},
            1,
            [0.30000000000000004, -2.7, -0.19999999999999996],
            [0.6000000000000001, -5.4, -0.3999999999999999],
            [0.0, 0.0, 0.0],
        ),
        (
            {"lr": 0.4, "step_sizes": (0.2, 0.5), "maximize": True},
            1,
            [1.4, -1.6, 0.9],
            [2.8, -3.2, 1.8],
            [-0.0, -0.0, -0.0],
        ),
    ],
)
def test_differentiable(trial, options, steps, place, of_start, of_weight) -> None:
    trial.check_derivatives(options, steps, place, of_start, of_weight)


def test_complex_is_its_two_parts(trial) -> None:
    trial.check_complex()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"lr": -1}, "Invalid learning rate: -1"),
        ({"etas": (1.0, 0.5)}, "Invalid eta values: 1.0, 0.5"),
    ],
)
def test_bad_arguments(trial, options, text) -> None:
    trial.check_refusal(options, text)


def test_capturable_is_for_accelerators(trial) -> None:
    trial.check_capturable()
