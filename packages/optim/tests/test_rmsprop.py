"""The numbers were recorded from PyTorch 2.13 with the program that each test runs again."""

from __future__ import annotations

import pytest

from lamella_optim import RMSprop

OPTIMIZER = RMSprop


@pytest.mark.parametrize(
    ("options", "place", "state"),
    [
        (
            {},
            [0.6013799941623574, -1.5793518982630972, 0.1522951999143],
            {
                "step": 8.0,
                "square_avg": [0.19078650830908708, 0.24308296178008926, 0.2701221895102776],
            },
        ),
        (
            {"lr": 0.1, "alpha": 0.5, "weight_decay": 0.2},
            [0.2325586126072865, -1.1677274243560813, -3.2140118324330843e-05],
            {
                "step": 8.0,
                "square_avg": [0.7973208740716534, 2.648880120820181, 0.19425220574300053],
            },
        ),
        (
            {"lr": 0.1, "centered": True, "momentum": 0.5, "eps": 0.1},
            [0.028693377512934527, 0.06050456828614275, 0.03162271924483371],
            {
                "step": 8.0,
                "square_avg": [0.05029811113941528, 0.05973359979377066, 0.14426620873913762],
                "momentum_buffer": [0.5982784827517961, 0.948784507876404, -0.5504856454430743],
                "grad_avg": [0.01370129463748732, -0.02823104814180889, 0.004884578833316521],
            },
        ),
        (
            {"lr": 0.1, "maximize": True, "weight_decay": 0.1},
            [6.734757539645923, -7.407663013111099, 6.465349999361727],
            {"step": 8.0, "square_avg": [5.043192087051529, 1.571840803953228, 41.604363272125056]},
        ),
    ],
)
def test_trajectory(trial, options, place, state) -> None:
    trial.check_trajectory(options, place, state)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.1, "alpha": 0.5, "weight_decay": 0.2},
        {"lr": 0.1, "centered": True, "momentum": 0.5, "eps": 0.1},
        {"lr": 0.1, "maximize": True, "weight_decay": 0.1},
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
            [0.8291119395996472, -2.1708880265938513, 0.3291120464448393],
            [1.6582238791992945, -4.3417760531877025, 0.6582240928896786],
            [-3.986400659017342e-07, 2.038614282495743e-06, -7.32583692514277e-07],
        ),
        (
            {"lr": 0.1, "alpha": 0.5, "weight_decay": 0.2},
            2,
            [0.7456876236782372, -1.7482318571165878, 0.24979932258511944],
            [1.4895545637485357, -3.479661127555257, 0.4955128815247597],
            [-0.009103418039692585, 0.06721034671167392, -0.01225729093643757],
        ),
        (
            {"lr": 0.1, "centered": True, "momentum": 0.5, "eps": 0.1},
            1,
            [0.7997992962762571, -2.138026464321843, 0.41739700482223313],
            [1.5995985925525142, -4.276052928643686, 0.8347940096444663],
            [-1.0257988207154283, 2.5457621222488394, -0.42192683286056964],
        ),
        (
            {"lr": 0.1, "maximize": True, "weight_decay": 0.1},
            2,
            [2.317659981319819, -0.41257635594265074, 0.6666663850393345],
            [2.870154840991925, -0.7912364530945438, -0.08128786818270362],
            [17.651651216477134, -0.27133007032606177, 8.487723829568235],
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
        ({"eps": -1}, "Invalid epsilon value: -1"),
        ({"momentum": -1}, "Invalid momentum value: -1"),
        ({"alpha": -1}, "Invalid alpha value: -1"),
        ({"weight_decay": -1}, "Invalid weight_decay value: -1"),
    ],
)
def test_bad_arguments(trial, options, text) -> None:
    trial.check_refusal(options, text)


def test_capturable_is_for_accelerators(trial) -> None:
    trial.check_capturable()
