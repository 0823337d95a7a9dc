"""Fractional pooling: PyTorch's regions from the same seed, gradients, errors."""

from __future__ import annotations

import pytest

import lamella_autograd as autograd
import lamella_core as torch
from lamella_nn import functional as F


def test_regions_are_pytorchs():
    # PyTorch 2.13: manual_seed(1); fractional_max_pool2d(arange(99).view(1, 1, 9, 11), 2, (4, 5)).
    image = torch.arange(99.0).reshape(1, 1, 9, 11)
    torch.manual_seed(1)
    result = F.fractional_max_pool2d(image, 2, (4, 5))
    assert result[0, 0].tolist() == [
        [12.0, 14.0, 17.0, 19.0, 21.0],
        [34.0, 36.0, 39.0, 41.0, 43.0],
        [67.0, 69.0, 72.0, 74.0, 76.0],
        [89.0, 91.0, 94.0, 96.0, 98.0],
    ]
    volume = torch.arange(7 * 5 * 6.0).reshape(1, 1, 7, 5, 6)
    torch.manual_seed(1)
    result = F.fractional_max_pool3d(volume, (2, 1, 2), output_ratio=0.5)
    assert result.flatten().tolist() == [
        31.0,
        33.0,
        35.0,
        55.0,
        57.0,
        59.0,
        121.0,
        123.0,
        125.0,
        145.0,
        147.0,
        149.0,
        181.0,
        183.0,
        185.0,
        205.0,
        207.0,
        209.0,
    ]


@pytest.mark.parametrize("shape", [(2, 2, 5, 6), (2, 5, 6)])
def test_gradients(shape):
    samples = torch.rand(2, 2, 2, dtype=torch.float64)
    image = torch.randn(shape, dtype=torch.float64, requires_grad=True)

    def pool(image):
        return F.fractional_max_pool2d(image, 2, 3, _random_samples=samples)

    assert autograd.gradcheck(pool, (image,))
    assert autograd.gradgradcheck(pool, (image,))


def test_indices_lead_back():
    volume = torch.randn(2, 3, 4, 5, 6)
    values, indices = F.fractional_max_pool3d_with_indices(volume, 2, (2, 3, 4))
    assert values.shape == indices.shape == (2, 3, 2, 3, 4)
    assert torch.equal(volume.flatten(2).gather(2, indices.flatten(2)), values.flatten(2))


IMAGE = torch.zeros(2, 3, 6, 7)
ERRORS = [
    (ValueError, "either an output_size or an output_ratio", {}),
    (TypeError, "tuple of 2 numbers", {"output_ratio": 0.5}),
    (ValueError, "tuple of 2", {"output_ratio": (0.5, 0.5, 0.5)}),
    (RuntimeError, "pool height 2 too large relative to input height 6", {"output_size": (6, 3)}),
    (RuntimeError, "must not be negative", {"output_size": -1}),
    (RuntimeError, "must be positive", {"output_size": 1, "kernel_size": 0}),
    (RuntimeError, r"size\(2\) equals to 2; got 3", {"_random_samples": torch.zeros(2, 3, 3)}),
    (RuntimeError, r"\[1, 3, 2\] for a batch of 2", {"_random_samples": torch.zeros(1, 3, 2)}),
    (RuntimeError, r"\[2, 1, 2\] for 3 channels", {"_random_samples": torch.zeros(2, 1, 2)}),
    (RuntimeError, "3 dimensions, got 2", {"_random_samples": torch.zeros(2, 2)}),
    (RuntimeError, "same dtype", {"_random_samples": torch.zeros(2, 3, 2).double()}),
    (RuntimeError, "dimension 1 being empty", {"input": torch.zeros(2, 0, 6, 7)}),
    (IndexError, r"got size \[6, 7\]", {"input": torch.zeros(6, 7)}),
]


@pytest.mark.parametrize(("kind", "text", "wrong"), ERRORS)
def test_errors(kind, text, wrong):
    right = {"input": IMAGE, "kernel_size": 2}
    if "output_ratio" not in wrong and wrong:
        right["output_size"] = 3
    with pytest.raises(kind, match=text):
        F.fractional_max_pool2d(**(right | wrong))
