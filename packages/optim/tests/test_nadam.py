"""The numbers were recorded from PyTorch 2.13 with the program that each test runs again."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as core
from lamella_optim import NAdam


def leaf(values, dtype=core.float64) -> core.Tensor:
    return core.tensor(values, dtype=dtype, requires_grad=True)


def descend(options, dtype=core.float64):
    """Eight steps down the bowl x² + y²/2 + 3z²; the place, and the parameter's state."""
    param = leaf([1.0, -2.0, 0.5], dtype)
    curvature = core.tensor([1.0, 0.5, 3.0], dtype=dtype)
    optimizer = NAdam([param], **options)
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
        {"lr": 0.1, "betas": (0.5, 0.8), "weight_decay": 0.2, "momentum_decay": 0.1},
        {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True, "maximize": True},
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
def test_differentiable(options, steps, place, of_start, of_weight) -> None:
    start, weight = leaf([1.0, -2.0, 0.5]), leaf([0.5, 0.4, 0.3])
    param = start.clone()
    optimizer = NAdam([param], differentiable=True, **options)
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
    whole, apart = NAdam([param]), NAdam([parts])
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
        ({"eps": -1}, "Invalid epsilon value: -1"),
        ({"momentum_decay": -1}, "Invalid momentum_decay value: -1"),
    ],
)
def test_bad_arguments(options, text) -> None:
    with pytest.raises(ValueError) as caught:
        NAdam([leaf([1.0])], **options)
    assert str(caught.value) == text


def test_capturable_is_for_accelerators() -> None:
    param = leaf([1.0])
    param.grad = core.ones_like(param)
    with pytest.raises(AssertionError, match="capturable=True, params and state_steps must be on"):
        NAdam([param], capturable=True).step()
