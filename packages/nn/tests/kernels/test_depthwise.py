"""Convolutions with a channel a group, some rows at a time."""

from __future__ import annotations

import numpy as np

from lamella_nn.kernels import depthwise


def test_rows_of_windows_in_the_padding_alone() -> None:
    """Each element of the input is in one window of a kernel of one element."""
    grad = np.arange(19.0 * 60_000).reshape(1, 1, 19, 60_000)
    settings = (1, 1), (5, 0), (1, 1), 1
    result = depthwise.input_grad(np, grad, np.full((1, 1, 1, 1), 2.0), (9, 60_000), *settings)
    assert np.array_equal(result, 2 * grad[:, :, 5:14])
