"""Values were recorded from PyTorch 2.13 with the program that each test runs again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamella_core as core
from lamella_optim import Adam

OPTIMIZER = Adam
OPTIONS: dict[str, Any] = {"lr": 0.1, "betas": (0.0, 0.0)}


def leaf(values: Any) -> core.Tensor:
    return core.tensor(values, dtype=core.float64, requires_grad=True)


@pytest.mark.parametrize(
    ("options", "place", "state"),
    [
        (
            {},
            [0.995000436052392, -1.9950002173459327, 0.49500087763544875],
            {
                "step": 5.0,
                "exp_avg": [0.817210266924248, -0.8181151166843417, 1.2231010038671206],
                "exp_avg_sq": [0.019880242642546814, 0.019920110634954163, 0.044551554151780075],
            },
        ),
        (
            {"lr": 0.1},
            [0.5079636592643418, -1.5029557825929858, 0.02781444793051957],
            {
                "step": 5.0,
                "exp_avg": [0.639180122366005, -0.7287500804378019, 0.6965467988531633],
                "exp_avg_sq": [0.013197723788361359, 0.016271371970873364, 0.01993444731957874],
            },
        ),
        (
            {"lr": 0.1, "betas": (0.5, 0.8)},
            [0.5220290144929938, -1.5093622565224099, 0.06206589539994921],
            {
                "step": 5.0,
                "exp_avg": [1.3392506852264727, -1.6343820407517757, 1.180816411216322],
                "exp_avg_sq": [1.605318502327597, 2.0911485193093404, 2.1323042996870396],
            },
        ),
        (
            {"lr": 0.1, "betas": (0.0, 0.0)},
            [0.5000000032281744, -1.5000000027951066, 3.805555454095e-09],
            {
                "step": 5.0,
                "exp_avg": [1.2000000047896822, -1.6000000021701066, 0.6000000128333332],
                "exp_avg_sq": [1.4400000114952372, 2.560000006944341, 0.36000001539999993],
            },
        ),
        (
            {"lr": 0.1, "eps": 0.1},
            [0.5331066121043724, -1.527568273218566, 0.044342524713087555],
            {
                "step": 5.0,
                "exp_avg": [0.6480945991812295, -0.7331411807023724, 0.7148693087546566],
                "exp_avg_sq": [0.013476036612068107, 0.016436749036803658, 0.020444587631876898],
            },
        ),
        (
            {"lr": 0.1, "weight_decay": 0.2},
            [0.507963659022262, -1.5029557821603279, 0.027814447875034246],
            {
                "step": 5.0,
                "exp_avg": [0.7030981345085645, -0.8745000964329297, 0.7197650254181494],
                "exp_avg_sq": [0.015969245780723333, 0.02343077563389887, 0.02128555985834899],
            },
        ),
        (
            {"lr": 0.1, "maximize": True},
            [1.5021791955437123, -2.5015590625960606, 1.0017456029284775],
            {
                "step": 5.0,
                "exp_avg": [-1.00033934974929, 0.9096317864767186, -1.77215014853328],
                "exp_avg_sq": [0.029170474430970567, 0.02426183466008823, 0.09174003049063242],
            },
        ),
        (
            {"lr": 0.3, "betas": (0.6, 0.7), "amsgrad": True},
            [-0.11563586178462736, -0.6069819791325906, -0.08727650196246732],
            {
                "step": 5.0,
                "exp_avg": [0.4086918382316198, -1.0557639338993572, -0.38722599846265066],
                "exp_avg_sq": [0.6102473764318652, 1.3463609172561803, 1.2678817613966478],
                "max_exp_avg_sq": [1.4280000025200001, 1.7852435313700394, 2.7],
            },
        ),
        (
            {
                "lr": 0.2,
                "betas": (0.6, 0.7),
                "amsgrad": True,
                "weight_decay": 0.3,
                "maximize": True,
            },
            [2.0077920935443068, -3.006418465646071, 1.505254257602966],
            {
                "step": 5.0,
                "exp_avg": [-2.4877710143898812, 1.6696911684734252, -5.705407742353133],
                "exp_avg_sq": [5.849743702062963, 2.6522240541912727, 30.880111614805674],
                "max_exp_avg_sq": [5.849743702062963, 2.6522240541912727, 30.880111614805674],
            },
        ),
    ],
)
def test_trajectory(trial, options, place, state) -> None:
    trial.check_trajectory(options, place, state, steps=5, rtol=1e-12, atol=1e-15)


def test_float32(trial) -> None:
    param, state = trial.descend(OPTIONS, core.float32, steps=5)
    assert param.dtype is core.float32
    assert state["exp_avg"].dtype is core.float32
    np.testing.assert_allclose(
        param.tolist(),
        [0.49999991059303284, -1.4999998807907104, 1.4901161193847656e-08],
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize("flag", ["foreach", "fused"])
def test_choice_of_implementation_changes_nothing(trial, flag) -> None:
    trial.check_flag(OPTIONS, flag)


def test_groups_and_parameters_without_gradient(trial) -> None:
    trial.check_groups([0.03391018567671189, 1.0087124618718393], [[2.800233941601077]])


def test_non_contiguous_parameters(trial) -> None:
    trial.check_strides(OPTIONS)


# The rate is a tensor that the result is differentiated by. PyTorch corrects
# for bias in float32 here, so that its values are good to six digits.
@pytest.mark.parametrize(
    ("options", "place", "of_rate", "of_start"),
    [
        (
            {},
            [0.800413890782123, -1.800168153161513, 0.3011890666404521],
            -11.587242006954384,
            [1.600827781564246, -3.600336306323026, 0.6023781332809042],
        ),
        (
            {"weight_decay": 0.2},
            [0.8004138906893478, -1.800168153115569, 0.3011890664521395],
            -11.58464838968257,
            [1.6007436611725339, -3.600302867191063, 0.602161404648562],
        ),
        (
            {"amsgrad": True, "maximize": True},
            [1.2001331041907977, -2.2000957080371766, 0.7000596409667015],
            16.409395049203415,
            [2.4002662083815953, -4.400191416074353, 1.400119281933403],
        ),
    ],
)
def test_differentiable(trial, options, place, of_rate, of_start) -> None:
    trial.check_derivative_by_rate(options, place, of_rate, of_start, rtol=1e-4)


def test_differentiable_by_the_gradient(trial) -> None:
    trial.check_derivatives(
        {"lr": 0.1},
        1,
        [0.9000006690868162, -2.0999993286632135, 0.4000006761978335],
        [1.8000013381736324, -4.199998657326427, 0.800001352395667],
        [-2.8799643558841126e-08, 1.312482300619422e-07, -5.9258573514853195e-08],
        rtol=1e-4,
        weight_rtol=1e-4,
        weight_atol=0,
    )


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"lr": -1}, ValueError, "Invalid learning rate: -1"),
        ({"lr": core.tensor([1.0, 2.0])}, ValueError, "Tensor lr must be 1-element"),
        ({"weight_decay": -0.1}, ValueError, "Invalid weight_decay value: -0.1"),
        (
            {"fused": True, "foreach": True},
            RuntimeError,
            "`fused` and `foreach` cannot be `True` together.",
        ),
        (
            {"fused": True, "differentiable": True},
            RuntimeError,
            "`fused` does not support `differentiable`",
        ),
        ({"eps": -1e-08}, ValueError, "Invalid epsilon value: -1e-08"),
        ({"betas": (1.0, 0.9)}, ValueError, "Invalid beta parameter at index 0: 1.0"),
        ({"betas": (0.9, -0.1)}, ValueError, "Invalid beta parameter at index 1: -0.1"),
        (
            {"betas": (0.9, core.tensor(0.9000))},
            ValueError,
            "betas must be either both floats or both Tensors",
        ),
        (
            {"betas": (core.tensor(0.9000), core.tensor(0.9000)), "foreach": True},
            ValueError,
            "betas[0] as a Tensor is not supported for capturable=False and foreach=True",
        ),
        (
            {"betas": (core.tensor([0.9000, 0.8000]), core.tensor([0.9000, 0.8000]))},
            RuntimeError,
            "Boolean value of Tensor with more than one value is ambiguous",
        ),
        (
            {"lr": core.tensor(0.1000), "foreach": True},
            ValueError,
            "lr as a Tensor is not supported for capturable=False and foreach=True",
        ),
        (
            {"betas": (core.tensor([0.9000]), core.tensor([0.9000, 0.8000]))},
            RuntimeError,
            "Boolean value of Tensor with more than one value is ambiguous",
        ),
    ],
)
def test_bad_arguments(trial, options, error, text) -> None:
    trial.check_refusal(options, text, error)


def test_first_step() -> None:
    # Corrected for bias, the first averages are g and g²: the step is lr * g / (|g| + eps).
    param = leaf([1.0, -3.0])
    param.grad = core.tensor([2.0, -4.0], dtype=core.float64)
    Adam([param], lr=0.5, eps=1.0).step()
    np.testing.assert_allclose(param.tolist(), [1 - 0.5 * 2 / 3, -3 + 0.5 * 4 / 5], rtol=1e-14)
    assert param.grad.tolist() == [2.0, -4.0]


def test_rate_and_betas_as_tensors(trial) -> None:
    options = {"lr": core.tensor(0.5), "betas": (core.tensor(0.5), core.tensor(0.25))}
    tensors, _ = trial.descend(options, steps=5)
    numbers, _ = trial.descend({"lr": 0.5, "betas": (0.5, 0.25)}, steps=5)
    assert tensors.tolist() == numbers.tolist()


def test_step_count(trial) -> None:
    param, state = trial.descend({}, steps=5)
    assert state["step"].dtype is core.float32
    assert state["step"].shape == ()
    assert state["exp_avg"].dtype is param.dtype


def test_capturable_is_for_accelerators(trial) -> None:
    trial.check_capturable()


def test_decoupled_weight_decay_is_adamw(trial) -> None:
    place, _ = trial.descend(
        {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True}, steps=5
    )
    # Recorded from PyTorch's AdamW.
    expected = [0.4337381590837262, -1.3319075591925866, 0.003667419975318914]
    np.testing.assert_allclose(place.tolist(), expected, rtol=1e-12)
