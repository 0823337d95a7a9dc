"""Partial inverses of max pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd import rename
from lamella_core.conventions.common import anywhere
from lamella_nn.functional.arguments import listed, times
from lamella_nn.functional.pooling import window_settings
from lamella_nn.ops import pooling as ops

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core import Tensor
    from lamella_core.typing import Ints

__all__ = ["max_unpool1d", "max_unpool2d", "max_unpool3d"]


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """The partial inverse of :func:`max_pool1d`; see :func:`max_unpool2d`."""
    return _max_unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """The partial inverse of :func:`max_pool2d`: maxima at their places, zeros elsewhere.

    Args:
        input: the maxima.
        indices: the indices that the pooling returned.
        output_size: the sizes of the result, where more than one would fit.

    Raises:
        ValueError: when ``output_size`` is not one that pools to the input's sizes.
        RuntimeError: when input and indices differ in shape, or an index lies outside.
    """
    return _max_unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """The partial inverse of :func:`max_pool3d`; see :func:`max_unpool2d`."""
    return _max_unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)


def _max_unpool(
    name: str,
    dims: int,
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    output_size: Any,
) -> Tensor:
    kernel, strides, paddings = window_settings(name, dims, kernel_size, stride, padding)
    shape = input._array.shape
    if indices._array.shape != shape:
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor {listed(shape)} but "
            f"got indices tensor with shape: {listed(indices._array.shape)}"
        )
    if len(shape) not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"{name}: expected a {dims + 1}D or {dims + 2}D input, but got size {listed(shape)}"
        )
    default = [
        (n - 1) * s + k - 2 * p
        for n, s, k, p in zip(shape[-dims:], strides, kernel, paddings, strict=True)
    ]
    sizes = default
    if output_size is not None:
        sizes = list(output_size)[-dims:]
        if len(output_size) not in (dims, dims + 1, dims + 2):
            raise ValueError(
                f"output_size should be a sequence containing {dims} or {dims + 2} elements, "
                "but it "
                f"has a length of '{len(output_size)}'"
            )
        for n, d, s in zip(sizes, default, strides, strict=True):
            if not d - s < n < d + s:
                raise ValueError(
                    f"invalid output_size {listed(sizes)} (each size must lie less than the stride "
                    f"{listed(strides)} away from {listed(default)})"
                )
    total = 1
    for n in sizes:
        total *= n
    if indices.numel() and anywhere((indices < 0) | (indices >= total)):
        raise RuntimeError(
            f"{name}: found an invalid max index {indices.max()} (output volumes are of size "
            f"{times(sizes)})"
        )
    name = "SqueezeBackward1" if dims == 1 else f"MaxUnpool{dims}DBackward0"
    return rename(ops.put_flat(input, indices, tuple(sizes), False), name)
