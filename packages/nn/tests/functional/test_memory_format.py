"""Channels-last images stay channels-last: the strides are those of PyTorch 2.13's results."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as torch
import lamella_nn as nn
from lamella_autograd import grad
from lamella_nn import functional as F

IMAGES = {
    "convolution": lambda x: F.conv2d(x, torch.ones(5, 4, 3, 3), torch.ones(5)),
    "in groups": lambda x: F.conv2d(x, torch.ones(4, 1, 3, 3), groups=4),
    "transposed": lambda x: F.conv_transpose2d(x, torch.ones(4, 5, 2, 2), stride=2),
    "max_pool": lambda x: F.max_pool2d(x, 2),
    "indices": lambda x: F.max_pool2d(x, 2, return_indices=True)[1],
    "max_unpool": lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
    "avg_pool": lambda x: F.avg_pool2d(x, 2),
    "lp_pool": lambda x: F.lp_pool2d(x, 2, 2),
    "adaptive_avg_pool": lambda x: F.adaptive_avg_pool2d(x, 2),
    "adaptive_max_pool": lambda x: F.adaptive_max_pool2d(x, 2),
    "batch_norm": lambda x: F.batch_norm(x, None, None, training=True),
    "group_norm": lambda x: F.group_norm(x, 2, torch.ones(4)),
    "local_response_norm": lambda x: F.local_response_norm(x, 2),
    "constant": lambda x: F.pad(x, (1, 1, 1, 1)),
    "reflect": lambda x: F.pad(x, (1, 1, 1, 1), "reflect"),
    "replicate": lambda x: F.pad(x, (1, 1, 1, 1), "replicate"),
    "nearest": lambda x: F.interpolate(x, scale_factor=2),
    "bilinear": lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
    "bicubic": lambda x: F.interpolate(x, scale_factor=2, mode="bicubic"),
    "area": lambda x: F.interpolate(x, size=(3, 3), mode="area"),
    "antialias": lambda x: F.interpolate(x, size=(3, 3), mode="bilinear", antialias=True),
    "pixel_unshuffle": lambda x: F.pixel_unshuffle(x, 2),
    "channel_shuffle": lambda x: F.channel_shuffle(x, 2),
    "relu": F.relu,
    "dropout": lambda x: F.dropout(x, 0.5, False),
    "nan_to_num": torch.nan_to_num,
    "cat of channels": lambda x: torch.cat([x, x], 1),
    "cat of rows": lambda x: torch.cat([x, x], 2),
    "cat of a batch": lambda x: torch.cat([x, x]),
}
VOLUMES = {
    "convolution": lambda x: F.conv3d(x, torch.ones(5, 4, 2, 2, 2)),
    "transposed": lambda x: F.conv_transpose3d(x, torch.ones(4, 5, 2, 2, 2)),
    "max_pool": lambda x: F.max_pool3d(x, 2),
    "batch_norm": lambda x: F.batch_norm(x, None, None, training=True),
    "group_norm": lambda x: F.group_norm(x, 2),
    "replicate": lambda x: F.pad(x, (1,) * 6, "replicate"),
    "nearest": lambda x: F.interpolate(x, scale_factor=2),
    "trilinear": lambda x: F.interpolate(x, scale_factor=2, mode="trilinear"),
}
ROW_MAJOR = {
    "adaptive_avg_pool": lambda x: F.adaptive_avg_pool3d(x, 2),
    "adaptive_max_pool": lambda x: F.adaptive_max_pool3d(x, 2),
    "avg_pool": lambda x: F.avg_pool3d(x, 2),
    "circular": lambda x: F.pad(x, (1,) * 6, "circular"),
    "softmax": lambda x: F.softmax(x, 1),
    "log_softmax": lambda x: F.log_softmax(x, 1),
}


def innermost_channels(shape):
    """Strides of the shape with dimension 1 innermost, by NumPy."""
    order = (0, *range(2, len(shape)), 1)
    last = np.empty([shape[dim] for dim in order], "u1")
    return np.moveaxis(last, -1, 1).strides


@pytest.mark.parametrize("name", IMAGES)
def test_images(name):
    x = torch.randn(2, 4, 6, 8)
    result = IMAGES[name](x.contiguous(memory_format=torch.channels_last))
    plain = IMAGES[name](x)
    assert result.stride() == innermost_channels(result.shape)
    assert plain.is_contiguous()
    np.testing.assert_allclose(result.numpy(), plain.numpy(), 1e-5, 1e-5)


@pytest.mark.parametrize("name", VOLUMES)
def test_volumes(name):
    x = torch.randn(2, 4, 4, 6, 8)
    result = VOLUMES[name](x.contiguous(memory_format=torch.channels_last_3d))
    assert result.stride() == innermost_channels(result.shape)
    np.testing.assert_allclose(result.numpy(), VOLUMES[name](x).numpy(), 1e-4, 1e-5)


@pytest.mark.parametrize("name", ROW_MAJOR)
def test_what_is_row_major_all_the_same(name):
    x = torch.randn(2, 4, 4, 6, 8).contiguous(memory_format=torch.channels_last_3d)
    assert ROW_MAJOR[name](x).is_contiguous()


def test_a_convolution_goes_by_its_weight_too():
    for out, kernel in ((5, 3), (5, 1)):
        layer = nn.Conv2d(4, out, kernel).to(memory_format=torch.channels_last)
        result = layer(torch.ones(2, 4, 6, 8))
        assert result.stride() == innermost_channels(result.shape)


@pytest.mark.parametrize(
    "op",
    [
        lambda x: F.batch_norm(x, None, None, training=True),
        lambda x: F.max_pool2d(x, 2),
        lambda x: F.avg_pool2d(x, 2),
        lambda x: F.adaptive_avg_pool2d(x, 3),
        lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
    ],
)
def test_gradients_have_the_images_format(op):
    x = torch.randn(2, 4, 6, 8).contiguous(memory_format=torch.channels_last).requires_grad_()
    result = op(x)
    weights = torch.randn(result.shape).contiguous(memory_format=torch.channels_last)
    (slope,) = grad(result, x, weights)
    assert slope.stride() == innermost_channels(slope.shape)
    again = x.detach().contiguous().requires_grad_()
    (expected,) = grad(op(again), again, weights.contiguous())
    assert expected.is_contiguous()
    np.testing.assert_allclose(slope.numpy(), expected.numpy(), 1e-5, 1e-6)


def test_gradients_pass():
    layer = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2))
    x = torch.randn(2, 3, 6, 8)
    layer(x).sum().backward()
    expected = layer[0].weight.grad.clone()
    layer.zero_grad()
    layer(x.contiguous(memory_format=torch.channels_last)).sum().backward()
    np.testing.assert_allclose(layer[0].weight.grad.numpy(), expected.numpy(), 1e-5, 1e-5)
