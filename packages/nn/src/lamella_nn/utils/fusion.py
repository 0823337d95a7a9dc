"""Layers joined with the batch normalization behind them, for inference."""

from __future__ import annotations

from copy import deepcopy
from typing import TypeVar

from lamella_core import Tensor, ones_like, rsqrt, zeros_like
from lamella_nn.modules.batchnorm import _BatchNorm
from lamella_nn.modules.conv import _ConvNd
from lamella_nn.modules.linear import Linear
from lamella_nn.parameter import Parameter

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval",
           "fuse_linear_bn_weights"]  # fmt: skip

Conv = TypeVar("Conv", bound=_ConvNd)
LinearLayer = TypeVar("LinearLayer", bound=Linear)


def fuse_conv_bn_eval(conv: Conv, bn: _BatchNorm, transpose: bool = False) -> Conv:
    """A convolution that does what ``conv`` and then ``bn`` do in evaluation.

    Args:
        conv: a convolution in evaluation mode; it stays as it is.
        bn: a batch normalization in evaluation mode.
        transpose: whether the convolution is a transposed one.

    Raises:
        AssertionError: one of them is in training mode, or ``bn`` has no running statistics.
    """
    mean, variance = _statistics(conv.training or bn.training, bn)
    fused = deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, mean, variance, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of a convolution with the batch normalization behind it.

    With ``s = w_bn / sqrt(variance + eps)``: ``w s`` and ``(b - mean) s + b_bn``.

    Args:
        conv_w, conv_b: of the convolution; without bias when None.
        bn_rm, bn_rv: running mean and variance.
        bn_eps: what is added to the variance.
        bn_w, bn_b: of the normalization; ones and zeros when None.
        transpose: whether the second dimension of the weight is that of the outputs.
    """
    scale = rsqrt(bn_rv + bn_eps) * (ones_like(bn_rm) if bn_w is None else bn_w)
    shape = [1] * conv_w.dim()
    shape[int(transpose)] = -1
    bias = zeros_like(bn_rm) if conv_b is None else conv_b
    shift = zeros_like(bn_rm) if bn_b is None else bn_b
    return _parameters(
        conv_w, conv_b, conv_w * scale.reshape(shape), (bias - bn_rm) * scale + shift
    )


def fuse_linear_bn_eval(linear: LinearLayer, bn: _BatchNorm) -> LinearLayer:
    """A linear layer that does what ``linear`` and then ``bn`` do in evaluation.

    Args:
        linear: in evaluation mode; it stays as it is.
        bn: a batch normalization in evaluation mode, of as many features, or of one.

    Raises:
        AssertionError: one of them is in training mode, the features do not fit, or ``bn`` has no
            running statistics.
    """
    mean, variance = _statistics(linear.training or bn.training, bn)
    if bn.num_features not in (linear.out_features, 1):
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got "
            f"linear.out_features={linear.out_features} and bn.num_features={bn.num_features}"
        )
    fused = deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        fused.weight, fused.bias, mean, variance, bn.eps, bn.weight, bn.bias
    )
    return fused


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of a linear layer with the batch normalization behind it.

    The arguments are those of ``fuse_conv_bn_weights``.
    """
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)


def _statistics(training: bool, bn: _BatchNorm) -> tuple[Tensor, Tensor]:
    if training:
        raise AssertionError("Fusion only for eval!")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")
    return bn.running_mean, bn.running_var


def _parameters(
    weight: Tensor, bias: Tensor | None, new_weight: Tensor, new_bias: Tensor
) -> tuple[Parameter, Parameter]:
    """Parameters of the old ones' dtypes, that require gradients where the old ones did."""
    needs = bias is not None and bias.requires_grad
    kind = weight.dtype if bias is None else bias.dtype
    return (
        Parameter(new_weight.detach().to(weight.dtype), weight.requires_grad),
        Parameter(new_bias.detach().to(kind), needs),
    )
