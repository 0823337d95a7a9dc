"""Values were recorded from PyTorch 2.13 with the program that the test runs again."""

from __future__ import annotations

import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest

import lamella_core as core
from lamella_optim import Muon
from lamella_optim.kernels.muon import muon, orthogonalized, round_to_bfloat16

START = [[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]]
COEFFICIENTS = (3.4445, -4.775, 2.0315)


@pytest.mark.parametrize(
    ("options", "place", "buffer"),
    [
        (
            {},
            [
                [0.9971846620215, -1.9990705041374581, 0.4993549484938652],
                [0.24888800476172268, 2.9978053022970585, -0.9977588245233361],
            ],
            [
                [0.7127326746972662, -0.2852038011440432, 0.42768129867773474],
                [0.07120031444921882, 0.5702487479472661, -0.8550695510859382],
            ],
        ),
        (
            {"lr": 0.02, "momentum": 0.8, "nesterov": False},
            [
                [0.9433342660624999, -1.9813867873203126, 0.486947935140625],
                [0.22784273503125, 2.9565412528749997, -0.9558092819999999],
            ],
            [
                [2.4102339999999995, -0.9725340023437499, 1.449442978125],
                [0.23543986874999995, 1.9330087312499995, -2.8773857999999994],
            ],
        ),
        (
            {"adjust_lr_fn": "match_rms_adamw", "lr": 0.1, "ns_steps": 6},
            [
                [0.8876301770435429, -1.9178833850386054, 0.4516487889699383],
                [0.2241495318002556, 2.8590976322639685, -0.8937778884103046],
            ],
            [
                [0.6952297198859969, -0.28122063476356796, 0.4137762054786926],
                [0.06879592336465226, 0.5581159462428753, -0.8249454038590553],
            ],
        ),
    ],
)
def test_trajectory(options, place, buffer) -> None:
    weight = core.tensor(START, dtype=core.float64, requires_grad=True)
    curvature = core.tensor([1.0, 0.5, 3.0], dtype=core.float64)
    optimizer = Muon([weight], **options)
    for _ in range(3):
        optimizer.zero_grad()
        ((weight * weight * curvature).sum() + weight[0, 0] * weight[1, 1]).backward()
        optimizer.step()
    np.testing.assert_allclose(weight.tolist(), place, rtol=1e-12)
    found = optimizer.state[weight]["momentum_buffer"].tolist()
    np.testing.assert_allclose(found, buffer, rtol=1e-12)


@pytest.mark.parametrize("shape", [(8, 20), (20, 8), (12, 12)])
def test_singular_values_come_near_one(shape) -> None:
    matrix = np.random.default_rng(0).standard_normal(shape)
    square = (min(shape),) * 2
    scratch = [np.empty(each, np.float32) for each in (shape, square, square)]
    least = np.full(1, 1e-7, np.float32)
    result = orthogonalized(np, matrix.astype(np.float32), scratch, COEFFICIENTS, least, 5)
    values = np.linalg.svd(result, compute_uv=False)
    # Jordan (2024): these coefficients lead to about [0.7, 1.2], not to 1 itself. The least
    # singular values of a square matrix may start too low for five rounds.
    assert values.max() < 1.25
    assert np.sort(values)[1] > 0.5
    left, _, right = np.linalg.svd(matrix, full_matrices=False)
    assert np.trace((left @ right).T @ result) > 0.8 * min(shape)


def test_rounding_to_bfloat16() -> None:
    import ml_dtypes

    values = np.random.default_rng(1).standard_normal(1000).astype(np.float32)
    expected = values.astype(ml_dtypes.bfloat16).astype(np.float32)
    round_to_bfloat16(np, values)
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"lr": -1.0}, "Learning rate should be >= 0 but is: -1.0"),
        ({"momentum": -1.0}, "momentum should be >= 0 but is: -1.0"),
        ({"weight_decay": -1.0}, "weight decay should be >= 0 but is: -1.0"),
        ({"adjust_lr_fn": "x"}, "Adjust learning rate function x is not supported"),
    ],
)
def test_bad_arguments(options, text) -> None:
    with pytest.raises(ValueError, match=text):
        Muon([core.ones(2, 2, requires_grad=True)], **options)


def test_only_matrices() -> None:
    with pytest.raises(ValueError, match="only supports 2D parameters"):
        Muon([core.ones(3, requires_grad=True)])


@pytest.mark.parametrize(
    ("options", "text"),
    [({"ns_steps": 100}, "less than 100"), ({"ns_coefficients": (1.0, 2.0)}, "exactly 3 values")],
)
def test_bad_iterations(options, text) -> None:
    param = core.ones(2, 2, requires_grad=True)
    param.grad = core.ones(2, 2)
    with pytest.raises(ValueError, match=text):
        Muon([param], **options).step()


@pytest.mark.parametrize("on_gpu_path", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_matrices_of_several_shapes_and_blocks(layout, dtype, on_gpu_path) -> None:
    """The momentum by its formula, and the singular values that the iteration leads to."""
    rng = np.random.default_rng(3)
    shapes = [(30, 20), (500, 300), (0, 4), (300, 500), (1, 7)]
    grads = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    if layout == "columns":
        grads = [np.asfortranarray(grad) for grad in grads]
    params = [np.zeros_like(grad) for grad in grads]
    buffers = [np.zeros_like(grad) for grad in grads]
    xp = SimpleNamespace(**vars(np)) if on_gpu_path else np
    muon(xp, params, grads, buffers, 1.0, 0.1, 0.75, True, COEFFICIENTS, 1e-7, 5, False)
    for param, grad, buffer in zip(params, grads, buffers, strict=True):
        np.testing.assert_allclose(buffer, 0.25 * grad, rtol=1e-3)
        if not param.size:
            continue
        rows, columns = param.shape
        # The factor of the rate for matrices of more rows than columns.
        update = -param.astype(np.float64) / np.sqrt(max(1, rows / columns))
        left, values, right = np.linalg.svd(grad.astype(np.float64), full_matrices=False)
        # Jordan (2024): the coefficients lead all but the least to about [0.7, 1.2].
        found = np.diag(left.T @ update @ right.T)[values > 0.1 * values[0]]
        assert found.min() > 0.6
        assert found.max() < 1.25


def test_a_steps_memory_is_that_of_the_largest_matrix() -> None:
    params = [core.ones(256, 1024, requires_grad=True) for _ in range(4)]
    for param in params:
        param.grad = core.eye(256, 1024)
    optimizer = Muon(params)
    optimizer.step()
    tracemalloc.start()
    optimizer.step()
    left, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # A matrix takes 1 MB, the product with its transpose a quarter; the iteration has two of each.
    assert peak < 2.7 * 2**20
    assert left < 100_000
