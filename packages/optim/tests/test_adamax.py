"""The numbers were recorded from PyTorch 2.13 with the program that each test runs again."""

from __future__ import annotations

import pytest

from lamella_optim import Adamax

OPTIMIZER = Adamax


@pytest.mark.parametrize(
    ("options", "place", "state"),
    [
        (
            {},
            [0.984006969100527, -1.98397542510814, 0.48406990891456825],
            {
                "step": 8.0,
                "exp_avg": [1.1298488660662682, -1.1344517674444203, 1.6810135967099864],
                "exp_inf": [1.9860419400001676, 1.9860419400200477, 2.9790629050351467],
            },
        ),
        (
            {"lr": 0.1, "betas": (0.5, 0.8), "weight_decay": 0.2},
            [0.10497523544713087, -1.163412603975905, -0.03939671419110306],
            {
                "step": 8.0,
                "exp_avg": [0.7318392860619214, -1.6430682954284876, -0.15069054460481968],
                "exp_inf": [0.650686471422546, 1.525822784696321, 0.6501171231457282],
            },
        ),
        (
            {"lr": 0.1, "eps": 0.1, "maximize": True},
            [1.696287522274843, -2.7226330880995233, 1.1684353973873414],
            {
                "step": 8.0,
                "exp_avg": [-1.5515278880974654, 1.3509376041326429, -2.911518460337361],
                "exp_inf": [3.328904902167737, 2.735934739802963, 6.649321658618328],
            },
        ),
    ],
)
def test_trajectory(trial, options, place, state) -> None:
    trial.check_trajectory(options, place, state)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.1, "betas": (0.5, 0.8), "weight_decay": 0.2},
        {"lr": 0.1, "eps": 0.1, "maximize": True},
    ],
)
def test_float32_is_near_float64(trial, options) -> None:
    trial.check_float32(options)


@pytest.mark.parametrize(
    ("options", "steps", "place", "of_start", "of_weight"),
    [
        (
            {},
            1,
            [0.99800000008, -2.001999999875, 0.4980000002222222],
            [1.99600000016, -4.00399999975, 0.9960000004444444],
            [-6.387199449897629e-10, 2.5024996797018417e-09, -1.4755552259215765e-09],
        ),
        (
            {"lr": 0.1, "betas": (0.5, 0.8), "weight_decay": 0.2},
            1,
            [0.9000000022222222, -1.9000000041666665, 0.4000000052631576],
            [1.8000000026666667, -3.7999999951388896, 0.8000000060941826],
            [-8.888888403113526e-09, 5.2777773262846495e-08, -1.3296397649575908e-08],
        ),
        (
            {"lr": 0.1, "eps": 0.1, "maximize": True},
            1,
            [1.0714285714285714, -1.9384615384615385, 0.5473684210526316],
            [2.142857142857143, -3.876923076923077, 1.0947368421052632],
            [0.17492711370262387, -0.45880746472462425, 0.18195072167954515],
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
        ({"betas": (1.0, 0.9)}, "Invalid beta parameter at index 0: 1.0"),
        ({"weight_decay": -1}, "Invalid weight_decay value: -1"),
    ],
)
def test_bad_arguments(trial, options, text) -> None:
    trial.check_refusal(options, text)


def test_capturable_is_for_accelerators(trial) -> None:
    trial.check_capturable()
