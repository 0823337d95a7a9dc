"""Values were recorded from PyTorch 2.13 with the program that the test runs again."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as core
from lamella_optim import Muon
from lamella_optim.kernels.muon import as_bfloat16, orthogonalized

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
    result = orthogonalized(np, matrix, COEFFICIENTS, 1e-7, 5)
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
    np.testing.assert_array_equal(as_bfloat16(np, values), expected)


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
