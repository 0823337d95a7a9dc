"""The numbers were recorded from PyTorch 2.13 with the program that each test runs again."""

from __future__ import annotations

import pytest

from lamella_optim import NAdam

OPTIMIZER = NAdam


@pytest.mark.parametrize(
    ("options", "place", "state"),
    [
        (
            {},
            [0.9872068866736997, -1.9871937143631382, 0.48723338239368197],
            {
                "step": 8.0,
                "mu_product": 0.0016914170701056719,
                "exp_avg": [1.1314912459095703, -1.1352759559675711, 1.6859049830870976],
                "exp_avg_sq": [0.031519095012614386, 0.03170317736175002, 0.07009608136303261],
            },
        ),
        (
            {"lr": 0.1, "betas": (0.5, 0.8), "weight_decay": 0.2, "momentum_decay": 0.1},
            [0.3175716454184043, -1.2452208963580778, 0.006512069656985493],
            {
                "step": 8.0,
                "mu_product": 1.7615882825339213e-05,
                "exp_avg": [1.0051723404849442, -1.6961933979514812, 0.3910010633249259],
                "exp_avg_sq": [1.466904486471014, 2.9264853716349757, 1.2364224067896719],
            },
        ),
        (
            {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True, "maximize": True},
            [1.486256539994081, -2.3120890903604177, 1.098448542080598],
            {
                "step": 8.0,
                "mu_product": 0.0016914170701056719,
                "exp_avg": [-1.4290028952487381, 1.2348833923963891, -2.7589476581074814],
                "exp_avg_sq": [0.0482702553547335, 0.03685473933761154, 0.17730049206610674],
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
        {"lr": 0.1, "betas": (0.5, 0.8), "weight_decay": 0.2, "momentum_decay": 0.1},
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
            [0.9963197277445035, -2.0036802721726903, 0.4963197280062116],
            [1.992639455489007, -4.007360544345381, 0.9926394560124232],
            [-1.1733528558488526e-09, 4.608805196856802e-09, -2.706061319468489e-09],
        ),
        (
            {"lr": 0.1, "betas": (0.5, 0.8), "weight_decay": 0.2, "momentum_decay": 0.1},
            2,
            [0.789396426889606, -1.7912840395243446, 0.2924153388022094],
            [1.5773374522784014, -3.570014396141657, 0.5814135779020821],
            [-0.007277007504052219, 0.05021473162813017, -0.010251299107009601],
        ),
        (
            {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True, "maximize": True},
            2,
            [1.1423007091181574, -1.7388992949746085, 0.6621006961829969],
            [2.1941312020741566, -3.3400777657872283, 1.2717630172283003],
            [6.64912962466957e-08, -1.976918669877037e-07, 1.7842453969851846e-07],
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
        ({"momentum_decay": -1}, "Invalid momentum_decay value: -1"),
    ],
)
def test_bad_arguments(trial, options, text) -> None:
    trial.check_refusal(options, text)


def test_capturable_is_for_accelerators(trial) -> None:
    trial.check_capturable()
