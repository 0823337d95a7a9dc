"""Values were recorded from PyTorch 2.13 with the program that each test runs again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamella_core as core
from lamella_optim import SGD

START = [1.0, -2.0, 0.5]
OPTIONS: dict[str, Any] = {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}


def leaf(values: Any, dtype: core.dtype = core.float64) -> core.Tensor:
    return core.tensor(values, dtype=dtype, requires_grad=True)


def descend(options: dict[str, Any], dtype: core.dtype = core.float64) -> tuple[Any, Any]:
    """Five steps down the bowl x² + y²/2 + 3z²; the place, and the parameter's state."""
    param = leaf(START, dtype)
    curvature = core.tensor([1.0, 0.5, 3.0], dtype=dtype)
    optimizer = SGD([param], **options)
    for _ in range(5):
        optimizer.zero_grad()
        (param * param * curvature).sum().backward()
        optimizer.step()
    return param, optimizer.state[param]


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
def test_trajectory(options, place, state) -> None:
    param, found = descend(options)
    np.testing.assert_allclose(param.tolist(), place, rtol=1e-12, atol=1e-15)
    assert list(found) == list(state)
    for name, values in state.items():
        np.testing.assert_allclose(found[name].tolist(), values, rtol=1e-12)


def test_float32() -> None:
    param, state = descend(OPTIONS, core.float32)
    assert param.dtype is core.float32
    assert state["momentum_buffer"].dtype is core.float32
    np.testing.assert_allclose(
        param.tolist(),
        [-0.2851199507713318, -0.5060363411903381, -0.4568799138069153],
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize("flag", ["foreach", "fused"])
def test_choice_of_implementation_changes_nothing(flag) -> None:
    plain, _ = descend(OPTIONS)
    flagged, _ = descend({**OPTIONS, flag: True})
    assert flagged.tolist() == plain.tolist()


def test_groups_and_parameters_without_gradient() -> None:
    first, second, idle = leaf([1.0, 2.0]), leaf([[3.0]]), leaf([7.0])
    optimizer = SGD([{"params": [first, idle], "lr": 0.5}, {"params": second}], lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        ((first * first).sum() + (second * second * second).sum()).backward()
        optimizer.step()
    np.testing.assert_allclose(first.tolist(), [0.0, 0.0], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(second.tolist(), [[0.27299999999999985]], rtol=1e-12)
    assert idle.tolist() == [7.0]
    assert idle not in optimizer.state


def test_non_contiguous_parameters() -> None:
    start = np.arange(6.0).reshape(2, 3)
    plain = leaf(start)
    turned = core.tensor(start.T.copy(), dtype=core.float64).t().detach().requires_grad_()
    strided = core.tensor(np.repeat(start, 2, 1))[:, ::2].detach().requires_grad_()
    assert not turned.is_contiguous()
    assert not strided.is_contiguous()
    for param in (plain, turned, strided):
        optimizer = SGD([param], **OPTIONS)
        for _ in range(3):
            optimizer.zero_grad()
            (param * param).sum().backward()
            optimizer.step()
    assert turned.tolist() == plain.tolist()
    assert strided.tolist() == plain.tolist()
    assert plain.tolist() != start.tolist()


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
def test_differentiable(options, place, of_rate, of_start) -> None:
    rate = leaf(0.1)
    start = leaf(START)
    param = start.clone()
    optimizer = SGD([param], lr=rate, differentiable=True, **options)
    for _ in range(2):
        param.grad = param.detach() * 2
        optimizer.step()
    (param * param).sum().backward()
    np.testing.assert_allclose(param.tolist(), place, rtol=1e-12)
    np.testing.assert_allclose(rate.grad.tolist(), of_rate, rtol=1e-12)
    np.testing.assert_allclose(start.grad.tolist(), of_start, rtol=1e-12)


def test_differentiable_by_the_gradient() -> None:
    start = leaf(START)
    weight = leaf([0.5, 0.4, 0.3])
    param = start.clone()
    optimizer = SGD([param], lr=0.1, differentiable=True)
    param.grad = weight * weight
    optimizer.step()
    (param * param).sum().backward()
    np.testing.assert_allclose(param.tolist(), [0.975, -2.016, 0.491], rtol=1e-12)
    np.testing.assert_allclose(start.grad.tolist(), [1.95, -4.032, 0.982], rtol=1e-12)
    np.testing.assert_allclose(weight.grad.tolist(), [-0.195, 0.32256, -0.05892], rtol=1e-12)


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
def test_bad_arguments(options, error, text) -> None:
    with pytest.raises(error) as caught:
        SGD([leaf(START)], **options)
    assert str(caught.value) == text


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


def test_rate_as_tensor() -> None:
    rated, _ = descend({"lr": core.tensor(0.1, dtype=core.float64), "momentum": 0.9})
    plain, _ = descend({"lr": 0.1, "momentum": 0.9})
    assert rated.tolist() == plain.tolist()
