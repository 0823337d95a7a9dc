"""The numbers were recorded from PyTorch 2.13 with the program that each test runs again."""

from __future__ import annotations

import pytest

from lamella_optim import RAdam

OPTIMIZER = RAdam


@pytest.mark.parametrize(
    ("options", "place", "state"),
    [
        (
            {},
            [0.9899245074256817, -1.9899136084722546, 0.4850005772290653],
            {
                "step": 8.0,
                "exp_avg": [1.1310052900071645, -1.1350317466853301, 1.6724841129499322],
                "exp_avg_sq": [0.0314907972288803, 0.03168891896497833, 0.06909905553275227],
            },
        ),
        (
            {"lr": 0.1, "betas": (0.5, 0.99), "weight_decay": 0.2},
            [0.20370687389751754, -0.9782050500008147, -0.05696325735984473],
            {
                "step": 8.0,
                "exp_avg": [0.5233466109604986, -1.2330827070863115, -0.36265274480705445],
                "exp_avg_sq": [0.10906869923615733, 0.21403302013911, 0.1119539097267637],
            },
        ),
        (
            {"lr": 0.1, "betas": (0.5, 0.6)},
            [0.09486300254440247, -0.7967820854196471, 0.004055825677383509],
            {
                "step": 8.0,
                "exp_avg": [0.41441284140377105, -1.017940747796346, -0.16353236329438647],
                "exp_avg_sq": [0.3407138352299237, 1.1937883395945785, 0.1942966683040335],
            },
        ),
        (
            {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True, "maximize": True},
            [1.9568050142111724, -2.6977377799705327, 2.8654254850073553],
            {
                "step": 8.0,
                "exp_avg": [-1.9559481093633608, 1.4647079598956654, -7.279714297804915],
                "exp_avg_sq": [0.08969238805240395, 0.05085361245008297, 1.3170493147076654],
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
        {"lr": 0.1, "betas": (0.5, 0.99), "weight_decay": 0.2},
        {"lr": 0.1, "betas": (0.5, 0.6)},
        {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True, "maximize": True},
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
            [0.9995, -2.0003200000000003, 0.49982000000000004],
            [1.999, -4.000640000000001, 0.9996400000000001],
            [-0.003998000000000001, 0.006401024000000003, -0.0011995680000000002],
        ),
        (
            {"lr": 0.1, "betas": (0.5, 0.99), "weight_decay": 0.2},
            2,
            [0.9106, -1.95232, 0.4622533333333333],
            [1.7488376533333332, -3.7494956373333337, 0.8877729351111111],
            [-0.36181173333333333, 0.6205774506666668, -0.11020119466666667],
        ),
        (
            {"lr": 0.1, "betas": (0.5, 0.6)},
            2,
            [0.95, -2.032, 0.482],
            [1.9, -4.064, 0.964],
            [-0.38, 0.6502400000000002, -0.11567999999999999],
        ),
        (
            {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True, "maximize": True},
            2,
            [1.0098999999999998, -1.88912, 0.49802],
            [1.9398159199999996, -3.6286216959999997, 0.9565968159999999],
            [0.3999203999999999, -0.598473216, 0.118329552],
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
        ({"betas": (0.1, 1.9)}, "Invalid beta parameter at index 1: 1.9"),
        ({"weight_decay": -1}, "Invalid weight_decay value: -1"),
    ],
)
def test_bad_arguments(trial, options, text) -> None:
    trial.check_refusal(options, text)


def test_capturable_is_for_accelerators(trial) -> None:
    trial.check_capturable()
