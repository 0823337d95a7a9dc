"""The numbers were recorded from PyTorch 2.13 with the program that each test runs again."""

from __future__ import annotations

import pytest

from lamella_optim import ASGD

OPTIMIZER = ASGD


@pytest.mark.parametrize(
    ("options", "place", "state"),
    [
        (
            {},
            [0.8507564429329009, -1.8454748681207727, 0.30478228470143187],
            {
                "step": 8.0,
                "eta": 0.009999940171837807,
                "mu": 1.0,
                "ax": [0.8507564429329009, -1.8454748681207727, 0.30478228470143187],
            },
        ),
        (
            {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 3, "weight_decay": 0.2},
            [0.12863945597663573, -0.6697736754311453, 0.00022000304833794834],
            {
                "step": 8.0,
                "eta": 0.09622504562139511,
                "mu": 0.20000000298023224,
                "ax": [0.19542948915054334, -0.8291795751145684, 0.0014992961145450358],
            },
        ),
        (
            {"lr": 0.1, "maximize": True, "t0": 1},
            [4.299379847966682, -4.28678400810232, 21.472071878515617],
            {
                "step": 8.0,
                "eta": 0.0999940037727356,
                "mu": 0.1428571492433548,
                "ax": [2.859614543661626, -3.422943682645493, 8.974596820175936],
            },
        ),
    ],
)
def test_trajectory(trial, options, place, state) -> None:
    trial.check_trajectory(options, place, state, rtol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 3, "weight_decay": 0.2},
        {"lr": 0.1, "maximize": True, "t0": 1},
    ],
)
def test_float32_is_near_float64(trial, options) -> None:
    trial.check_float32(options)


@pytest.mark.parametrize(
    ("options", "steps", "place", "of_start", "of_weight"),
    [
        (
            {},
            2,
            [0.9949980044761917, -2.003195997139962, 0.49819900161167957],
            [1.989992028963927, -4.006383981503106, 0.9963960104291361],
            [-0.0397998845628801, 0.06410221454461355, -0.011956765338796062],
        ),
        (
            {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 3, "weight_decay": 0.2},
            2,
            [0.8919147654830191, -1.9135318123864151, 0.45283553402895377],
            [1.6786628219517943, -3.6014368596482966, 0.8522767027199346],
            [-0.3505556967141465, 0.6016713736654241, -0.10678873067594581],
        ),
        (
            {"lr": 0.1, "maximize": True, "t0": 1},
            2,
            [1.049979562794724, -1.96796028027325, 0.5179898426305939],
            [2.0999171267743284, -3.9358418428238866, 1.0359589658487294],
            [0.41998815119548344, -0.6297417809071747, 0.1243164747504678],
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
        ({"weight_decay": -1}, "Invalid weight_decay value: -1"),
    ],
)
def test_bad_arguments(trial, options, text) -> None:
    trial.check_refusal(options, text)


def test_capturable_is_for_accelerators(trial) -> None:
    trial.check_capturable()
