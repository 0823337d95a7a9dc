"""Layers joined with the batch normalization behind them."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as torch
import lamella_nn as nn
from lamella_nn.utils import (
    fuse_conv_bn_eval,
    fuse_conv_bn_weights,
    fuse_linear_bn_eval,
    fuse_linear_bn_weights,
)


def normalization(kind, features, affine=True):
    bn = kind(features, affine=affine)
    bn.running_mean = torch.randn(features)
    bn.running_var = torch.rand(features) + 0.5
    if affine:
        bn.weight.data, bn.bias.data = torch.randn(features), torch.randn(features)
    return bn.eval()


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("transpose", [True, False])
def test_convolution(transpose, bias, affine):
    torch.manual_seed(0)
    kind = nn.ConvTranspose2d if transpose else nn.Conv2d
    conv, bn = kind(2, 3, 2, bias=bias).eval(), normalization(nn.BatchNorm2d, 3, affine)
    fused = fuse_conv_bn_eval(conv, bn, transpose)
    x = torch.randn(2, 2, 5, 5)
    expected = bn(conv(x)).detach().numpy()
    np.testing.assert_allclose(fused(x).detach().numpy(), expected, atol=1e-5)
    assert fused is not conv
    assert isinstance(fused, kind)
    assert isinstance(fused.bias, nn.Parameter)


@pytest.mark.parametrize("features", [3, 1])
def test_linear(features):
    linear, bn = nn.Linear(4, 3).eval(), normalization(nn.BatchNorm1d, features)
    fused = fuse_linear_bn_eval(linear, bn)
    x = torch.randn(5, 4)
    y = linear(x).detach().numpy()
    mean, variance = bn.running_mean.numpy(), bn.running_var.numpy()
    expected = (y - mean) / np.sqrt(variance + bn.eps)
    expected = expected * bn.weight.detach().numpy() + bn.bias.detach().numpy()
    np.testing.assert_allclose(fused(x).detach().numpy(), expected, atol=1e-5)


def test_weights_keep_dtype_and_whether_they_are_learnt():
    mean, variance = torch.tensor([1.0, 2.0]), torch.tensor([4.0, 9.0])
    weight = nn.Parameter(torch.ones(2, 3).half(), requires_grad=False)
    w, b = fuse_linear_bn_weights(weight, None, mean, variance, 0.0, torch.ones(2), None)
    assert w.dtype is b.dtype is torch.float16
    assert not w.requires_grad
    w, b = fuse_conv_bn_weights(torch.ones(2, 1, 1), None, mean, variance, 0.0, None, None)
    assert w.flatten().tolist() == pytest.approx([1 / 2, 1 / 3])
    assert b.tolist() == pytest.approx([-1 / 2, -2 / 3])


def test_errors():
    conv, bn = nn.Conv2d(1, 1, 1), normalization(nn.BatchNorm2d, 1)
    with pytest.raises(AssertionError, match="only for eval"):
        fuse_conv_bn_eval(conv, bn)
    with pytest.raises(AssertionError, match="must not be None"):
        fuse_conv_bn_eval(conv.eval(), nn.BatchNorm2d(1, track_running_stats=False).eval())
    with pytest.raises(AssertionError, match="out_features=2 and bn.num_features=3"):
        fuse_linear_bn_eval(nn.Linear(2, 2).eval(), normalization(nn.BatchNorm1d, 3))


def test_a_bias_that_there_was_not_requires_no_gradient():
    bn = normalization(nn.BatchNorm2d, 3)
    fused = fuse_conv_bn_eval(nn.Conv2d(2, 3, 2, bias=False).eval(), bn)
    assert fused.weight.requires_grad and not fused.bias.requires_grad
