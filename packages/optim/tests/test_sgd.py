"""Values were recorded from PyTorch 2.13 with the program that each test runs again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamella_core as core
from lamella_optim import SGD

OPTIMIZER = SGD
OPTIONS: dict[str, Any] = {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}


def leaf(values: Any) -> core.Tensor:
    return core.tensor(values, dtype=core.float64, requires_grad=True)


@pytest.mark.parametrize(
    ("options", "place", "state"),
    [
        ({}, [0.990039920079968, -1.990019980009998, 0.485178923236112], {}),
        ({"lr": 0.1}, [0.32768, -1.1809800000000001, 0.005119999999999999], {}),
        (
            {"lr": 0.1, "momentum": 0.9},
            [-0.58042, 0.058319999999999955, -0.11502999999999992],
            {"momentum_buffer": [2.7181999999999995, -5.119199999999999, -2.6907000000000005]},
        ),
        (
            {"lr": 0.1, "momentum": 0.9, "dampening": 0.5},
            [-0.2851200000000001, -0.5060362499999999, -0.45688],
            {"momentum_buffer": [2.5272000000000006, -3.5638875, -0.46920000000000006]},
        ),
        (
            {"lr": 0.1, "momentum": 0.9, "nesterov": True},
            [-0.41571758080000004, 0.20916336780000014, 0.030721356800000016],
            {"momentum_buffer": [1.73176832, -4.20179562, -0.4817587200000001]},
        ),
        (
            {"lr": 0.1, "weight_decay": 0.2},
            [0.28871743679999995, -1.0554638336, 0.003961758399999997],
            {},
        ),
        ({"lr": 0.1, "maximize": True}, [2.48832, -3.22102, 5.242880000000001], {}),
        (
            {"lr": 0.1, "momentum": 0.8, "dampening": 0.25, "weight_decay": 0.1, "maximize": True},
            [3.5507491044839843, -4.023733566272656, 7.942867847281056],
            {"momentum_buffer": [-9.056337096402343, 6.392989390851564, -35.2155742485918]},
        ),
        (
            {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1, "maximize": True},
            [6.408236950078433, -5.597398787104064, 28.33631073081203],
            {"momentum_buffer": [-16.822137363102406, 9.9152236892448, -110.48977762251124]},
        ),
    ],
)
def test_trajectory(trial, options, place, state) -> None:
    trial.check_trajectory(options, place, state, steps=5, rtol=1e-12, atol=1e-15)


def test_float32(trial) -> None:
    param, state = trial.descend(OPTIONS, core.float32, steps=5)
    assert param.dtype is core.float32
    assert state["momentum_buffer"].dtype is core.float32
    np.testing.assert_allclose(
        param.tolist(),
        [-0.2851199507713318, -0.5060363411903381, -0.4568799138069153],
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize("flag", ["foreach", "fused"])
def test_choice_of_implementation_changes_nothing(trial, flag) -> None:
    trial.check_flag(OPTIONS, flag)


def test_groups_and_parameters_without_gradient(trial) -> None:
    trial.check_groups([0.0, 0.0], [[0.27299999999999985]])


def test_non_contiguous_parameters(trial) -> None:
    trial.check_strides(OPTIONS)


# The rate is a tensor that the result is differentiated by.
@pytest.mark.parametrize(
    ("options", "place", "of_rate", "of_start"),
    [
        ({}, [0.64, -1.28, 0.32], -24.192, [1.28, -2.56, 0.64]),
        (
            {"weight_decay": 0.2},
            [0.6083999999999999, -1.2167999999999999, 0.30419999999999997],
            -24.735110399999996,
            [1.1686147199999999, -2.3372294399999998, 0.5843073599999999],
        ),
        (
            {"momentum": 0.9, "nesterov": True},
            [0.2224, -0.4448, 0.1112],
            -18.158515199999997,
            [0.4448, -0.8896, 0.2224],
        ),
    ],
)
def test_differentiable(trial, options, place, of_rate, of_start) -> None:
    trial.check_derivative_by_rate(options, place, of_rate, of_start, rtol=1e-12)


def test_differentiable_by_the_gradient(trial) -> None:
    trial.check_derivatives(
        {"lr": 0.1},
        1,
        [0.975, -2.016, 0.491],
        [1.95, -4.032, 0.982],
        [-0.195, 0.32256, -0.05892],
        rtol=1e-12,
        weight_rtol=1e-12,
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
        ({"momentum": -0.5}, ValueError, "Invalid momentum value: -0.5"),
        (
            {"nesterov": True},
            ValueError,
            "Nesterov momentum requires a momentum and zero dampening",
        ),
        (
            {"nesterov": True, "momentum": 0.9, "dampening": 0.1},
            ValueError,
            "Nesterov momentum requires a momentum and zero dampening",
        ),
    ],
)
def test_bad_arguments(trial, options, error, text) -> None:
    trial.check_refusal(options, text, error)


def test_first_steps() -> None:
    param = leaf([1.0, -3.0])
    optimizer = SGD([param], lr=0.5, momentum=0.5, dampening=0.5)
    param.grad = core.tensor([2.0, 4.0], dtype=core.float64)
    optimizer.step()
    assert param.tolist() == [0.0, -5.0]
    optimizer.step()
    # The buffer is 0.5 * [2, 4] + (1 - 0.5) * [2, 4] from the second step on.
    assert param.tolist() == [-1.0, -7.0]
    assert optimizer.state[param]["momentum_buffer"].tolist() == [2.0, 4.0]
    assert param.grad.tolist() == [2.0, 4.0]


def test_rate_as_tensor(trial) -> None:
    rated, _ = trial.descend({"lr": core.tensor(0.1, dtype=core.float64), "momentum": 0.9}, steps=5)
    plain, _ = trial.descend({"lr": 0.1, "momentum": 0.9}, steps=5)
    assert rated.tolist() == plain.tolist()
