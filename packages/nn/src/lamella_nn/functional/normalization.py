"""Normalizations: by batch, layer, group, instance, root mean square, neighbouring channels."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import TYPE_CHECKING

import lamella_core as core
from lamella_autograd import rename
from lamella_autograd.modes import TRANSFORMING
from lamella_core.conventions.common import not_implemented_for
from lamella_core.dispatch import modes
from lamella_core.dtype import REDUCED_PRECISION
from lamella_core.formats import suggests_channels_last
from lamella_nn.functional.arguments import listed
from lamella_nn.functional.memory_format import in_format_of
from lamella_nn.functional.padding import pad
from lamella_nn.functional.parts import in_slices
from lamella_nn.functional.pooling import avg_pool2d, avg_pool3d
from lamella_nn.functional.precision import as_given, single
from lamella_nn.ops.normalization import (
    native_batch_norm,
    native_group_norm,
    native_layer_norm,
    scale_and_shift,
    scale_channels,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core import Tensor

__all__ = [
    "batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm", "normalize",
    "rms_norm",
]  # fmt: skip


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """``(x - mean) / sqrt(variance + eps) * weight + bias`` by channel, over batch and places.

    Args:
        input: ``(batch, channels, *places)``.
        running_mean, running_var: ``(channels,)``. In training they move by ``momentum`` towards
            the input's mean and unbiased variance; otherwise they are the statistics.
        weight, bias: ``(channels,)``.
        training: whether the statistics are the input's.

    Raises:
        ValueError: in training, when a channel has one value only; for an ``eps`` that is negative
            or, in training, 0.
        RuntimeError: when sizes do not fit, or running statistics are missing.

    S. Ioffe, C. Szegedy, "Batch Normalization", 2015.
    """
    return batch_norm_with_statistics(
        input, running_mean, running_var, weight, bias, training, momentum, eps
    )[0]


def batch_norm_with_statistics(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """The result of :func:`batch_norm`, and in training the input's mean and biased variance."""
    if training and eps <= 0:
        raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    if eps < 0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
    shape = input._array.shape
    if len(shape) == 1 and not shape[0]:
        return input.clone(), None, None
    if len(shape) < 2:
        raise RuntimeError(
            "batch_norm: expected an input of at least 2 dimensions (batch, channels), but "
            "got size "
            f"{listed(shape)}"
        )
    channels = shape[1]
    if not input._dtype.is_floating_point:
        raise not_implemented_for("batch_norm", input._dtype)
    check_types(input, running_mean, running_var, weight, bias)
    named = {
        "running_mean": running_mean,
        "running_var": running_var,
        "weight": weight,
        "bias": bias,
    }
    for name, tensor in named.items():
        if tensor is not None and tensor._array.size != channels:
            raise RuntimeError(
                f"{name} should contain {channels} elements not {tensor._array.size}"
            )
    if not training:
        if running_mean is None or running_var is None:
            missing = "running_mean" if running_mean is None else "running_var"
            raise RuntimeError(f"{missing} must be defined in evaluation mode")
        result = _by_running_statistics(input, running_mean, running_var, weight, bias, eps)
        return rename(_row_major(input, result), "NativeBatchNormBackward0"), None, None
    count = shape[0] * prod(shape[2:])
    if count == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {input.shape}"
        )
    result, mean, variance = native_batch_norm(input, weight, bias, eps)
    if not count:
        return result, mean, variance
    if running_mean is not None:
        _move(running_mean, mean, momentum, 1.0)
    if running_var is not None:
        _move(running_var, variance, momentum, count / max(count - 1, 1))
    return result, mean, variance


def _row_major(input: Tensor, result: Tensor) -> Tensor:
    """The result, row-major unless the input is channels-last."""
    if result.is_contiguous() or suggests_channels_last(input._array):
        return result
    return result.contiguous()


def _move(running: Tensor, batch: Tensor, momentum: float, factor: float) -> None:
    if modes.bits & TRANSFORMING:
        from lamella_autograd.levels import write_constant

        write_constant(running, batch.detach(), partial(_write, momentum=momentum, factor=factor))
    else:
        _write(running, batch.detach(), momentum, factor)


def _write(running: Tensor, batch: Tensor, momentum: float, factor: float) -> None:
    if running._dtype in REDUCED_PRECISION:
        running.copy_(running.float() * (1 - momentum) + batch.float() * (momentum * factor))
        return
    running.mul_(1 - momentum).add_(batch.to(running.dtype), alpha=momentum * factor)


