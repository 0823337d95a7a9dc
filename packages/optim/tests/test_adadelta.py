"""The numbers were recorded from PyTorch 2.13 with the program that each test runs again."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as core
from lamella_optim import Adadelta


def leaf(values, dtype=core.float64) -> core.Tensor:
    return core.tensor(values, dtype=dtype, requires_grad=True)


def descend(options, dtype=core.float64):
    """Eight steps down the bowl x² + y²/2 + 3z²; the place, and the parameter's state."""
    param = leaf([1.0, -2.0, 0.5], dtype)
    curvature = core.tensor([1.0, 0.5, 3.0], dtype=dtype)
    optimizer = Adadelta([param], **options)
    for _ in range(8):
        optimizer.zero_grad()
        (param * param * curvature).sum().backward()
        optimizer.step()
    return param, optimizer.state[param]


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
def test_trajectory(options, place, state) -> None:
    param, found = descend(options)
    np.testing.assert_allclose(param.tolist(), place, rtol=1e-9, atol=1e-12)
    assert list(found) == list(state)
    for name, values in state.items():
        np.testing.assert_allclose(found[name].tolist(), values, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize(
    "options", [{}, {"rho": 0.5, "weight_decay": 0.2}, {"lr": 0.3, "eps": 0.1, "maximize": True}]
)
def test_float32_is_near_float64(options) -> None:
    wide, _ = descend(options)
    param, state = descend(options, core.float32)
    assert param.dtype is core.float32
    assert all(each.dtype is core.float32 for each in state.values())
    np.testing.assert_allclose(param.tolist(), wide.tolist(), rtol=1e-4, atol=1e-5)


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
def test_differentiable(options, steps, place, of_start, of_weight) -> None:
    start, weight = leaf([1.0, -2.0, 0.5]), leaf([0.5, 0.4, 0.3])
    param = start.clone()
    optimizer = Adadelta([param], differentiable=True, **options)
    for _ in range(steps):
        param.grad = weight * weight
        optimizer.step()
    (param * param).sum().backward()
    np.testing.assert_allclose(param.tolist(), place, rtol=1e-6)
    np.testing.assert_allclose(start.grad.tolist(), of_start, rtol=1e-6)
    np.testing.assert_allclose(weight.grad.tolist(), of_weight, rtol=1e-4, atol=1e-6)


def test_complex_is_its_two_parts() -> None:
    param = core.tensor([1 + 2j, -3 + 0.5j], dtype=core.complex128, requires_grad=True)
    parts = leaf([[1.0, 2.0], [-3.0, 0.5]])
    whole, apart = Adadelta([param]), Adadelta([parts])
    for scale in (1.0, -0.5, 2.0):
        param.grad = core.tensor([0.5 - 1j, 2 + 3j], dtype=core.complex128) * scale
        parts.grad = core.tensor([[0.5, -1.0], [2.0, 3.0]], dtype=core.float64) * scale
        whole.step()
        apart.step()
    found = [[each.real, each.imag] for each in param.tolist()]
    np.testing.assert_allclose(found, parts.tolist(), rtol=1e-14)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"lr": -1}, "Invalid learning rate: -1"),
        ({"rho": 1.2}, "Invalid rho value: 1.2"),
        ({"eps": -1}, "Invalid epsilon value: -1"),
        ({"weight_decay": -1}, "Invalid weight_decay value: -1"),
    ],
)
def test_bad_arguments(options, text) -> None:
    with pytest.raises(ValueError) as caught:
        Adadelta([leaf([1.0])], **options)
    assert str(caught.value) == text


def test_capturable_is_for_accelerators() -> None:
    param = leaf([1.0])
    param.grad = core.ones_like(param)
    with pytest.raises(AssertionError, match="capturable=True, params and state_steps must be on"):
        Adadelta([param], capturable=True).step()
