"""Convolutions, transposed convolutions, and the columns they are made of."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any

from lamella_autograd import rename
from lamella_nn.functional.arguments import listed, per_dimension, spaced
from lamella_nn.ops.convolution import (
    convolution,
    convolution_input_grad,
    fold_windows,
    unfold_windows,
)

if TYPE_CHECKING:
    from lamella_core import Tensor
    from lamella_core.typing import Ints

__all__ = [
    "conv1d", "conv2d", "conv3d", "conv_tbc", "conv_transpose1d", "conv_transpose2d",
    "conv_transpose3d", "fold", "unfold",
]  # fmt: skip


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlation over one dimension; see :func:`conv2d`.

    Args:
        input: ``(batch, channels, length)`` or ``(channels, length)``.
        weight: ``(features, channels / groups, kernel)``.
    """
    return _conv("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlation of images with a set of kernels.

    ``out[n, o, x, y] = bias[o] + sum_{c, i, j} input[n, c, s x + d i - p, s y + d j - p] *
    weight[o, c, i, j]``, the input being 0 outside.

    Args:
        input: ``(batch, channels, height, width)`` or ``(channels, height, width)``.
        weight: ``(features, channels / groups, kernel height, kernel width)``.
        bias: ``(features,)``.
        stride, dilation: one number, or one a dimension.
        padding: zeros on both ends; ``"valid"`` is 0, and ``"same"`` (stride 1 only) keeps the
            sizes, the odd zero going behind.
        groups: channels and features are divided into this many separate convolutions.

    Raises:
        RuntimeError: when shapes, dtypes or settings do not fit together.
    """
    return _conv("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlation over three dimensions; see :func:`conv2d`.

    Args:
        input: ``(batch, channels, depth, height, width)``, or without the batch.
        weight: ``(features, channels / groups, *kernel)``.
    """
    return _conv("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """Cross-correlation over time, which is the first dimension; see :func:`conv1d`.

    Args:
        input: ``(time, batch, channels)``.
        weight: ``(kernel, channels, features)``.
        bias: ``(features,)``.
        pad: zeros before and after.

    Returns:
        ``(time + 2 pad - kernel + 1, batch, features)``.

    Raises:
        RuntimeError: when shapes do not fit one another.
    """
    if input.ndim != 3 or weight.ndim != 3 or bias.ndim != 1:
        raise RuntimeError(
            "conv_tbc: expected input and weight of 3 dimensions and bias of 1, but got "
            f"{listed(input._array.shape)}, {listed(weight._array.shape)} and "
            f"{listed(bias._array.shape)}"
        )
    result = conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad)
    return result.permute(2, 0, 1).contiguous()


def _conv(
    name: str,
    dims: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Tensor:
    shape = input._array.shape
    batched = len(shape) == dims + 2
    if not batched and len(shape) != dims + 1:
        raise RuntimeError(
            f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {name}, but got "
            f"input of size: {listed(shape)}"
        )
    kernel = weight._array.shape[2:]
    stride = _setting(name, "stride", stride, len(kernel))
    dilation = _setting(name, "dilation", dilation, len(kernel))
    same = None
    if isinstance(padding, str):
        padding, same = _named_padding(padding, kernel, stride, dilation)
    else:
        padding = _setting(name, "padding", padding, len(kernel))
    if not batched:
        input = input.unsqueeze(0)
        shape = input._array.shape
    if same is not None:
        from lamella_nn.functional.padding import pad

        input = pad(input, same)
    _check(
        input._array.shape,
        shape,
        weight._array.shape,
        None if bias is None else bias._array.shape,
        stride,
        padding,
        dilation,
        groups,
    )
    _check_dtypes(input, weight, bias)
    result = convolution(input, weight, bias, stride, padding, dilation, groups)
    return result if batched else result.squeeze(0)


def _setting(name: str, argument: str, value: Any, dims: int) -> tuple[int, ...]:
    if value.__class__ is int:
        return (value,) * dims
    if isinstance(value, (tuple, list)) and len(value) not in (1, dims):
        raise RuntimeError(
            f"expected {argument} to be a single integer value or a list of {dims} values to match "
            f"the convolution dimensions, but got {argument}={listed(value)}"
        )
    return per_dimension(name, argument, value, dims)


def _named_padding(
    padding: str, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[tuple[int, ...], list[int] | None]:
    """The symmetric padding, and the zeros to add before where ``"same"`` needs unequal ends."""
    if padding == "valid":
        return (0,) * len(kernel), None
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}'; expected 'same' or 'valid'")
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    totals = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    before = tuple([t // 2 for t in totals])
    if not any(t % 2 for t in totals):
        return before, None
    behind: list[int] = []
    for total in reversed(totals):
        behind += [0, total % 2]
    return before, behind


@lru_cache(256)
def _check(
    shape: tuple[int, ...],
    shown: tuple[int, ...],
    sizes: tuple[int, ...],
    bias: tuple[int, ...] | None,
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    groups: int,
) -> None:
    """Raises RuntimeError unless shapes and settings make a convolution."""
    kernel = sizes[2:]
    if min(padding, default=0) < 0:
        raise RuntimeError(f"negative padding is not supported, got {listed(padding)}")
    if min(stride, default=1) < 1:
        raise RuntimeError(f"non-positive stride is not supported, got {listed(stride)}")
    if min(dilation, default=1) < 1:
        raise RuntimeError(f"non-positive dilation is not supported, got {listed(dilation)}")
    if groups < 1:
        raise RuntimeError(f"non-positive groups is not supported, got {groups}")
    if len(sizes) != len(shape):
        raise RuntimeError(
            f"Expected a {len(shape)}-dimensional weight for an input of size {listed(shown)}, but "
            f"got weight of size {listed(sizes)}"
        )
    if sizes[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but "
            f"got weight of size {listed(sizes)} instead"
        )
    if sizes[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, "
            f"but got weight of size [{listed(sizes)}] instead"
        )
    if shape[1] != sizes[1] * groups:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {listed(sizes)}, expected input{listed(shown)} "
            f"to have {sizes[1] * groups} channels, but got {shape[1]} channels instead"
        )
    if bias is not None and bias != sizes[:1]:
        raise RuntimeError(
            f"Given weight of size {listed(sizes)}, expected bias to be 1-dimensional with "
            f"{sizes[0]} elements, but got bias of size {listed(bias)} instead"
        )
    if min(kernel, default=1) < 1:
        raise RuntimeError(
            f"the kernel must have no size 0, but got weight of size {listed(sizes)}"
        )
    for n, p, k, d in zip(shape[2:], padding, kernel, dilation, strict=True):
        if n + 2 * p < d * (k - 1) + 1:
            padded = [n + 2 * p for n, p in zip(shape[2:], padding, strict=True)]
            reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
            raise RuntimeError(
                f"Calculated padded input size per channel: {spaced(padded)}. Kernel size: "
                f"{spaced(reach)}. Kernel size can't be greater than actual input size"
            )


def _check_dtypes(input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    dtype = input._dtype
    if weight._dtype is not dtype:
        raise RuntimeError(
            f"expected scalar type {dtype.class_name} but found {weight._dtype.class_name} (the "
            f"weight must have the input's dtype; convert one of them with .to())"
        )
    if bias is not None and bias._dtype is not dtype:
        names = {"float32": "float", "float64": "double"}
        raise RuntimeError(
            f"Input type ({names.get(dtype.name, dtype.name)}) and bias type "
            f"({names.get(bias._dtype.name, bias._dtype.name)}) should be the same"
        )


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Tensor:
    """The adjoint of :func:`conv1d`; see :func:`conv_transpose2d`."""
    return _conv_transpose(
        "conv_transpose1d",
        1,
        input,
        weight,
        bias,
        stride,
        padding,
        output_padding,
        groups,
        dilation,
    )


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Tensor:
    """The adjoint of :func:`conv2d`: each element spreads over the window it would come from.

    The output's sizes are ``(n - 1) s - 2p + d (k - 1) + output_padding + 1``.

    Args:
        input: ``(batch, channels, height, width)`` or ``(channels, height, width)``.
        weight: ``(channels, features / groups, kernel height, kernel width)``.
        bias: ``(features,)``.
        stride, padding, dilation, groups: those of the convolution that this is the adjoint of.
        output_padding: how much larger the output is than the smallest that fits, less than
            stride or dilation.

    Raises:
        RuntimeError: when shapes, dtypes or settings do not fit together.
    """
    return _conv_transpose(
        "conv_transpose2d",
        2,
        input,
        weight,
        bias,
        stride,
        padding,
        output_padding,
        groups,
        dilation,
    )


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Tensor:
    """The adjoint of :func:`conv3d`; see :func:`conv_transpose2d`."""
    return _conv_transpose(
        "conv_transpose3d",
        3,
        input,
        weight,
        bias,
        stride,
        padding,
        output_padding,
        groups,
        dilation,
    )


def _conv_transpose(
    name: str,
    dims: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Tensor:
    shape = input._array.shape
    batched = len(shape) == dims + 2
    if not batched and len(shape) != dims + 1:
        raise RuntimeError(
            f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {name}, but got "
            f"input of size: {listed(shape)}"
        )
    stride = _setting(name, "stride", stride, dims)
    padding = _setting(name, "padding", padding, dims)
    dilation = _setting(name, "dilation", dilation, dims)
    extra = _setting(name, "output_padding", output_padding, dims)
    if not batched:
        input = input.unsqueeze(0)
        shape = input._array.shape
    _check_transposed(shape, weight, bias, stride, padding, extra, dilation, groups)
    _check_dtypes(input, weight, bias)
    kernel = weight._array.shape[2:]
    sizes = tuple(
        [
            (n - 1) * s - 2 * p + d * (k - 1) + e + 1
            for n, s, p, d, k, e in zip(
                shape[2:], stride, padding, dilation, kernel, extra, strict=True
            )
        ]
    )
    if min(sizes) < 1:
        raise RuntimeError(
            f"Given input size per channel: {spaced(shape[2:])}. Calculated output size per "
            f"channel: {spaced(sizes)}. Output size is too small"
        )
    result = convolution_input_grad(input, weight, sizes, stride, padding, dilation, groups)
    if bias is not None:
        result = rename(result + bias.reshape(-1, *[1] * dims), "ConvolutionBackward0")
    return result if batched else result.squeeze(0)


def _check_transposed(
    shape: tuple[int, ...],
    weight: Tensor,
    bias: Tensor | None,
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    extra: tuple[int, ...],
    dilation: tuple[int, ...],
    groups: int,
) -> None:
    """Raises RuntimeError unless shapes and settings make a transposed convolution."""
    sizes = weight._array.shape
    if min(padding) < 0:
        raise RuntimeError(f"negative padding is not supported, got {listed(padding)}")
    if min(extra) < 0:
        raise RuntimeError(f"negative output_padding is not supported, got {listed(extra)}")
    if min(stride) < 1:
        raise RuntimeError(f"non-positive stride is not supported, got {listed(stride)}")
    if min(dilation) < 1:
        raise RuntimeError(f"non-positive dilation is not supported, got {listed(dilation)}")
    if groups < 1:
        raise RuntimeError(f"non-positive groups is not supported, got {groups}")
    if len(sizes) != len(shape):
        raise RuntimeError(
            f"Expected a {len(shape)}-dimensional weight for an input of size {listed(shape)}, but "
            f"got weight of size {listed(sizes)}"
        )
    if sizes[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, "
            f"but got weight of size [{listed(sizes)}] instead"
        )
    if shape[1] != sizes[0]:
        raise RuntimeError(
            f"Given transposed=1, weight of size {listed(sizes)}, expected input{listed(shape)} to "
            f"have {sizes[0]} channels, but got {shape[1]} channels instead"
        )
    if bias is not None and bias._array.shape != (sizes[1] * groups,):
        raise RuntimeError(
            f"Given transposed=1, weight of size {listed(sizes)}, expected bias to be "
            f"1-dimensional with {sizes[1] * groups} elements, but got bias of size "
            f"{listed(bias._array.shape)} instead"
        )
    if any(e >= s and e >= d for e, s, d in zip(extra, stride, dilation, strict=True)):
        raise RuntimeError(
            f"output padding must be smaller than either stride or dilation, but got "
            f"output_padding: {listed(extra)} stride: {listed(stride)} dilation: {listed(dilation)}"
        )


def unfold(
    input: Tensor, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1
) -> Tensor:
    """Each window of an image as a column.

    Args:
        input: ``(batch, channels, height, width)`` or ``(channels, height, width)``.

    Returns:
        ``(batch, channels * kernel height * kernel width, windows)``.

    Raises:
        RuntimeError: for another number of dimensions, or when no window fits.
    """
    kernel, dilations, paddings, strides = _window_settings(
        "unfold", kernel_size, dilation, padding, stride
    )
    shape = input._array.shape
    if len(shape) not in (3, 4) or 0 in shape[-3:]:
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {listed(shape)}"
        )
    blocks = _blocks(shape[-2:], kernel, strides, paddings, dilations)
    if min(blocks) < 1:
        raise RuntimeError(
            f"Given input with spatial size ({shape[-2]}, {shape[-1]}), kernel_size={kernel}, "
            f"dilation={dilations}, padding={paddings}, stride={strides}, calculated shape of the "
            f"array of sliding blocks as {blocks}, but its components must be at least one."
        )
    if len(shape) == 4:
        return unfold_windows(input, kernel, strides, paddings, dilations)
    return unfold_windows(input.unsqueeze(0), kernel, strides, paddings, dilations).squeeze(0)


def fold(
    input: Tensor,
    output_size: Ints,
    kernel_size: Ints,
    dilation: Ints = 1,
    padding: Ints = 0,
    stride: Ints = 1,
) -> Tensor:
    """The adjoint of :func:`unfold`: columns added up into an image.

    Args:
        input: ``(batch, channels * kernel height * kernel width, windows)``, or without the batch.
        output_size: height and width of the image.

    Raises:
        RuntimeError: when the input's sizes are not those of the windows.
    """
    sizes = per_dimension("fold", "output_size", output_size, 2)
    kernel, dilations, paddings, strides = _window_settings(
        "fold", kernel_size, dilation, padding, stride
    )
    shape = input._array.shape
    if len(shape) not in (2, 3) or 0 in shape[-2:]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and "
            f"non-zero dimensions for input, but got: {listed(shape)}"
        )
    if shape[-2] % prod(kernel):
        raise RuntimeError(
            f"Expected size of input's dimension 1 to be divisible by the product of kernel_size, "
            f"but got input.size(1)={shape[-2]} and kernel_size={kernel}."
        )
    blocks = _blocks(sizes, kernel, strides, paddings, dilations)
    if min(blocks) < 1 or prod(blocks) != shape[-1]:
        raise RuntimeError(
            f"Given output_size={sizes}, kernel_size={kernel}, dilation={dilations}, "
            f"padding={paddings}, stride={strides}, expected size of input's dimension 2 to match "
            f"the calculated number of sliding blocks {blocks[0]} * {blocks[1]} = {prod(blocks)}, "
            f"but got input.size(2)={shape[-1]}."
        )
    if len(shape) == 3:
        return fold_windows(input, sizes, kernel, strides, paddings, dilations)
    result = fold_windows(input.unsqueeze(0), sizes, kernel, strides, paddings, dilations)
    return rename(result.squeeze(0), "Col2ImBackward0")


def _window_settings(
    name: str, kernel_size: Any, dilation: Any, padding: Any, stride: Any
) -> tuple[tuple[int, ...], ...]:
    kernel = per_dimension(name, "kernel_size", kernel_size, 2)
    dilations = per_dimension(name, "dilation", dilation, 2)
    paddings = per_dimension(name, "padding", padding, 2)
    strides = per_dimension(name, "stride", stride, 2)
    for argument, numbers in (
        ("kernel_size", kernel),
        ("stride", strides),
        ("dilation", dilations),
    ):
        if min(numbers) < 1:
            raise RuntimeError(f"{argument} should be greater than zero, but got {numbers}")
    if min(paddings) < 0:
        raise RuntimeError(f"padding should be non-negative, but got {paddings}")
    return kernel, dilations, paddings, strides


def _blocks(
    sizes: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
) -> tuple[int, ...]:
    return tuple(
        [
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, k, s, p, d in zip(sizes, kernel, stride, padding, dilation, strict=True)
        ]
    )
