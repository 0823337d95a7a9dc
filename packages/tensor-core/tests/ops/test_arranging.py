"""Rearrangements held to NumPy and to what PyTorch 2.13 gave."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as core

PLACES = core.tensor([0, 1])
M = core.arange(6).reshape(2, 3)
X = core.arange(24.0).reshape(2, 3, 4)
A = X.numpy()


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (X.flip(0), np.flip(A, 0)),
        (X.flip(0, 2), np.flip(A, (0, 2))),
        (X.flip(dims=(1,)), np.flip(A, 1)),
        (core.flip(X, (-1,)), np.flip(A, -1)),
        (X.fliplr(), np.fliplr(A)),
        (X.flipud(), np.flipud(A)),
        (X.roll(5), np.roll(A, 5)),
        (X.roll((1, -2), (0, 2)), np.roll(A, (1, -2), (0, 2))),
        (X.transpose(0, 1).roll(1), np.roll(A.swapaxes(0, 1), 1)),
        (X.rot90(), np.rot90(A)),
        (X.rot90(3, (1, 2)), np.rot90(A, 3, (1, 2))),
        (X.rot90(-2, (2, 0)), np.rot90(A, -2, (2, 0))),
        (X.tril(), np.tril(A)),
        (X.triu(1), np.triu(A, 1)),
        (X.tril(-1), np.tril(A, -1)),
        (X.repeat(2, 1, 2), np.tile(A, (2, 1, 2))),
        (X.repeat((3, 1, 1, 1)), np.tile(A, (3, 1, 1, 1))),
        (X.tile(2), np.tile(A, 2)),
        (core.tile(X, (2, 2, 1, 1)), np.tile(A, (2, 2, 1, 1))),
        (X.repeat_interleave(2), np.repeat(A, 2)),
        (X.repeat_interleave(3, 1), np.repeat(A, 3, 1)),
        (X.repeat_interleave(core.tensor([1, 2]), 0), np.repeat(A, [1, 2], 0)),
        (core.repeat_interleave(core.tensor([1, 2, 0])), [0, 1, 1]),
        (core.repeat_interleave(repeats=core.tensor([1, 2]), output_size=3), [0, 1, 1]),
        (core.diag(PLACES), np.diag([0, 1])),
        (core.diag(M, 1), np.diag(M.numpy(), 1)),
        (core.diag(PLACES, -1), np.diag([0, 1], -1)),
        (core.diagflat(M, 1), np.diagflat(M.numpy(), 1)),
    ],
)
def test_as_numpy(found, expected):
    np.testing.assert_array_equal(found.numpy(), expected)


def test_results_are_copies():
    for found in (X.flip(()), X.roll(0), X.rot90(0), X.repeat(1, 1, 1), M.diag()):
        assert found.untyped_storage() is not X.untyped_storage()
    assert M.t().flip(0).stride() == (1, 3)


def test_triangles_in_place():
    x = core.ones(2, 2)
    assert x.tril_() is x and x.tolist() == [[1.0, 0.0], [1.0, 1.0]]
    assert x.triu_() is x and x.tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_diag_embed():
    found = core.diag_embed(M, 1)
    assert found.shape == (2, 4, 4)
    assert found.diagonal(1, 1, 2).tolist() == M.tolist() and found.sum().item() == 15
    assert core.diag_embed(M, 0, 0, 2).shape == (3, 2, 3)


def test_scattering_into_parts():
    sevens = core.tensor([7, 7])
    assert M.select_scatter(sevens, 1, 0).tolist() == [[7, 1, 2], [7, 4, 5]]
    assert M.slice_scatter(core.tensor([[7, 7, 7]]), 0, 1).tolist() == [[0, 1, 2], [7, 7, 7]]
    assert M.diagonal_scatter(sevens).tolist() == [[7, 1, 2], [3, 7, 5]]
    assert M.as_strided_scatter(sevens, (2,), (1,)).tolist() == [[7, 7, 2], [3, 4, 5]]
    assert M.tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: M.flip(0, 0), RuntimeError, "appears multiple times"),
        (lambda: M.flip(5), IndexError, "but got 5"),
        (lambda: PLACES.fliplr(), RuntimeError, ">= 2-d"),
        (lambda: core.tensor(1).flipud(), RuntimeError, ">= 1-d"),
        (lambda: M.roll((1, 1), 0), RuntimeError, "shifts: 2, dims:1"),
        (lambda: core.tensor(1).roll(1, 0), IndexError, "no dimensions"),
        (lambda: M.rot90(1, (0, 0)), RuntimeError, "to be different"),
        (lambda: PLACES.rot90(), RuntimeError, "total dims >= 2"),
        (lambda: M.rot90(1, (0, 1, 2)), RuntimeError, "dims = 3"),
        (lambda: PLACES.tril(), RuntimeError, "at least 2 dimensions"),
        (lambda: M.repeat(2), RuntimeError, "can not be smaller"),
        (lambda: M.repeat(-1, 1), RuntimeError, "-1"),
        (lambda: M.repeat_interleave(PLACES), RuntimeError, "same size as input along dim"),
        (lambda: M.repeat_interleave(-1), RuntimeError, "non-negative"),
        (lambda: M.repeat_interleave(PLACES, 0, output_size=5), RuntimeError, "required 1"),
        (lambda: core.diag(X), RuntimeError, "Got 3D"),
        (lambda: core.diag_embed(M, 0, 0, 0), RuntimeError, "identical"),
        (
            lambda: M.select_scatter(M[0], 1, 0),
            RuntimeError,
            r"src size = \[3\], slice size = \[2\]",
        ),
        (lambda: M.diagonal_scatter(M[0]), RuntimeError, r"slice size = \[2\]"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize("shape", [(4, 4), (2, 3, 5), (80, 90)])
@pytest.mark.parametrize("diagonal", [-3, -1, 0, 1, 4])
def test_triangles_leave_nothing_of_the_other_side(shape: tuple[int, ...], diagonal: int) -> None:
    a = np.random.default_rng(4).standard_normal(shape)
    a.reshape(-1)[::3] = np.nan
    for given in (core.from_numpy(a), core.from_numpy(np.asfortranarray(a))):
        np.testing.assert_array_equal(core.tril(given, diagonal).numpy(), np.tril(a, diagonal))
        np.testing.assert_array_equal(core.triu(given, diagonal).numpy(), np.triu(a, diagonal))


@pytest.mark.parametrize("shifts, dims", [(1, None), (-7, 0), ((2, -1), (0, 1)), ((1, 1), (1, 1))])
def test_roll_against_numpy(shifts: object, dims: object) -> None:
    a = np.arange(12).reshape(3, 4)
    for given in (a, np.asfortranarray(a), a[:, :0]):
        expected = np.roll(given, shifts, dims)
        rolled = core.roll(core.from_numpy(given), shifts, dims)
        np.testing.assert_array_equal(rolled.numpy(), expected)
        assert rolled.is_contiguous()


def test_layouts_of_results():
    # PyTorch: a flipped expanded tensor has its dimensions in order; what repeats is contiguous.
    expanded = core.arange(6).reshape(2, 3).expand(4, 2, 3)
    assert expanded.flip(0, 2).stride() == (6, 3, 1)
    assert core.arange(6).reshape(2, 3).t().flip(0).stride() == (1, 3)
    turned = core.arange(6).reshape(2, 3).t()
    assert turned.repeat(1, 1).is_contiguous()
    assert turned.repeat(1, 1).tolist() == turned.tolist()
    assert core.tensor(3).repeat(()).shape == ()


@pytest.mark.parametrize(
    "times", [(2, 1, 1), (1, 3, 2), (2, 2, 2), (1, 1, 1), (3, 1, 2, 1), (0, 1, 1)]
)
def test_repeating_views(times: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).random((20, 30, 7))
    for turned in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        view = core.from_numpy(array).permute(turned)
        found = view.repeat(times)
        assert found.is_contiguous()
        np.testing.assert_array_equal(found.numpy(), np.tile(array.transpose(turned), times))
        for dim in range(3):
            found = view.repeat_interleave(times[-1], dim)
            assert found.is_contiguous()
            expected = np.repeat(array.transpose(turned), times[-1], dim)
            np.testing.assert_array_equal(found.numpy(), expected)


def test_a_full_turn_is_a_row_major_copy() -> None:
    x = core.arange(6).reshape(3, 2).t()
    turned = core.rot90(x, 4)
    assert turned.stride() == (3, 1) and turned.tolist() == x.tolist()
