"""The numbers were recorded from PyTorch 2.13 with the program that each test runs again."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as core
from lamella_optim import ASGD


def leaf(values, dtype=core.float64) -> core.Tensor:
    return core.tensor(values, dtype=dtype, requires_grad=True)


def descend(options, dtype=core.float64):
    """Eight steps down the bowl x² + y²/2 + 3z²; the place, and the parameter's state."""
    param = leaf([1.0, -2.0, 0.5], dtype)
    curvature = core.tensor([1.0, 0.5, 3.0], dtype=dtype)
    optimizer = ASGD([param], **options)
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
            [0.8507564429329009, -1.8454748681207727, 0.30478228470143187],
            {
                "step": 8.0,
                "eta": 0.009999940171837807,
                "mu": 1.0,
                "ax": [0.8507564429329009, -1.8454748681207727, 0.30478228470143187],
            },
        ),
        (
            {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 3, "weight_decay": 0.2},
            [0.12863945597663573, -0.6697736754311453, 0.00022000304833794834],
            {
                "step": 8.0,
                "eta": 0.09622504562139511,
                "mu": 0.20000000298023224,
                "ax": [0.19542948915054334, -0.8291795751145684, 0.0014992961145450358],
            },
        ),
        (
            {"lr": 0.1, "maximize": True, "t0": 1},
            [4.299379847966682, -4.28678400810232, 21.472071878515617],
            {
                "step": 8.0,
                "eta": 0.0999940037727356,
                "mu": 0.1428571492433548,
                "ax": [2.859614543661626, -3.422943682645493, 8.974596820175936],
            },
        ),
    ],
)
def test_trajectory(options, place, state) -> None:
    param, found = descend(options)
    np.testing.assert_allclose(param.tolist(), place, rtol=1e-6, atol=1e-12)
    assert list(found) == list(state)
    for name, values in state.items():
        np.testing.assert_allclose(found[name].tolist(), values, rtol=1e-6, atol=1e-14)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 3, "weight_decay": 0.2},
        {"lr": 0.1, "maximize": True, "t0": 1},
    ],
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
            [0.9949980044761917, -2.003195997139962, 0.49819900161167957],
            [1.989992028963927, -4.006383981503106, 0.9963960104291361],
            [-0.0397998845628801, 0.06410221454461355, -0.011956765338796062],
        ),
        (
            {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 3, "weight_decay": 0.2},
            2,
            [0.8919147654830191, -1.9135318123864151, 0.45283553402895377],
            [1.6786628219517943, -3.6014368596482966, 0.8522767027199346],
            [-0.3505556967141465, 0.6016713736654241, -0.10678873067594581],
        ),
        (
            {"lr": 0.1, "maximize": True, "t0": 1},
            2,
            [1.049979562794724, -1.96796028027325, 0.5179898426305939],
            [2.0999171267743284, -3.9358418428238866, 1.0359589658487294],
            [0.41998815119548344, -0.6297417809071747, 0.1243164747504678],
        ),
    ],
)
def test_differentiable(options, steps, place, of_start, of_weight) -> None:
    start, weight = leaf([1.0, -2.0, 0.5]), leaf([0.5, 0.4, 0.3])
    param = start.clone()
    optimizer = ASGD([param], differentiable=True, **options)
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
    whole, apart = ASGD([param]), ASGD([parts])
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
        ({"weight_decay": -1}, "Invalid weight_decay value: -1"),
    ],
)
def test_bad_arguments(options, text) -> None:
    with pytest.raises(ValueError) as caught:
        ASGD([leaf([1.0])], **options)
    assert str(caught.value) == text


def test_capturable_is_for_accelerators() -> None:
    param = leaf([1.0])
    param.grad = core.ones_like(param)
    with pytest.raises(AssertionError, match="capturable=True, params"):
        ASGD([param], capturable=True).step()