def _by_running_statistics(
    input: Tensor,
    mean: Tensor,
    variance: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> Tensor:
    shape = (-1, *[1] * (input.ndim - 2))
    scale = (single(variance) + eps).rsqrt()
    if weight is not None:
        scale = scale * weight
    shift = mean * scale
    shift = -shift if bias is None else bias - shift
    half = input._dtype in REDUCED_PRECISION
    fits = scale._dtype is shift._dtype is (core.float32 if half else input._dtype)
    if fits and (half or not (input.is_contiguous() or suggests_channels_last(input._array))):
        return scale_channels(input, scale, shift)
    result = scale_and_shift(input, scale.reshape(shape), shift.reshape(shape))
    return as_given(result, input) if half else result


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """:func:`batch_norm` of each example by itself.

    Args:
        input: ``(batch, channels, *places)``.
        running_mean, running_var: ``(channels,)``; they move towards the mean over the examples.
        weight, bias: ``(channels,)``.
        use_input_stats: otherwise the running statistics are used.

    Raises:
        ValueError: when an example's channel has one value only.
        RuntimeError: when sizes do not fit, or running statistics are missing.

    D. Ulyanov, A. Vedaldi, V. Lempitsky, "Instance Normalization", 2016.
    """
    shape = input._array.shape
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError(
            "Expected running_mean and running_var to be defined when use_input_stats is false"
        )
    if use_input_stats and prod(shape[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 spatial element when training, got input size {input.shape}"
        )
    if not use_input_stats:
        result = batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
        return rename(result, "ViewBackward0")
    result, mean, variance = native_group_norm(input.contiguous(), shape[1], weight, bias, eps)
    count = prod(shape[2:])
    if running_mean is not None:
        _move(running_mean, mean.detach().mean(0), momentum, 1.0)
    if running_var is not None:
        unbiased = count / max(count - 1, 1)
        spread = variance.detach().mean(0)
        _move(running_var, spread, momentum, unbiased)
    return rename(result, "ViewBackward0")


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """``(x - mean) / sqrt(variance + eps) * weight + bias`` over the last dimensions.

    Args:
        input: ``(..., *normalized_shape)``.
        weight, bias: of shape ``normalized_shape``.

    Raises:
        RuntimeError: when the shapes do not fit.

    J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer Normalization", 2016.
    """
    sizes = normalized_sizes(input, normalized_shape, weight, bias)
    check_types(input, weight, bias)
    return native_layer_norm(input, sizes, weight, bias, eps)[0].contiguous()


def check_types(input: Tensor, *parameters: Tensor | None) -> None:
    """Raises RuntimeError unless parameters have the input's dtype, or float32 for half of it."""
    own = input._dtype
    for each in parameters:
        if each is None or each._dtype is own:
            continue
        if own not in REDUCED_PRECISION or each._dtype is not core.float32:
            raise RuntimeError(
                f"mixed dtype: expect parameter to have scalar type of {own.class_name}, the "
                f"input's, but it is {each._dtype.class_name}"
            )


def normalized_sizes(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None, bias: Tensor | None
) -> tuple[int, ...]:
    """The sizes that a layer normalization is over.

    Raises:
        RuntimeError: when the shapes do not fit.
    """
    sizes = tuple(normalized_shape)
    if not sizes:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
            "element, but got normalized_shape = []"
        )
    for name, tensor in (("weight", weight), ("bias", bias)):
        if tensor is not None and tensor._array.shape != sizes:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                f"{listed(tensor._array.shape)} and normalized_shape = {listed(sizes)}"
            )
    shape = input._array.shape
    if len(shape) < len(sizes) or shape[len(shape) - len(sizes) :] != sizes:
        expected = "".join(f", {n}" for n in sizes)
        raise RuntimeError(
            f"Given normalized_shape={listed(sizes)}, expected input with shape [*{expected}], but "
            f"got input of size{listed(shape)}"
        )
    return sizes


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Mean 0 and variance 1 over each group of channels of each example, then an affine map.

    Args:
        input: ``(batch, channels, *places)``.
        num_groups: a divisor of the channels.
        weight, bias: ``(channels,)``.

    Raises:
        RuntimeError: when the sizes do not fit.
        ValueError: when a group has one value only.

    Y. Wu, K. He, "Group Normalization", 2018.
    """
    check_groups(input, num_groups, weight, bias)
    shape = input._array.shape
    channels = shape[1]
    size = channels // num_groups * prod(shape[2:])
    if shape[0] * size == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size "
            f"{[shape[0] * channels // num_groups, num_groups, *shape[2:]]}"
        )
    return native_group_norm(input, num_groups, weight, bias, eps)[0]


def check_groups(
    input: Tensor, num_groups: int, weight: Tensor | None, bias: Tensor | None
) -> None:
    """Raises RuntimeError unless the sizes of a group normalization fit."""
    shape = input._array.shape
    if len(shape) < 2:
        raise RuntimeError(
            f"Expected at least 2 dimensions for input tensor but received {len(shape)}"
        )
    channels = shape[1]
    if num_groups < 1:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {num_groups}")
    if channels % num_groups:
        raise RuntimeError(
            f"Expected number of channels in input to be divisible by num_groups, but got input of "
            f"shape {listed(shape)} and num_groups={num_groups}"
        )
    for name, tensor in (("weight", weight), ("bias", bias)):
        if tensor is not None and tensor._array.shape != (channels,):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, "
                f"but got {name} of shape {listed(tensor._array.shape)} and input of shape "
                f"{listed(shape)}"
            )
    check_types(input, weight, bias)


def rms_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """``x / sqrt(mean(x^2) + eps) * weight`` over the last dimensions.

    Args:
        input: ``(..., *normalized_shape)``.
        weight: of shape ``normalized_shape``.
        eps: by default the spacing of numbers at 1 of the input's dtype.

    Raises:
        RuntimeError: when the shapes do not fit.

    B. Zhang, R. Sennrich, "Root Mean Square Layer Normalization", 2019.
    """
    sizes = normalized_sizes(input, normalized_shape, weight, None)
    if eps is None:
        real = input._dtype.to_real()
        eps = _EPSILON["float32" if real in REDUCED_PRECISION else real.name]
    dims = tuple(range(-len(sizes), 0))

    def apply(part: Tensor) -> Tensor:
        values = single(part)
        result = values * (values.square().mean(dims, True) + eps).rsqrt()
        if weight is not None:
            result = result * weight
        return as_given(result, part)

    if input._dtype not in REDUCED_PRECISION:
        return _row_major(input, apply(input))
    lead = input._array.shape[: input.ndim - len(sizes)]
    if len(lead) > 1 and input.is_contiguous():
        return in_slices(apply, 0, input.reshape(-1, *sizes), weight).reshape(*lead, *sizes)
    return _row_major(input, in_slices(apply, 0, input, weight))


_EPSILON = {"float32": 2.0**-23, "float64": 2.0**-52}


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """``x / (k + alpha * mean of x^2 over size neighbouring channels)^beta``.

    Args:
        input: ``(batch, channels, *places)``.
        size: how many channels, half of them before.

    Raises:
        ValueError: for fewer than 3 dimensions.

    A. Krizhevsky, I. Sutskever, G. E. Hinton, "ImageNet Classification with Deep Convolutional
    Neural Networks", 2012.
    """
    dims = input.ndim
    if dims < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {dims} dimensions)")
    if not input.numel():
        return input
    before, behind = size // 2, (size - 1) // 2

    # Nothing has a name, so that each step is freed when the next one is done.
    def means(input: Tensor) -> Tensor:
        if dims == 3:
            padded = pad(input.mul(input).unsqueeze(1), (0, 0, before, behind))
            return avg_pool2d(padded, (size, 1), stride=1).squeeze(1)
        shape = input._array.shape
        flat = (shape[0], 1, shape[1], shape[2], prod(shape[3:]))
        padded = pad(input.mul(input).reshape(flat), (0, 0, 0, 0, before, behind))
        return avg_pool3d(padded, (size, 1, 1), stride=1).squeeze(1).reshape(shape)

    def apply(part: Tensor) -> Tensor:
        return in_format_of(part, part / means(part).mul(alpha).add(k).pow(beta))

    return in_slices(apply, 2, input)


def normalize(
    input: Tensor,
    p: float = 2.0,
    dim: int | None = 1,
    eps: float = 1e-12,
    out: Tensor | None = None,
) -> Tensor:
    """``x / max(|x|_p, eps)`` along ``dim``: vectors of length 1.

    Args:
        input: floating or complex, of any shape.
        p: the degree of the norm.
        dim: the dimension of the vectors.
        eps: the least length that is divided by, for vectors of zeros.
        out: a tensor to write into.

    Raises:
        RuntimeError: for integers and bools.
        IndexError: when ``dim`` is out of range.
    """
    length = core.norm(input, p, dim, True).clamp(min=eps).expand_as(input)
    return core.div(input, length, out=out) if out is not None else input / length
