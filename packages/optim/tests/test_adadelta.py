"""The numbers were recorded from PyTorch 2.13 with the program that each test runs again."""

from __future__ import annotations

import pytest

from lamella_optim import Adadelta

OPTIMIZER = Adadelta


@pytest.mark.parametrize(
    ("options", "place", "state"),
    [
        (
            {},
            [0.9734536924364582, -1.9733511949491098, 0.47365911552268525],
            {
                "step": 8.0,
                "square_avg": [2.2182800440901507, 2.248008059849517, 4.859989190060446],
                "acc_delta": [6.34093082468061e-06, 6.399155953358155e-06, 6.2253486977799245e-06],
            },
        ),
        (
            {"rho": 0.5, "weight_decay": 0.2},
            [0.9842821960608918, -1.9842611320459633, 0.48432456307203736],
            {
                "step": 8.0,
                "square_avg": [4.713725638896576, 5.673358368513374, 9.149461819712199],
                "acc_delta": [5.242385141811726e-06, 5.266246096386196e-06, 5.1945210094859736e-06],
            },
        ),
        (
            {"lr": 0.3, "eps": 0.1, "maximize": True},
            [4.520761640130954, -4.966580840407353, 4.983246764894025],
            {
                "step": 8.0,
                "square_avg": [16.118124383440545, 6.675274113521189, 137.27190802468533],
                "acc_delta": [1.4936696214371394, 0.9873996150577182, 2.588970613928112],
            },
        ),
    ],
)
def test_trajectory(trial, options, place, state) -> None:
    trial.check_trajectory(options, place, state)


@pytest.mark.parametrize(
    "options", [{}, {"rho": 0.5, "weight_decay": 0.2}, {"lr": 0.3, "eps": 0.1, "maximize": True}]
)
def test_float32_is_near_float64(trial, options) -> None:
    trial.check_float32(options)


@pytest.mark.parametrize(
    ("options", "steps", "place", "of_start", "of_weight"),
    [
        (
            {},
            2,
            [0.9935938132214681, -2.0064054384703955, 0.49359729765324695],
            [1.9871876264429362, -4.012810876940791, 0.9871945953064939],
            [-8.25464465141132e-06, 5.085192023611754e-05, -5.265058291002711e-05],
        ),
        (
            {"rho": 0.5, "weight_decay": 0.2},
            2,
            [0.996953152017092, -1.9969534931647512, 0.496953696756162],
            [1.9939059714064442, -3.99390446257719, 0.9939063507997352],
            [-1.6631386996379845e-06, 1.0095009249582766e-05, -3.128137766462112e-06],
        ),
        (
            {"lr": 0.3, "eps": 0.1, "maximize": True},
            2,
            [1.1457243340980832, -1.905147880283902, 0.5537933434680641],
            [2.2914486681961663, -3.810295760567804, 1.1075866869361282],
            [1.2604309701263419, -1.7640664079026547, 0.3941696976624257],
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
        ({"rho": 1.2}, "Invalid rho value: 1.2"),
        ({"eps": -1}, "Invalid epsilon value: -1"),
        ({"weight_decay": -1}, "Invalid weight_decay value: -1"),
    ],
)
def test_bad_arguments(trial, options, text) -> None:
    trial.check_refusal(options, text)


def test_capturable_is_for_accelerators(trial) -> None:
    trial.check_capturable()
