"""Pooling: maxima, means and powers of windows, and of regions whose number is given."""

from __future__ import annotations

from functools import lru_cache
from math import inf
from typing import TYPE_CHECKING, Any

from lamella_autograd import rename
from lamella_core.dtype import FLOATING
from lamella_nn.functional.arguments import is_constant, listed, per_dimension, times
from lamella_nn.kernels.pooling import pooled_sizes
from lamella_nn.ops import pooling as ops

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core import Tensor
    from lamella_core.typing import Ints

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices", "adaptive_max_pool2d", "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d", "adaptive_max_pool3d_with_indices", "avg_pool1d", "avg_pool2d",
    "avg_pool3d", "lp_pool1d", "lp_pool2d", "lp_pool3d", "max_pool1d", "max_pool1d_with_indices",
    "max_pool2d", "max_pool2d_with_indices", "max_pool3d", "max_pool3d_with_indices",
]  # fmt: skip


# ------------ maxima of windows


def max_pool1d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window over one dimension; see :func:`max_pool2d`."""
    return _max_pool(
        "max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def max_pool2d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window; a window that holds a NaN gives NaN.

    Args:
        input: ``(batch, channels, height, width)`` or ``(channels, height, width)``.
        kernel_size: the window, one number or one a dimension.
        stride: from window to window; the kernel size when None.
        padding: how far windows reach beyond the ends, at most half of the kernel; what is there
            is never the largest.
        dilation: the step between elements of a window.
        ceil_mode: whether a last window may reach beyond the end.
        return_indices: also return the flat index, in its image, of each element chosen.

    Returns:
        The maxima, ``(n + 2 padding - dilation (kernel - 1) - 1) // stride + 1`` a dimension; or
        a tuple of them and the int64 indices.

    Raises:
        RuntimeError: when the settings leave no window, or do not fit the input.
    """
    return _max_pool(
        "max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def max_pool3d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window over three dimensions; see :func:`max_pool2d`."""
    return _max_pool(
        "max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """:func:`max_pool1d` with its indices: the maxima, and their places as int64.

    The arguments and errors are those of :func:`max_pool1d`; ``return_indices`` has no effect.
    """
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """:func:`max_pool2d` with its indices: the maxima, and their places as int64.

    The arguments and errors are those of :func:`max_pool2d`; ``return_indices`` has no effect.
    """
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """:func:`max_pool3d` with its indices: the maxima, and their places as int64.

    The arguments and errors are those of :func:`max_pool3d`; ``return_indices`` has no effect.
    """
    return max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def _max_pool(
    name: str,
    dims: int,
    input: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    kernel, strides, paddings = window_settings(name, dims, kernel_size, stride, padding)
    dilations = per_dimension(name, "dilation", dilation, dims)
    if min(dilations) < 1:
        raise RuntimeError(f"dilation should be greater than zero, but got {listed(dilations)}")
    _check(name, dims, input._array.shape, kernel, strides, paddings, dilations, ceil_mode)
    settings = kernel, strides, paddings, dilations, bool(ceil_mode)
    if not return_indices and is_constant(input):
        return ops.max_pool(input, *settings)
    values, indices = ops.max_pool_with_indices(input, *settings)
    return (values, indices) if return_indices else values


def window_settings(
    name: str, dims: int, kernel_size: Any, stride: Any, padding: Any
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """The kernel, the strides and the paddings, one a dimension, checked."""
    kernel = per_dimension(name, "kernel_size", kernel_size, dims)
    if min(kernel) < 1:
        raise RuntimeError(
            f"{name}: kernel size should be greater than zero, but got {listed(kernel)}"
        )
    if stride is None or (isinstance(stride, (tuple, list)) and not stride):
        strides = kernel
    else:
        strides = per_dimension(name, "stride", stride, dims)
        if 0 in strides:
            raise RuntimeError(f"stride should not be zero, but got {listed(strides)}")
        if min(strides) < 0:
            raise RuntimeError(f"stride must be greater than zero, but got {listed(strides)}")
    return kernel, strides, per_dimension(name, "padding", padding, dims)


@lru_cache(256)
def _check(
    name: str,
    dims: int,
    shape: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    ceil_mode: bool,
) -> None:
    """Raises RuntimeError unless there is a window along each dimension."""
    if len(shape) not in (dims + 1, dims + 2) or 0 in shape[-dims - 1 :]:
        raise RuntimeError(
            f"{name}: Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with optional 0 dim "
            f"batch size for input, but got:{listed(shape)}"
        )
    for k, p, d in zip(kernel, padding, dilation, strict=True):
        if p < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {p}")
        if p > (d * (k - 1) + 1) // 2:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={p}, "
                f"kernel_size={k} and dilation={d}"
            )
    out = pooled_sizes(shape[-dims:], kernel, stride, padding, dilation, ceil_mode)
    if min(out) < 1:
        raise RuntimeError(
            f"Given input size: {times(shape[-dims - 1 :])}. Calculated output size: "
            f"{times((shape[-dims - 1], *[max(n, 0) for n in out]))}. Output size is too small"
        )


# ------------ means of windows


def avg_pool1d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window over one dimension; see :func:`avg_pool2d`."""
    return _avg_pool(
        "avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None
    )


def avg_pool2d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The mean of each window.

    Args:
        input: ``(batch, channels, height, width)`` or ``(channels, height, width)``.
        kernel_size, stride, padding, ceil_mode: as in :func:`max_pool2d`; the padding is zeros.
        count_include_pad: whether the zeros of the padding count as elements.
        divisor_override: what to divide sums by instead of the number of elements.

    Raises:
        RuntimeError: when the settings leave no window, or do not fit the input.
    """
    return _avg_pool(
        "avg_pool2d",
        2,
        input,
        kernel_size,
        stride,
        padding,
        ceil_mode,
        count_include_pad,
        divisor_override,
        out,
    )


def avg_pool3d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The mean of each window over three dimensions; see :func:`avg_pool2d`."""
    return _avg_pool(
        "avg_pool3d",
        3,
        input,
        kernel_size,
        stride,
        padding,
        ceil_mode,
        count_include_pad,
        divisor_override,
        out,
    )


def _avg_pool(
    name: str,
    dims: int,
    input: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
    out: Tensor | None = None,
) -> Tensor:
    kernel, strides, paddings = window_settings(name, dims, kernel_size, stride, padding)
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero")
    _check(name, dims, input._array.shape, kernel, strides, paddings, (1,) * dims, ceil_mode)
    return ops.avg_pool(
        input,
        kernel,
        strides,
        paddings,
        bool(ceil_mode),
        bool(count_include_pad),
        divisor_override,
        out=out,
    )


# ------------ powers of windows


def lp_pool1d(
    input: Tensor,
    norm_type: float,
    kernel_size: int,
    stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """The p-norm of each window, ``(sum x^p)^(1/p)``, over one dimension; see :func:`lp_pool2d`.

    Args:
        input: ``(batch, channels, length)`` or ``(channels, length)``.
        norm_type: p; of infinity, the largest magnitude.
        kernel_size, stride, ceil_mode: as in :func:`avg_pool1d`.
    """
    return _lp_pool(1, avg_pool1d, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor,
    norm_type: float,
    kernel_size: Ints,
    stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """The p-norm of each window, ``(sum x^p)^(1/p)``.

    Args:
        norm_type: p; of infinity, the largest magnitude.
        kernel_size, stride, ceil_mode: as in :func:`avg_pool2d`.
    """
    return _lp_pool(2, avg_pool2d, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor,
    norm_type: float,
    kernel_size: Ints,
    stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """The p-norm of each window, ``(sum x^p)^(1/p)``, over three dimensions.

    Args:
        input: ``(batch, channels, depth, height, width)``, or without the batch.
        norm_type: p; of infinity, the largest magnitude.
        kernel_size, stride, ceil_mode: as in :func:`avg_pool3d`.
    """
    return _lp_pool(3, avg_pool3d, input, norm_type, kernel_size, stride, ceil_mode)


def _lp_pool(
    dims: int,
    mean: Any,
    input: Tensor,
    norm_type: float,
    kernel_size: Any,
    stride: Any,
    ceil_mode: bool,
) -> Tensor:
    kernel = per_dimension(f"lp_pool{dims}d", "kernel_size", kernel_size, dims)
    count = 1
    for k in kernel:
        count *= k
    if norm_type == inf:
        name = f"lp_pool{dims}d"
        return _max_pool(name, dims, input.abs(), kernel, stride, 0, 1, ceil_mode, False)
    means = mean(input.pow(norm_type), kernel, stride, 0, ceil_mode)
    return (means.sign() * means.abs().relu()).mul(count).pow(1.0 / norm_type)


# ------------ regions by their number


def adaptive_avg_pool1d(input: Tensor, output_size: Ints) -> Tensor:
    """Means over ``output_size`` regions of the last dimension; see :func:`adaptive_avg_pool2d`."""
    return _adaptive_avg_pool("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Means over as many regions as ``output_size`` says, whatever the input's size.

    Region i of m of a dimension of size n runs from ``i n // m`` to ``ceil((i + 1) n / m)``.

    Args:
        input: ``(batch, channels, height, width)`` or ``(channels, height, width)``.
        output_size: one number or one a dimension; None keeps the input's size.

    Raises:
        RuntimeError: for another number of dimensions, or a negative size.
    """
    return _adaptive_avg_pool("adaptive_avg_pool2d", 2, input, output_size)


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """Means over regions of three dimensions; see :func:`adaptive_avg_pool2d`."""
    return _adaptive_avg_pool("adaptive_avg_pool3d", 3, input, output_size)


def _adaptive_avg_pool(name: str, dims: int, input: Tensor, output_size: Any) -> Tensor:
    sizes = _adaptive_sizes(name, dims, input, output_size)
    if sizes == (1,) * dims and input._dtype.category == FLOATING:
        result = input.mean(tuple(range(-dims, 0)), keepdim=True)
        return rename(result, "SqueezeBackward1") if dims == 1 else result
    return ops.adaptive_avg_pool(input, sizes)


def _adaptive_sizes(name: str, dims: int, input: Tensor, output_size: Any) -> tuple[int, ...]:
    shape = input._array.shape
    if dims > 1 and isinstance(output_size, (tuple, list)) and len(output_size) >= len(shape):
        raise ValueError(
            f"Input dimension should be at least {len(output_size) + 1}, but got an input of size "
            f"{listed(shape)}"
        )
    if len(shape) not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor, but got: {listed(shape)}"
        )
    if 0 in shape[len(shape) - dims :]:
        raise RuntimeError(
            f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input "
            f"has sizes {listed(shape)}"
        )
    if not isinstance(output_size, (tuple, list)):
        if dims == 1 and output_size is None:
            raise TypeError(
                f"{name}(): argument 'output_size' (position 2) must be tuple of ints, not NoneType"
            )
        wanted: Sequence[Any] = (output_size,) * dims
    else:
        wanted = output_size
    if len(wanted) != dims:
        raise RuntimeError(f"{name}: output_size must be {dims}, but got {listed(wanted)}")
    sizes = [n if m is None else m for n, m in zip(shape[-dims:], wanted, strict=True)]
    if min(sizes) < 0:
        raise RuntimeError(
            f"{name}: elements of output_size must be greater than or equal to 0 but received "
            f"{{{', '.join(map(str, sizes))}}}"
        )
    return per_dimension(name, "output_size", sizes, dims)


def adaptive_max_pool1d(input: Tensor, output_size: Ints, return_indices: bool = False) -> Any:
    """The largest elements of regions; see :func:`adaptive_avg_pool2d` for the regions."""
    return _adaptive_max_pool("adaptive_max_pool1d", 1, input, output_size, return_indices)


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest elements of regions; see :func:`adaptive_avg_pool2d` for the regions.

    Args:
        return_indices: also return the flat index, in its image, of each element chosen.
    """
    return _adaptive_max_pool("adaptive_max_pool2d", 2, input, output_size, return_indices)


def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest elements of regions; see :func:`adaptive_avg_pool2d` for the regions."""
    return _adaptive_max_pool("adaptive_max_pool3d", 3, input, output_size, return_indices)


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: Ints, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """:func:`adaptive_max_pool1d` with its indices: the maxima, and their places as int64.

    The arguments and errors are those of :func:`adaptive_max_pool1d`; ``return_indices`` has no
    effect.
    """
    return adaptive_max_pool1d(input, output_size, True)


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """:func:`adaptive_max_pool2d` with its indices: the maxima, and their places as int64.

    The arguments and errors are those of :func:`adaptive_max_pool2d`; ``return_indices`` has no
    effect.
    """
    return adaptive_max_pool2d(input, output_size, True)


def adaptive_max_pool3d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """:func:`adaptive_max_pool3d` with its indices: the maxima, and their places as int64.

    The arguments and errors are those of :func:`adaptive_max_pool3d`; ``return_indices`` has no
    effect.
    """
    return adaptive_max_pool3d(input, output_size, True)


def _adaptive_max_pool(
    name: str, dims: int, input: Tensor, output_size: Any, return_indices: bool
) -> Any:
    sizes = _adaptive_sizes(name, dims, input, output_size)
    values, indices = ops.adaptive_max_pool(input, sizes)
    return (values, indices) if return_indices else values
