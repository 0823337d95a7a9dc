"""LOBPCG against the dense solvers of NumPy and SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamella_core as lc
from lamella_autograd import gradcheck
from lamella_core.ops.matrix_checks import LinAlgError
from lamella_sparse import lobpcg

RNG = np.random.default_rng(0)
ROOT = RNG.standard_normal((24, 24))
A = ROOT @ ROOT.T
B = np.eye(24) + 0.1 * A[::-1, ::-1]


@pytest.mark.parametrize("method", ["basic", "ortho"])
@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("general", [True, False])
def test_pairs_are_those_of_a_dense_solver(method: str, largest: bool, general: bool) -> None:
    lc.manual_seed(0)
    b = B if general else np.eye(24)
    e, x = lobpcg(
        lc.from_numpy(A),
        k=3,
        n=5,
        B=lc.from_numpy(B) if general else None,
        largest=largest,
        method=method,
    )
    root = np.linalg.inv(np.linalg.cholesky(b))
    values = np.linalg.eigvalsh(root @ A @ root.T)
    expected = values[::-1][:3] if largest else values[:3]
    np.testing.assert_allclose(e.numpy(), expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(A @ x.numpy(), b @ x.numpy() * e.numpy(), atol=1e-4)
    np.testing.assert_allclose(x.numpy().T @ b @ x.numpy(), np.eye(3), atol=1e-9)


def test_the_first_steps_of_pytorch() -> None:
    # torch.lobpcg of 2.13.0 gave these eigenvalues for the same matrix and guess.
    matrix = lc.arange(1.0, 10, dtype=lc.float64).diag()
    guess = lc.arange(18, dtype=lc.float64).reshape(9, 2).cos()
    for steps, expected in (
        (2, [7.909664109311743, 7.129888625512655]),
        (3, [8.707707676185525, 7.777470020837166]),
    ):
        e, _ = lobpcg(matrix, X=guess, niter=steps, method="basic")
        np.testing.assert_allclose(e.numpy(), expected, rtol=1e-9)


def test_batches_take_their_guesses_in_turn() -> None:
    stacked = lc.from_numpy(np.stack([A, 2 * A]))
    lc.manual_seed(3)
    e, x = lobpcg(stacked, k=2)
    lc.manual_seed(3)
    for i in range(2):
        single, vectors = lobpcg(stacked[i], k=2)
        np.testing.assert_array_equal(e[i].numpy(), single.numpy())
        np.testing.assert_array_equal(x[i].numpy(), vectors.numpy())


def test_a_tracker_sees_the_steps_and_can_stop_them() -> None:
    seen: list[tuple[int, int, float]] = []

    def tracker(worker: Any) -> None:
        steps = worker.ivars["istep"]
        residual = A @ worker.X.numpy() - worker.X.numpy() * worker.E.numpy()
        np.testing.assert_allclose(worker.R.numpy(), residual, atol=1e-9)
        seen.append((steps, worker.ivars["converged_count"], worker.tvars["rerr"].max().item()))
        worker.bvars["force_stop"] = steps == 6

    lc.manual_seed(0)
    lobpcg(lc.from_numpy(A), k=2, tracker=tracker)
    assert [step for step, _, _ in seen] == [1, 2, 3, 4, 5, 6]
    assert seen[-1][2] < seen[0][2] / 10


def test_a_preconditioner_saves_steps() -> None:
    diagonal = np.diag(np.arange(1.0, 61) ** 3)
    steps = {}
    for name, inverse in (("plain", None), ("known", np.linalg.inv(diagonal))):
        count: list[int] = []
        lc.manual_seed(0)
        e, _ = lobpcg(
            lc.from_numpy(diagonal),
            k=2,
            largest=False,
            iK=None if inverse is None else lc.from_numpy(inverse),
            tracker=lambda worker, count=count: count.append(1),
        )
        np.testing.assert_allclose(e.numpy(), [1, 8], rtol=1e-5)
        steps[name] = len(count)
    assert steps["known"] < steps["plain"] / 2


@pytest.mark.parametrize("drop", [True, False])
def test_exact_guesses_leave_nothing_to_search(drop: bool) -> None:
    guess = lc.eye(9, 2, dtype=lc.float64).flip(0)
    matrix = lc.arange(1.0, 10, dtype=lc.float64).diag()
    e, _ = lobpcg(matrix, X=guess, tol=0.0, niter=4, ortho_bparams={"ortho_use_drop": drop})
    np.testing.assert_allclose(e.numpy(), [9, 8], rtol=1e-12)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="smaller than 3 x"):
        lobpcg(lc.eye(5), k=2)
    with pytest.raises(AssertionError, match="square"):
        lobpcg(lc.ones(5, 4))
    with pytest.raises(RuntimeError, match="float32 or float64"):
        lobpcg(lc.eye(5, dtype=lc.complex64))
    with pytest.raises(ValueError, match="'basic' or 'ortho'"):
        lobpcg(lc.eye(5), method="other")
    with pytest.raises(AssertionError, match="B must be of shape"):
        lobpcg(lc.eye(5), B=lc.eye(4))
    with pytest.raises(LinAlgError):
        lobpcg(lc.eye(9), X=lc.ones(9, 2), method="basic")


def test_a_sparse_matrix_gives_the_pairs_of_the_dense_one() -> None:
    path = np.diag(np.full(30, 2.0)) - np.eye(30, k=1) - np.eye(30, k=-1)
    # The eigenvalues of a path's second difference: 2 - 2 cos(j pi / 31).
    expected = 2 - 2 * np.cos(np.arange(30, 27, -1) * np.pi / 31)
    matrix = lc.from_numpy(path).to_sparse()
    preconditioner = lc.eye(30, dtype=lc.float64).to_sparse()
    e, x = lobpcg(matrix, k=3, B=preconditioner, iK=preconditioner)
    np.testing.assert_allclose(e.numpy(), expected, rtol=1e-6)
    np.testing.assert_allclose(path @ x.numpy(), x.numpy() * e.numpy(), atol=1e-6)
    with pytest.raises(RuntimeError, match="to_dense"):
        lobpcg(matrix.requires_grad_(), k=3)


def test_derivatives() -> None:
    guess = lc.from_numpy(np.linalg.qr(RNG.standard_normal((9, 2)))[0])
    spread = lc.arange(9, dtype=lc.float64).diag()

    def values(a: lc.Tensor) -> lc.Tensor:
        return lobpcg(a + a.mT + 4 * spread, X=guess, tol=1e-13)[0]

    def projector(a: lc.Tensor) -> lc.Tensor:
        x = lobpcg(a + a.mT + 4 * spread, X=guess, tol=1e-13)[1]
        return x[:, :1] @ x[:, :1].mT

    point = lc.from_numpy(RNG.standard_normal((9, 9))).requires_grad_()
    assert gradcheck(values, (point,))
    assert gradcheck(projector, (point,))
    matrix = lc.eye(6).requires_grad_()
    with pytest.raises(ValueError, match="B=None"):
        lobpcg(matrix, B=2 * lc.eye(6))[0].sum().backward()
