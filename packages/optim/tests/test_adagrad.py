"""The numbers were recorded from PyTorch 2.13 with the program that each test runs again."""

from __future__ import annotations

import pytest

import lamella_core as core
from lamella_optim import Adagrad

OPTIMIZER = Adagrad


@pytest.mark.parametrize(
    ("options", "place", "state"),
    [
        (
            {},
            [0.9566541030250333, -1.9564686727402862, 0.4570321935940447],
            {"step": 8.0, "sum": [30.537179001473444, 31.261008007821523, 65.5525001295768]},
        ),
        (
            {"lr": 0.1, "lr_decay": 0.5, "weight_decay": 0.2},
            [0.769848189205039, -1.7647405615095593, 0.28164929456665727],
            {"step": 8.0, "sum": [27.781751558046725, 39.13248789970935, 38.98337589393786]},
        ),
        (
            {"lr": 0.1, "initial_accumulator_value": 0.3, "eps": 0.1},
            [0.6215166723334677, -1.600977770021664, 0.16239993744739742],
            {"step": 8.0, "sum": [20.795687371912607, 25.92008558758453, 29.738815706014915]},
        ),
        (
            {"lr": 0.1, "maximize": True},
            [1.469053830175803, -2.4541753927495185, 0.9933691761295697],
            {"step": 8.0, "sum": [50.15862800347826, 40.253031227568975, 169.45156456542665]},
        ),
    ],
)
def test_trajectory(trial, options, place, state) -> None:
    trial.check_trajectory(options, place, state)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.1, "lr_decay": 0.5, "weight_decay": 0.2},
        {"lr": 0.1, "initial_accumulator_value": 0.3, "eps": 0.1},
        {"lr": 0.1, "maximize": True},
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
            [0.9829289321941346, -2.017071067802491, 0.4829289322048012],
            [1.9658578643882691, -4.034142135604982, 0.9658578644096024],
            [-4.718058929653601e-11, 1.8910040200381673e-10, -1.0731754720993969e-10],
        ),
        (
            {"lr": 0.1, "lr_decay": 0.5, "weight_decay": 0.2},
            2,
            [0.853942815259619, -1.8549516914867528, 0.35554700943721707],
            [1.7070356663516246, -3.70302345667374, 0.7089199197859964],
            [-0.004249820838066423, 0.027519705199061273, -0.00652229726531332],
        ),
        (
            {"lr": 0.1, "initial_accumulator_value": 0.3, "eps": 0.1},
            2,
            [0.931143301325586, -2.046959389872458, 0.4726722925119739],
            [1.862286602651172, -4.093918779744916, 0.9453445850239478],
            [-0.4105477784444594, 0.8695836996273612, -0.1665732880087034],
        ),
        (
            {"lr": 0.1, "maximize": True},
            2,
            [1.170710678058655, -1.8292893219750952, 0.670710677951988],
            [2.34142135611731, -3.6585786439501904, 1.341421355903976],
            [5.619409382262575e-10, -1.714959507737035e-09, 1.4904684153549397e-09],
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
        ({"lr_decay": -1}, "Invalid lr_decay value: -1"),
        ({"weight_decay": -1}, "Invalid weight_decay value: -1"),
        ({"initial_accumulator_value": -1}, "Invalid initial_accumulator_value value: -1"),
        ({"eps": -1}, "Invalid epsilon value: -1"),
    ],
)
def test_bad_arguments(trial, options, text) -> None:
    trial.check_refusal(options, text)


def test_states_go_to_shared_memory():
    parameter = core.ones(2).requires_grad_()
    optimizer = Adagrad([parameter], initial_accumulator_value=0.5)
    optimizer.share_memory()
    state = optimizer.state[parameter]
    assert state["sum"].is_shared() and state["step"].is_shared()
    assert state["sum"].tolist() == [0.5, 0.5] and state["step"].item() == 0
