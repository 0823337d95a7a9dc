"""Padding kernels against numpy.pad."""

from __future__ import annotations

import numpy as np

from lamella_nn.kernels import padding as kernels


def test_constant():
    x = np.arange(12.0).reshape(2, 2, 3)
    np.testing.assert_array_equal(
        kernels.constant_pad_nd(np, x, (1, 2, 0, 1), 7.0),
        np.pad(x, [(0, 0), (0, 1), (1, 2)], constant_values=7.0),
    )


def test_negative_numbers_cut_off():
    x = np.arange(12.0).reshape(2, 6)
    np.testing.assert_array_equal(kernels.constant_pad_nd(np, x, (-1, -2), 0), x[:, 1:-2])
    np.testing.assert_array_equal(
        kernels.constant_pad_nd(np, x, (-2, 1), 0), np.pad(x[:, 2:], [(0, 0), (0, 1)])
    )
