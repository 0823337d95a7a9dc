"""Fractional pooling: as many windows as are wanted, placed by a random number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lamella_core as core
from lamella_nn.functional.arguments import listed, per_dimension
from lamella_nn.ops.fractional_pooling import fractional_max_pool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core import Tensor
    from lamella_core.typing import Ints

__all__ = [
    "fractional_max_pool2d", "fractional_max_pool2d_with_indices", "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
]  # fmt: skip


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Ints,
    output_size: Ints | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """The largest element of each of as many windows as are wanted.

    From B. Graham, "Fractional Max-Pooling" (2015): windows overlap where they have to, their
    steps are two numbers in an order that a random number decides for each image and channel.

    Args:
        input: ``(batch, channels, height, width)`` or ``(channels, height, width)``.
        kernel_size: the window, one number or one a dimension.
        output_size: how many windows; or
        output_ratio: one fraction a dimension, how many for the input's size.
        return_indices: also return the flat index, in its image, of each element chosen.
        _random_samples: the random numbers, ``(batch, channels, 2)``: for the width, then for the
            height.

    Raises:
        ValueError: neither ``output_size`` nor ``output_ratio`` is given.
        RuntimeError: when the settings do not fit the input.
    """
    return _fractional_max_pool(
        2, input, kernel_size, output_size, output_ratio, return_indices, _random_samples
    )


def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Ints,
    output_size: Ints | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """The largest element of each of as many windows as are wanted; see
    :func:`fractional_max_pool2d`.

    The input has a depth before height and width, the random numbers are for depth, height and
    width in this order, and ``output_ratio`` may be one number for all.
    """
    return _fractional_max_pool(
        3, input, kernel_size, output_size, output_ratio, return_indices, _random_samples
    )


def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Ints,
    output_size: Ints | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """:func:`fractional_max_pool2d` with its indices: the maxima, and their places as int64.

    The arguments and errors are those of :func:`fractional_max_pool2d`; ``return_indices`` has no
    effect.
    """
    return fractional_max_pool2d(
        input, kernel_size, output_size, output_ratio, True, _random_samples
    )


def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Ints,
    output_size: Ints | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """:func:`fractional_max_pool3d` with its indices: the maxima, and their places as int64.

    The arguments and errors are those of :func:`fractional_max_pool3d`; ``return_indices`` has no
    effect.
    """
    return fractional_max_pool3d(
        input, kernel_size, output_size, output_ratio, True, _random_samples
    )


def _fractional_max_pool(
    dims: int,
    input: Tensor,
    kernel_size: Any,
    output_size: Any,
    output_ratio: Any,
    return_indices: bool,
    samples: Tensor | None,
) -> Any:
    name = f"fractional_max_pool{dims}d"
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    shape = input._array.shape
    if len(shape) not in (dims + 1, dims + 2):
        raise (IndexError if len(shape) <= dims else RuntimeError)(
            f"{name}: expected a {dims + 1}D or {dims + 2}D input, but got size {listed(shape)}"
        )
    sizes = shape[-dims:]
    kernel = per_dimension(name, "kernel_size", kernel_size, dims)
    if output_size is None:
        ratios = _ratios(name, output_ratio, dims)
        output_size = [int(n * r) for n, r in zip(sizes, ratios, strict=True)]
    out = per_dimension(name, "output_size", output_size, dims)
    for axis, n in enumerate(shape[-dims - 1 :], len(shape) - dims - 1):
        if not n:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but "
                f"got{listed(shape)} with dimension {axis} being empty."
            )
    _check_windows(name, sizes, kernel, out)
    batched = input if len(shape) == dims + 2 else input.unsqueeze(0)
    lead = tuple(batched._array.shape[:2])
    if samples is None:
        samples = core.rand(*lead, dims, dtype=input.dtype, device=input.device)
    else:
        _check_samples(samples, lead, dims, input)
        samples = samples[: lead[0], : lead[1]]
    # PyTorch's order of the random numbers is from the last dimension on in the plane.
    if dims == 2:
        samples = samples.flip(-1)
    values, indices = fractional_max_pool(batched, samples, kernel, out)
    if batched is not input:
        values, indices = values.squeeze(0), indices.squeeze(0)
    return (values, indices) if return_indices else values


def _ratios(name: str, output_ratio: Any, dims: int) -> Sequence[float]:
    if isinstance(output_ratio, (tuple, list)):
        if len(output_ratio) != dims:
            raise ValueError(
                f"{name} requires output_ratio to either be a single number or a tuple of {dims}, "
                f"but got {output_ratio}"
            )
        return output_ratio
    if dims == 2:
        raise TypeError(
            f"{name}: output_ratio must be a tuple of 2 numbers, but got {output_ratio}"
        )
    return [output_ratio] * dims


_NAMES = {2: ("height", "width"), 3: ("time", "height", "width")}


def _check_windows(
    name: str, sizes: Sequence[int], kernel: Sequence[int], out: Sequence[int]
) -> None:
    dims = len(sizes)
    for label, n, k, count in zip(_NAMES[dims], sizes, kernel, out, strict=True):
        if k < 1:
            raise RuntimeError(f"{name}: kernel_size must be positive, but got {listed(kernel)}")
        if count < 0:
            raise RuntimeError(f"{name}: output_size must not be negative, but got {listed(out)}")
        # In three dimensions PyTorch wants one element more than the windows need.
        if count + k - 1 > n - (dims == 3):
            raise RuntimeError(
                f"{name}(): pool {label} {k} too large relative to input {label} {n} for "
                f"{count} windows"
            )


def _check_samples(samples: Tensor, lead: tuple[int, int], dims: int, input: Tensor) -> None:
    shape = samples._array.shape
    if samples._dtype is not input._dtype:
        raise RuntimeError(
            "Expect _random_samples to have the same dtype as input, but got "
            f"{samples.dtype} and {input.dtype}"
        )
    if len(shape) != 3:
        raise RuntimeError(f"Expect _random_samples to have 3 dimensions, got {len(shape)}")
    if shape[0] < lead[0]:
        raise RuntimeError(
            "Expect _random_samples.size(0) no less then input batch size, but got "
            f"{listed(shape)} for a batch of {lead[0]}"
        )
    if shape[1] < lead[1]:
        raise RuntimeError(
            "Expect _random_samples.size(1) equals to input channel size, but got "
            f"{listed(shape)} for {lead[1]} channels"
        )
    if shape[2] != dims:
        raise RuntimeError(f"Expect _random_samples.size(2) equals to {dims}; got {shape[2]}.")
