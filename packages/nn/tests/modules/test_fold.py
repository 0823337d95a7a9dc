"""Windows as columns, against NumPy's sliding windows.

Texts recorded from PyTorch 2.13.
"""

import numpy as np
import pytest

import lamella_core as lc
import lamella_nn as nn


def close(result, expected):
    np.testing.assert_allclose(result.detach().numpy(), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nn.Unfold(3), "Unfold(kernel_size=3, dilation=1, padding=0, stride=1)"),
        (
            nn.Unfold((3, 2), 2, 1, (1, 2)),
            "Unfold(kernel_size=(3, 2), dilation=2, padding=1, stride=(1, 2))",
        ),
        (nn.Fold(4, 3), "Fold(output_size=4, kernel_size=3, dilation=1, padding=0, stride=1)"),
        (
            nn.Fold((4, 5), (3, 2), 2, 1, (1, 2)),
            "Fold(output_size=(4, 5), kernel_size=(3, 2), dilation=2, padding=1, stride=(1, 2))",
        ),
    ],
)
def test_text(layer, text):
    assert repr(layer) == text


def test_unfold():
    image = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 2), axis=(2, 3))[:, :, :, ::2]
    expected = windows.transpose(0, 1, 4, 5, 2, 3).reshape(2, 18, -1)
    close(nn.Unfold((3, 2), stride=(1, 2))(lc.from_numpy(image)), expected)


def test_fold_adds_what_overlaps():
    columns = lc.ones(1, 4, 4)
    close(nn.Fold(3, 2)(columns), [[[[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]]])
