"""Values were recorded from PyTorch 2.13 with the program that the test runs again."""

from __future__ import annotations

import tracemalloc
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import lamella_core as core
from lamella_optim import Adafactor
from lamella_optim.kernels.adafactor import adafactor

START = [[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]]


@pytest.mark.parametrize(
    ("options", "matrix", "vector", "row_var", "variance"),
    [
        (
            {},
            [
                [0.9277505659173586, -1.967336050991598, 0.4676938912584211],
                [0.24380075845053034, 2.944531940971702, -0.9446683050611034],
            ],
            [0.9530574924761323, -2.047903023380127],
            [[12.242316687597889], [16.770896959912978]],
            [8.364814231602734, 149.43963177200115],
        ),
        (
            {"lr": 0.5, "weight_decay": 0.1},
            [
                [-0.6090596171873155, -0.7272114781263882, -0.00030870743459585813],
                [0.04342976640457291, 1.2463306176354116, -3.998223728292044e-05],
            ],
            [0.07442835893625195, -5.29809115445104],
            [[3.751620617976337], [4.779246889158152]],
            [2.2427100749140574, 888.2598981457738],
        ),
        (
            {"maximize": True, "d": 1.5, "beta2_decay": -1.0},
            [
                [1.074646444915909, -2.033343702769288, 0.533731110579657],
                [0.256327910410504, 3.057129276371094, -1.0573013881940885],
            ],
            [1.048023943969892, -1.9530856909829823],
            [[13.046612130574559], [17.995506171625532]],
            [9.594723006651188, 139.5514764841903],
        ),
    ],
)
def test_trajectory(options, matrix, vector, row_var, variance) -> None:
    weight = core.tensor(START, dtype=core.float64, requires_grad=True)
    offset = core.tensor([1.0, -2.0], dtype=core.float64, requires_grad=True)
    curvature = core.tensor([1.0, 0.5, 3.0], dtype=core.float64)
    optimizer = Adafactor([weight, offset], **options)
    for _ in range(3):
        optimizer.zero_grad()
        loss = (weight * weight * curvature).sum() + weight[0, 0] * weight[1, 1]
        (loss + (offset * offset * offset).sum()).backward()
        optimizer.step()
    np.testing.assert_allclose(weight.tolist(), matrix, rtol=1e-12)
    np.testing.assert_allclose(offset.tolist(), vector, rtol=1e-12)
    states = optimizer.state_dict()["state"]
    np.testing.assert_allclose(states[0]["row_var"].tolist(), row_var, rtol=1e-12)
    np.testing.assert_allclose(states[1]["variance"].tolist(), variance, rtol=1e-12)
    assert states[0]["col_var"].shape == (1, 3)
    assert states[0]["step"].item() == 3


def test_memory_of_moments_is_that_of_rows_and_columns() -> None:
    weight = core.ones(4, 50, 30, requires_grad=True)
    optimizer = Adafactor([weight])
    weight.sum().backward()
    optimizer.step()
    state = optimizer.state[weight]
    assert state["row_var"].shape == (4, 50, 1)
    assert state["col_var"].shape == (4, 1, 30)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"lr": -1.0}, "Learning rate should be >= 0 but is: -1.0"),
        ({"beta2_decay": 0.8}, "beta2_decay should be <= 0 but is: 0.8"),
        ({"eps": (-1.0, 1e-3)}, "epsilon1 should be >= 0 but is: -1.0"),
        ({"eps": (None, -1.0)}, "epsilon2 should be >= 0 but is: -1.0"),
        ({"d": 0.5}, "Clipping threshold d should be >= 1 but is: 0.5"),
        ({"weight_decay": -1.0}, "weight_decay should be >= 0 but is: -1.0"),
    ],
)
def test_bad_arguments(options, text) -> None:
    with pytest.raises(ValueError, match=text):
        Adafactor([core.ones(2, 2, requires_grad=True)], **options)


def test_complex_parameters_are_refused() -> None:
    param = core.ones(2, dtype=core.complex64, requires_grad=True)
    param.grad = core.ones(2, dtype=core.complex64)
    with pytest.raises(RuntimeError, match="does not support complex"):
        Adafactor([param]).step()


def test_bfloat16_and_parameters_of_no_elements():
    """Numbers of PyTorch 2.13, to the precision of bfloat16."""
    parameter = core.linspace(-1, 1, 5).bfloat16().requires_grad_()
    empty = core.zeros(0).requires_grad_()
    optimizer = Adafactor([parameter, empty], lr=0.1)
    empty.grad = core.zeros(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for i in range(6):
            parameter.grad = (core.linspace(0.1, 2, 5) * (i + 1)).bfloat16()
            optimizer.step()
    expected = [-1.4375, -0.94140625, -0.44335938, 0.05761719]
    assert parameter.tolist()[:4] == pytest.approx(expected, abs=0.008)


def reference(param, grad, rate=0.01, decay=0.1):
    """The first step by the formulas of the class, on whole arrays in float64."""
    squares = grad * grad
    row, col = squares.mean(-1, keepdims=True), squares.mean(-2, keepdims=True)
    second = row * col / np.maximum(row.mean(-2, keepdims=True), 2.0**-52)
    update = grad / np.sqrt(np.maximum(second, 2.0**-104))
    size = max(1e-3, np.sqrt((param * param).mean())) * rate
    clip = max(1.0, np.sqrt((update * update).mean()))
    return param * (1 - rate * decay) - size / clip * update, row, col


@pytest.mark.parametrize("on_gpu_path", [False, True])
@pytest.mark.parametrize("shape", [(700, 300), (3, 70001), (2, 400, 300), (30000, 2, 3)])
@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_blocks_follow_the_formulas(shape, layout, on_gpu_path) -> None:
    rng = np.random.default_rng(2)
    param, grad = rng.standard_normal(shape), rng.standard_normal(shape)
    expected, row, col = reference(param, grad)
    if layout == "columns":
        param, grad = np.asfortranarray(param), np.asfortranarray(grad)
    rows, cols = np.zeros_like(row), np.zeros_like(col)
    before = grad.copy()
    # Any other namespace than NumPy's own has the path of a GPU: whole arrays.
    xp = SimpleNamespace(**vars(np)) if on_gpu_path else np
    adafactor(
        xp, [param], [grad], [rows], [cols], [], [1.0], 0.01, -0.8, None, 1e-3, 1.0, 0.1, False
    )
    np.testing.assert_allclose(param, expected, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(rows, row, rtol=1e-12)
    np.testing.assert_allclose(cols, col, rtol=1e-12)
    np.testing.assert_array_equal(grad, before)


def test_a_step_takes_no_memory_of_a_parameters_size() -> None:
    params = [core.ones(1000, 500, requires_grad=True), core.ones(500_000, requires_grad=True)]
    for param in params:
        param.grad = core.ones(param.shape)
    optimizer = Adafactor(params)
    optimizer.step()
    tracemalloc.start()
    optimizer.step()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # A parameter takes 2 MB.
    assert peak < 300_000
