"""The numbers were recorded from PyTorch 2.13 with the program that each test runs again."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as core
from lamella_optim import Rprop


def leaf(values, dtype=core.float64) -> core.Tensor:
    return core.tensor(values, dtype=dtype, requires_grad=True)


def descend(options, dtype=core.float64):
    """Eight steps down the bowl x² + y²/2 + 3z²; the place, and the parameter's state."""
    param = leaf([1.0, -2.0, 0.5], dtype)
    curvature = core.tensor([1.0, 0.5, 3.0], dtype=dtype)
    optimizer = Rprop([param], **options)
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
            [0.8350091520000001, -1.8350091519999998, 0.335009152],
            {
                "step": 8.0,
                "prev": [1.7416819200000002, -1.8708409599999998, 2.22504576],
                "step_size": [0.035831808, 0.035831808, 0.035831808],
            },
        ),
        (
            {"lr": 0.7, "etas": (0.3, 1.5)},
            [-0.10424999999999987, -0.9193750000000002, -0.0057499999999999635],
            {
                "step": 8.0,
                "prev": [0.0, 0.0, -0.20459999999999978],
                "step_size": [0.042524999999999986, 0.31893749999999993, 0.02835],
            },
        ),
        (
            {"lr": 0.4, "step_sizes": (0.2, 0.5), "maximize": True},
            [4.88, -5.88, 4.38],
            {"step": 8.0, "prev": [-8.76, 5.38, -23.28], "step_size": [0.5, 0.5, 0.5]},
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
    "options",
    [{}, {"lr": 0.7, "etas": (0.3, 1.5)}, {"lr": 0.4, "step_sizes": (0.2, 0.5), "maximize": True}],
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
        ({}, 1, [0.99, -2.01, 0.49], [1.98, -4.02, 0.98], [0.0, 0.0, 0.0]),
        (
            {"lr": 0.7, "etas": (0.3, 1.5)},
            1,
            [0.30000000000000004, -2.7, -0.19999999999999996],
            [0.6000000000000001, -5.4, -0.3999999999999999],
            [0.0, 0.0, 0.0],
        ),
        (
            {"lr": 0.4, "step_sizes": (0.2, 0.5), "maximize": True},
            1,
            [1.4, -1.6, 0.9],
            [2.8, -3.2, 1.8],
            [-0.0, -0.0, -0.0],
        ),
    ],
)
def test_differentiable(options, steps, place, of_start, of_weight) -> None:
    start, weight = leaf([1.0, -2.0, 0.5]), leaf([0.5, 0.4, 0.3])
    param = start.clone()
    optimizer = Rprop([param], differentiable=True, **options)
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
    whole, apart = Rprop([param]), Rprop([parts])
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
        ({"etas": (1.0, 0.5)}, "Invalid eta values: 1.0, 0.5"),
    ],
)
def test_bad_arguments(options, text) -> None:
    with pytest.raises(ValueError) as caught:
        Rprop([leaf([1.0])], **options)
    assert str(caught.value) == text


def test_capturable_is_for_accelerators() -> None:
    param = leaf([1.0])
    param.grad = core.ones_like(param)
    with pytest.raises(AssertionError, match="capturable=True, params and state_steps must be on"):
        Rprop([param], capturable=True).step()
