"""Manipulation and indexing against NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import lamella_array_api as xp

Agree = Callable[..., None]
Sample = Callable[..., np.ndarray]
DTYPES = ("bool", "int64", "uint8", "uint16", "uint64", "float32", "complex128")


@pytest.mark.parametrize("dtype", DTYPES)
def test_shapes_and_orders(agree: Agree, sample: Sample, dtype: str) -> None:
    x = sample(dtype, 2, 3, 4)
    agree(lambda xp, a: xp.reshape(a(x), (4, -1)))
    agree(lambda xp, a: xp.reshape(a(x), (24,), copy=True))
    agree(lambda xp, a: xp.permute_dims(a(x), (2, 0, 1)))
    agree(lambda xp, a: xp.moveaxis(a(x), 0, -1))
    agree(lambda xp, a: xp.moveaxis(a(x), (0, 1), (1, 2)))
    agree(lambda xp, a: xp.matrix_transpose(a(x)))
    for axis in (0, 1, -1, 3):
        agree(lambda xp, a, axis=axis: xp.expand_dims(a(x), axis=axis))
        agree(lambda xp, a, axis=axis: xp.squeeze(xp.expand_dims(a(x), axis=axis), axis))
    agree(lambda xp, a: xp.squeeze(a(x[:1, :, :1]), (0, 2)))
    for axis in (None, 0, -1, (0, 2)):
        agree(lambda xp, a, axis=axis: xp.flip(a(x), axis=axis))
    for shift, axis in ((2, None), (-1, 0), ((1, 2), (0, 1)), (1, (0, 1))):
        agree(lambda xp, a, s=shift, axis=axis: xp.roll(a(x), s, axis=axis))
    agree(lambda xp, a: xp.broadcast_to(a(x[:1]), (5, 2, 3, 4)))
    agree(lambda xp, a: list(xp.broadcast_arrays(a(x), a(x[0, 0]), a(x[:, :1, :1]))))


@pytest.mark.parametrize("dtype", DTYPES)
def test_joining_and_repeating(agree: Agree, sample: Sample, dtype: str) -> None:
    x, y = sample(dtype, 2, 3), sample(dtype, 2, 3)[::-1].copy()
    for axis in (0, 1, -1, None):
        agree(lambda xp, a, axis=axis: xp.concat([a(x), a(y)], axis=axis))
    for axis in (0, 1, -1):
        agree(lambda xp, a, axis=axis: xp.stack([a(x), a(y)], axis=axis))
        agree(lambda xp, a, axis=axis: xp.unstack(a(x), axis=axis))
        agree(lambda xp, a, axis=axis: xp.repeat(a(x), 3, axis=axis))
    agree(lambda xp, a: xp.repeat(a(x), 2))
    agree(lambda xp, a: xp.repeat(a(x), a([1, 3]), axis=0))
    for repetitions in ((2,), (2, 2), (2, 1, 2)):
        agree(lambda xp, a, r=repetitions: xp.tile(a(x), r))
    agree(lambda xp, a: xp.concat([a(x), a(y.astype("complex128"))]), exact_dtype=dtype != "bool")


@pytest.mark.parametrize("dtype", DTYPES)
def test_taking(agree: Agree, sample: Sample, dtype: str) -> None:
    x = sample(dtype, 3, 4)
    for axis in (0, 1, -1):
        agree(lambda xp, a, axis=axis: xp.take(a(x), a([2, 0, -1]), axis=axis))
    agree(lambda xp, a: xp.take(a(x[0]), a([1, 1])))
    agree(lambda xp, a: xp.take_along_axis(a(x), a([[0, 1], [2, -1], [1, 1]])))
    agree(lambda xp, a: xp.take_along_axis(a(x), a([[0, 2, 1, 0]]), axis=0))


def test_errors() -> None:
    with pytest.raises(ValueError, match="size 1"):
        xp.squeeze(xp.ones((2, 1)), 0)
    with pytest.raises(ValueError, match="copy=False"):
        xp.reshape(xp.ones((2, 3)).mT, (6,), copy=False)
    with pytest.raises(ValueError, match="axis"):
        xp.take(xp.ones((2, 3)), xp.asarray([0]))
    shared = xp.ones(4)
    xp.reshape(shared, (2, 2), copy=False)[0, 0] = 5
    assert shared.tolist() == [5.0, 1.0, 1.0, 1.0]
    np.testing.assert_array_equal(xp.reshape(shared, (4,), copy=True).numpy(), [5, 1, 1, 1])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint64"])
def test_take_reads_indices_of_any_integer_type(agree: Agree, sample: Sample, dtype: str) -> None:
    x = sample("float32", 2, 2)
    agree(lambda xp, a: xp.take(a(x), a(np.array([1, 0], dtype)), axis=1))
