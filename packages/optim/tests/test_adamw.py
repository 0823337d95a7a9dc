"""Values were recorded from PyTorch 2.13 with the program that each test runs again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamella_core as core
from lamella_optim import Adam, AdamW

OPTIMIZER = AdamW
START = [1.0, -2.0, 0.5]
OPTIONS: dict[str, Any] = {"lr": 0.1, "betas": (0.0, 0.0)}


def leaf(values: Any) -> core.Tensor:
    return core.tensor(values, dtype=core.float64, requires_grad=True)


@pytest.mark.parametrize(
    ("options", "place", "state"),
    [
        (
            {},
            [0.9949505414313422, -1.9949003237012546, 0.49497598256185255],
            {
                "step": 5.0,
                "exp_avg": [0.8171921888067716, -0.8180970287189128, 1.2230739162509492],
                "exp_avg_sq": [0.019879446685132977, 0.019919313066716373, 0.04454977048718519],
            },
        ),
        (
            {"lr": 0.1},
            [0.5040800900879451, -1.4940456953567574, 0.026528198421030366],
            {
                "step": 5.0,
                "exp_avg": [0.6375780102745907, -0.7270425780976387, 0.6944927880878615],
                "exp_avg_sq": [0.013147399356742312, 0.01620706443232802, 0.019873376305680163],
            },
        ),
        (
            {"lr": 0.1, "betas": (0.5, 0.8)},
            [0.5182842040665344, -1.500578861540258, 0.06094545460759859],
            {
                "step": 5.0,
                "exp_avg": [1.3340700201015316, -1.6287188911897037, 1.174677672134415],
                "exp_avg_sq": [1.597474244531434, 2.080846758723935, 2.1233979677985273],
            },
        ),
        (
            {"lr": 0.1, "betas": (0.0, 0.0)},
            [0.4960089937370494, -1.4910189833063618, -0.001496000665742389],
            {
                "step": 5.0,
                "exp_avg": [1.1932111969949446, -1.5926115942727352, 0.5916156014652907],
                "exp_avg_sq": [1.4237529606341084, 2.5364116902119433, 0.3500090198971377],
            },
        ),
        (
            {"lr": 0.1, "eps": 0.1},
            [0.5291875411547534, -1.5186281326477806, 0.04301855286517861],
            {
                "step": 5.0,
                "exp_avg": [0.6464864395069166, -0.7314309597692719, 0.7127986771970055],
                "exp_avg_sq": [0.013424510246909827, 0.01637180039951896, 0.020380516151989044],
            },
        ),
        (
            {"lr": 0.1, "weight_decay": 0.2},
            [0.4337381590837262, -1.3319075591925866, 0.003667419975318914],
            {
                "step": 5.0,
                "exp_avg": [0.6078325601030163, -0.6953037085229888, 0.6564898564630868],
                "exp_avg_sq": [0.012243442178034285, 0.015047834533246937, 0.018786485638300522],
            },
        ),
        (
            {"lr": 0.1, "maximize": True},
            [1.4961822679498769, -2.4905568955025754, 0.9982641716854834],
            {
                "step": 5.0,
                "exp_avg": [-0.9983404210958501, 0.907727093881586, -1.7688763553845048],
                "exp_avg_sq": [0.02905592866121353, 0.024165350462580504, 0.09139255683617985],
            },
        ),
        (
            {"lr": 0.3, "betas": (0.6, 0.7), "amsgrad": True},
            [-0.1179454986444526, -0.5893111439263834, -0.08585625767535038],
            {
                "step": 5.0,
                "exp_avg": [0.400985765846909, -1.0432408506935251, -0.3871527119045309],
                "exp_avg_sq": [0.60494053529877, 1.3242860749075993, 1.2635369619117902],
                "max_exp_avg_sq": [1.4229708025092, 1.7717456188144285, 2.7],
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
            [1.6276453386087675, -2.3579097413844248, 1.2603005027043392],
            {
                "step": 5.0,
                "exp_avg": [-2.550089774170736, 2.045846795271816, -5.331284939472393],
                "exp_avg_sq": [6.1704537758670215, 4.036431230564255, 26.887669854607196],
                "max_exp_avg_sq": [6.1704537758670215, 4.036431230564255, 26.887669854607196],
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
        [0.49600890278816223, -1.4910188913345337, -0.0014959722757339478],
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize("flag", ["foreach", "fused"])
def test_choice_of_implementation_changes_nothing(trial, flag) -> None:
    trial.check_flag(OPTIONS, flag)


def test_groups_and_parameters_without_gradient(trial) -> None:
    trial.check_groups([0.02717207364881541, 0.9915746370364972], [[2.794345872217406]])


def test_non_contiguous_parameters(trial) -> None:
    trial.check_strides(OPTIONS)


# The rate is a tensor that the result is differentiated by. PyTorch corrects
# for bias in float32 here, so that its values are good to six digits.
@pytest.mark.parametrize(
    ("options", "place", "of_rate", "of_start"),
    [
        (
            {},
            [0.79852068851114, -1.7962742549734743, 0.3002994834139087],
            -11.730172452627771,
            [1.5938488913096125, -3.5853670054755646, 0.5993983694931286],
        ),
        (
            {"weight_decay": 0.2},
            [0.7629368405919924, -1.7230563208027452, 0.2835963673717268],
            -14.242911553201282,
            [1.465449083409099, -3.3096465809979128, 0.5447319024476127],
        ),
        (
            {"amsgrad": True, "maximize": True},
            [1.1980338904961902, -2.195996377692849, 0.6989617163790497],
            16.126438270878506,
            [2.3912780414981767, -4.383213161867682, 1.395128983816016],
        ),
    ],
)
def test_differentiable(trial, options, place, of_rate, of_start) -> None:
    trial.check_derivative_by_rate(options, place, of_rate, of_start, rtol=1e-4)


def test_differentiable_by_the_gradient(trial) -> None:
    trial.check_derivatives(
        {"lr": 0.1},
        1,
        [0.8990006690868162, -2.0979993286632133, 0.39950067619783347],
        [1.7962033368354589, -4.1918026586691, 0.7982023510432713],
        [-2.8767644044691565e-08, 1.3112323138386728e-07, -5.9184500300624165e-08],
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
    # The parameter shrinks by lr * weight_decay = 0.1; then comes lr * g / (|g| + eps).
    param = leaf([1.0, -3.0])
    param.grad = core.tensor([2.0, -4.0], dtype=core.float64)
    AdamW([param], lr=0.5, eps=1.0, weight_decay=0.2).step()
    np.testing.assert_allclose(param.tolist(), [0.9 - 1 / 3, -2.7 + 0.4], rtol=1e-14)


def test_idle_rate_still_moves_the_averages() -> None:
    param = leaf(START)
    param.grad = core.ones_like(param)
    optimizer = AdamW([param], lr=0.0)
    optimizer.step()
    assert param.tolist() == START
    np.testing.assert_allclose(optimizer.state[param]["exp_avg"].tolist(), [0.1] * 3)


def test_is_an_adam_and_stays_decoupled() -> None:
    optimizer = AdamW([leaf(START)])
    assert isinstance(optimizer, Adam)
    saved = optimizer.state_dict()
    saved["param_groups"][0]["decoupled_weight_decay"] = False
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["decoupled_weight_decay"] is True
