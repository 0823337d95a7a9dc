from __future__ import annotations

import numpy as np
import pytest

import lamella_core as core
from lamella_optim import Adam, SparseAdam
from lamella_optim.kernels.sparse_adam import sparse_adam


@pytest.mark.parametrize("maximize", [False, True])
def test_rows_with_a_gradient_move_as_adam_moves_them(maximize: bool) -> None:
    random = np.random.default_rng(0)
    start = random.standard_normal((5, 2))
    rows = np.array([3, 0])
    gradients = random.standard_normal((4, 2, 2))

    # Adam adds eps after its correction, SparseAdam before: 1e-8 beside square roots of about 1.
    reference = core.tensor(start[rows], requires_grad=True)
    optimizer = Adam([reference], lr=0.1, betas=(0.8, 0.9), maximize=maximize)
    param, mean, square = start.copy(), np.zeros((5, 2)), np.zeros((5, 2))
    for step, gradient in enumerate(gradients, 1):
        reference.grad = core.tensor(gradient)
        optimizer.step()
        sparse_adam(
            np, [param], [rows[None]], [gradient], [mean], [square], [step], 0.1, 0.8, 0.9, 1e-8,
            maximize,
        )  # fmt: skip
    np.testing.assert_allclose(param[rows], reference.detach().numpy(), rtol=1e-5)
    others = [1, 2, 4]
    np.testing.assert_array_equal(param[others], start[others])
    np.testing.assert_array_equal(mean[others], 0)


def test_dense_gradients_are_refused() -> None:
    param = core.ones(2, requires_grad=True)
    param.grad = core.ones(2)
    with pytest.raises(RuntimeError, match="does not support dense gradients"):
        SparseAdam([param]).step()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"lr": 0.0}, "Invalid learning rate: 0.0"),
        ({"eps": 0.0}, "Invalid epsilon value: 0.0"),
        ({"betas": (1.0, 0.0)}, "Invalid beta parameter at index 0: 1.0"),
    ],
)
def test_bad_arguments(options, text) -> None:
    with pytest.raises(ValueError, match=text):
        SparseAdam([core.ones(2, requires_grad=True)], **options)


def test_complex_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="does not support complex"):
        SparseAdam([core.ones(2, dtype=core.complex64, requires_grad=True)])
