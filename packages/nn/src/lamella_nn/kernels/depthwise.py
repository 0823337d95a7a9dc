"""Convolutions with one input channel a group, as sums of shifted products.

There is nothing to sum over channels here, so columns and matrix products would only add copies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_nn.kernels.windows import inner, kernel_slices, padded

if TYPE_CHECKING:
    from lamella_nn.kernels.windows import Sizes

WIDEST = 4


def suits(channels: int, features: int, groups: int) -> bool:
    """Whether groups are many and narrow enough."""
    return groups > 1 and channels == groups and features <= WIDEST * groups


def _shifted(weight: Any, groups: int, position: Sizes) -> Any:
    """The weights at one kernel position, as ``(groups, features of a group, 1, …)``."""
    taps = weight[(slice(None), 0, *position)]
    return taps.reshape(groups, -1, *[1] * len(position))


def forward(
    xp: Any,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
    out: Sizes,
) -> Any:
    spread = padded(xp, input, padding)[:, :, None]
    multiple = weight.shape[0] // groups
    total = xp.zeros((input.shape[0], groups, multiple, *out), input.dtype)
    if bias is not None:
        total += bias.reshape(groups, multiple, *[1] * len(out))
    for position, slices in kernel_slices(weight.shape[2:], stride, dilation, out):
        total += spread[(..., *slices)] * _shifted(weight, groups, position)
    return total.reshape(input.shape[0], weight.shape[0], *out)


def input_grad(
    xp: Any,
    grad: Any,
    weight: Any,
    sizes: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> Any:
    out = grad.shape[2:]
    grad = grad.reshape(grad.shape[0], groups, -1, *out)
    spread = [n + 2 * p for n, p in zip(sizes, padding, strict=True)]
    total = xp.zeros((grad.shape[0], groups, *spread), grad.dtype)
    for position, slices in kernel_slices(weight.shape[2:], stride, dilation, out):
        total[(..., *slices)] += (grad * _shifted(weight, groups, position)).sum(2)
    return xp.ascontiguousarray(total[(..., *inner(sizes, padding))])


def weight_grad(
    xp: Any,
    input: Any,
    grad: Any,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> Any:
    features, out = grad.shape[1], grad.shape[2:]
    spread = padded(xp, input, padding)[:, :, None]
    grad = grad.reshape(grad.shape[0], groups, -1, *out)
    axes = (0, *range(3, grad.ndim))
    result = xp.empty((features, 1, *kernel), input.dtype)
    for position, slices in kernel_slices(kernel, stride, dilation, out):
        products = spread[(..., *slices)] * grad
        result[(slice(None), 0, *position)] = products.sum(axes).reshape(-1)
    return result
