"""Resampling of many numbers in parts, against products with the weights in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from lamella_nn.kernels.neighbours import Axis
from lamella_nn.kernels.resampling import resample, resample_bytes


def matrix(axis):
    """What each output takes of each element."""
    index, shares = axis.taps(0, axis.after)
    found = np.zeros((axis.after, axis.before))
    shares = np.ones(index.shape) if shares is None else shares
    np.add.at(found, (np.arange(axis.after), index), shares)
    return found


def images(shape, kind):
    x = np.random.default_rng(0).standard_normal(shape)
    if kind == "channels last":
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    return np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2) if kind == "turned" else x


@pytest.mark.parametrize("shape", [(40, 9, 90, 50), (1, 3, 90, 50), (2, 3, 700, 30)])
@pytest.mark.parametrize("kind", ["row-major", "channels last", "turned"])
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic", "averaging bilinear"])
def test_neighbours_by_their_shares(shape, kind, mode):
    x = images(shape, kind)
    for height, width in ((300, 220), (17, 11)):
        axes = [Axis(n, m, mode, n / m) for n, m in zip(shape[2:], (height, width), strict=True)]
        down, across = map(matrix, axes)
        found = resample(np, x, axes)
        np.testing.assert_allclose(found, down @ x @ across.T, rtol=1e-9, atol=1e-12)
        back = resample(np, found, [axis.turn() for axis in axes])
        np.testing.assert_allclose(back, down.T @ found @ across, rtol=1e-9, atol=1e-12)


def test_one_dimension_of_many_elements():
    x = np.random.default_rng(0).standard_normal((1, 2, 300_000))
    axis = Axis(300_000, 700_000, "linear", 3 / 7)
    found = resample(np, x, [axis])
    index, shares = axis.taps(0, 700_000)
    expected = x[..., index[0]] * shares[0] + x[..., index[1]] * shares[1]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    back = resample(np, found, [axis.turn()])
    expected = np.zeros((2, 300_000))
    for at, share in zip(index, shares, strict=True):
        for channel in range(2):
            np.add.at(expected[channel], at, found[0, channel] * share)
    np.testing.assert_allclose(back[0], expected, rtol=1e-9, atol=1e-12)


def test_half_precision_is_rounded_once():
    x = np.random.default_rng(0).standard_normal((700, 400)).astype(np.float16)
    axis = Axis(400, 800, "linear", 0.5)
    found = resample(np, x, [axis])
    index, shares = axis.taps(0, 800)
    wide, shares = x.astype(np.float32), shares.astype(np.float32)
    exact = wide[:, index[0]] * shares[0] + wide[:, index[1]] * shares[1]
    assert found.dtype == np.float16
    np.testing.assert_array_equal(found, exact.astype(np.float16))


@pytest.mark.parametrize("kind", ["row-major", "channels last"])
@pytest.mark.parametrize("mode", ["linear", "averaging bilinear"])
def test_bytes_are_rounded_after_each_pass(kind, mode):
    """Of many images as of each alone, and within rounding of exact weights."""
    x = (images((5, 3, 200, 190), kind) * 60 + 128).clip(0, 255).astype(np.uint8)
    for size in ((330, 301), (77, 90)):
        axes = [Axis(n, m, mode, n / m) for n, m in zip((200, 190), size, strict=True)]
        found = resample_bytes(np, x, axes)
        assert found.dtype == np.uint8
        for n in range(5):
            np.testing.assert_array_equal(found[n, :1], resample_bytes(np, x[n, :1], axes))
        down, across = map(matrix, axes)
        # The weights of 16 bits may round what is halfway to either side.
        away = np.abs(found - down @ np.rint(x @ across.T))
        assert away.max() < 1.52
        assert away.mean() < 0.3
