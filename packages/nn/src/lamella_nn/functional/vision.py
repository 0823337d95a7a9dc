"""Rearrangement of channels and places, and resampling."""

from __future__ import annotations

from math import floor, prod
from typing import TYPE_CHECKING, Any

import lamella_core as core
from lamella_autograd import rename
from lamella_core.conventions.common import not_implemented_for
from lamella_core.formats import suggests_channels_last
from lamella_core.warning import warn
from lamella_nn.functional.arguments import listed
from lamella_nn.functional.memory_format import in_format_of
from lamella_nn.kernels.neighbours import FILTERS, Axis
from lamella_nn.ops.resampling import resample, resample_bytes

if TYPE_CHECKING:
    from lamella_core import Tensor

__all__ = [
    "channel_shuffle", "interpolate", "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle",
    "upsample", "upsample_bilinear", "upsample_nearest",
]  # fmt: skip

# Elements of a result from which its memory is looked for before anything else.
_MANY = 1 << 24


def _own(moved: Tensor) -> Tensor:
    """A copy in its own order, which can be reshaped without another one."""
    return moved.clone(memory_format=core.contiguous_format)


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """``(*, C r^2, H, W)`` to ``(*, C, H r, W r)``: channels become places.

    Raises:
        RuntimeError: when the channels are no multiple of r^2, or there are under 3 dimensions.
    """
    shape = input._array.shape
    r = upscale_factor
    if len(shape) < 3:
        raise RuntimeError(
            f"pixel_shuffle expects input to have at least 3 dimensions, but got input with "
            f"{len(shape)} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    *lead, channels, height, width = shape
    if channels % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the "
            "square of "
            f"upscale_factor, but input.size(-3)={channels} is not divisible by {r * r}"
        )
    n = len(lead)
    split = input.reshape(*lead, channels // (r * r), r, r, height, width)
    if n == 1 and suggests_channels_last(input._array):
        last = _own(split.permute(0, 4, 2, 5, 3, 1)).reshape(lead[0], height * r, width * r, -1)
        return rename(last.movedim(-1, 1), "PixelShuffleBackward0")
    moved = split.permute(*range(n), n, n + 3, n + 1, n + 4, n + 2)
    result = _own(moved).reshape(*lead, channels // (r * r), height * r, width * r)
    return rename(in_format_of(input, result), "PixelShuffleBackward0")


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """``(*, C, H r, W r)`` to ``(*, C r^2, H, W)``: the inverse of :func:`pixel_shuffle`.

    Raises:
        RuntimeError: when height or width is no multiple of r, or there are under 3 dimensions.
    """
    shape = input._array.shape
    r = downscale_factor
    if len(shape) < 3:
        raise RuntimeError(
            f"pixel_unshuffle expects input to have at least 3 dimensions, but got input with "
            f"{len(shape)} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    *lead, channels, height, width = shape
    for name, size in (("height", height), ("width", width)):
        if size % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but "
                f"{size} is "
                f"not divisible by {r}"
            )
    n = len(lead)
    split = input.reshape(*lead, channels, height // r, r, width // r, r)
    if n == 1 and suggests_channels_last(input._array):
        last = _own(split.permute(0, 2, 4, 1, 3, 5)).reshape(lead[0], height // r, width // r, -1)
        return rename(last.movedim(-1, 1), "PixelUnshuffleBackward0")
    moved = split.permute(*range(n), n, n + 2, n + 4, n + 1, n + 3)
    result = _own(moved).reshape(*lead, channels * r * r, height // r, width // r)
    return rename(in_format_of(input, result), "PixelUnshuffleBackward0")


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Channels regrouped: channel i of group g goes to place ``i groups + g``.

    Raises:
        RuntimeError: when the channels are no multiple of ``groups``, or there are fewer than 3
            dimensions.
    """
    shape = input._array.shape
    if len(shape) < 3:
        raise RuntimeError(
            f"channel_shuffle expects input with > 2 dims, but got input with sizes {listed(shape)}"
        )
    if groups <= 0:
        raise RuntimeError(
            f"Number of groups to divide channels in must be positive. Value of groups:{groups}"
        )
    if shape[1] % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {shape[1]} channels and {groups} "
            f"groups."
        )
    split = input.reshape(shape[0], groups, shape[1] // groups, *shape[2:])
    if suggests_channels_last(input._array):
        moved = _own(split.permute(0, *range(3, split.ndim), 2, 1))
        result = moved.reshape(shape[0], *shape[2:], shape[1]).movedim(-1, 1)
    else:
        result = _own(split.transpose(1, 2)).reshape(shape)
    return rename(result, "ChannelShuffleBackward0")


def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """:func:`channel_shuffle`, by the name that PyTorch's own kernel has."""
    return channel_shuffle(input, groups)


_LINEAR = {"linear": 1, "bilinear": 2, "trilinear": 3}
_DIMENSIONS = {**_LINEAR, "bicubic": 2}


def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """``(batch, channels, *sizes)`` resampled to other sizes.

    Args:
        size: the new sizes, one number or one a dimension; or
        scale_factor: what to multiply the sizes by (rounded down).
        mode: ``"nearest"``, ``"nearest-exact"``, ``"linear"``, ``"bilinear"``, ``"trilinear"``,
            ``"bicubic"``, ``"area"``, or, with antialias, ``"lanczos"``.
        align_corners: linear modes: whether the corner elements keep their places; otherwise the
            edges of the images do.
        recompute_scale_factor: derive the scale of the coordinates from the sizes.
        antialias: for ``"bilinear"``, ``"bicubic"`` and ``"lanczos"`` of images that become
            smaller: average over all elements that are merged.

    Raises:
        ValueError: unless exactly one of ``size`` and ``scale_factor`` is given, or when they do
            not fit the input.
        NotImplementedError: for another mode, or a mode that the number of dimensions has not.
    """
    dims = input.ndim - 2
    if antialias and (f"averaging {mode}" not in FILTERS or dims != 2):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires "
            f"a 4-D tensor as input, but got mode {mode!r} and {input.ndim} dimensions"
        )
    if mode == "lanczos" and not antialias:
        raise ValueError("Lanczos mode requires antialias=True")
    if mode == "lanczos" and align_corners:
        raise ValueError("Lanczos mode does not support align_corners=True")
    if align_corners is not None and mode in ("nearest", "nearest-exact", "area"):
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | "
            "bilinear | "
            "bicubic | trilinear"
        )
    shape = input._array.shape
    sizes, scales = _resampled_sizes(shape, dims, size, scale_factor)
    if recompute_scale_factor:
        if size is not None:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        scales = None
    if min(sizes, default=1) < 1 or 0 in shape[1:]:
        raise RuntimeError(
            "Input and output sizes should be greater than 0, but got input (size "
            f"{listed(shape)}) "
            f"output (sizes {listed(sizes)})"
        )
    if prod(sizes) > _MANY:
        # Refused before the places are listed, where there is not the memory for the result.
        core.empty((*shape[:2], *sizes), dtype=input._dtype, device=input.device)
    if antialias:
        if not (input._dtype.is_floating_point or input._dtype is core.uint8):
            raise not_implemented_for(f"interpolate, mode {mode!r} with antialias", input._dtype)
        axes = _axes(shape, sizes, scales, f"averaging {mode}", bool(align_corners))
        name = f"Upsample{mode.capitalize()}2DAaBackward0"
        return _resampled(input, axes, name)
    if mode == "area" and dims in (1, 2, 3):
        from lamella_nn.functional.pooling import _adaptive_avg_pool

        return _adaptive_avg_pool("interpolate", dims, input, sizes)
    if mode in ("nearest", "nearest-exact") and dims in (1, 2, 3):
        if not input._dtype.is_floating_point and input._dtype is not core.uint8:
            raise not_implemented_for(f"interpolate, mode {mode!r}", input._dtype)
        return _resampled(input, _axes(shape, sizes, scales, mode, False), _name(mode, dims))
    if _LINEAR.get(mode) == dims or (mode == "bicubic" and dims == 2):
        if not (input._dtype.is_floating_point or (input._dtype is core.uint8 and dims == 2)):
            raise not_implemented_for(f"interpolate, mode {mode!r}", input._dtype)
        kind = "cubic" if mode == "bicubic" else "linear"
        axes = _axes(shape, sizes, scales, kind, bool(align_corners))
        return _resampled(input, axes, _name(mode, dims))
    if dims in (1, 2, 3) and mode in _DIMENSIONS:
        raise NotImplementedError(
            f"Got {input.ndim}D input, but {mode} mode needs {_DIMENSIONS[mode] + 2}D input"
        )
    raise NotImplementedError(
        f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.ndim}D) for the "
        "modes: nearest | linear | bilinear | bicubic | trilinear | lanczos | area | "
        f"nearest-exact (got {mode})"
    )


def _name(mode: str, dims: int) -> str:
    """PyTorch's name of the node of resampling."""
    return f"Upsample{mode.title().replace('-', '')}{dims}DBackward0"


def _axes(
    shape: tuple[int, ...],
    sizes: list[int],
    scales: list[float] | None,
    mode: str,
    align_corners: bool,
) -> tuple[Axis, ...]:
    axes = []
    for i, (n, m) in enumerate(zip(shape[2:], sizes, strict=True)):
        if mode in FILTERS and n == m:
            ratio = 1.0
        elif align_corners:
            ratio = (n - 1) / (m - 1) if m > 1 else 0.0
        else:
            ratio = n / m if scales is None else 1 / scales[i]
        axes.append(Axis(n, m, mode, ratio, align_corners))
    return tuple(axes)


def _resampled(input: Tensor, axes: tuple[Axis, ...], name: str) -> Tensor:
    if input._dtype is core.uint8 and not axes[0].mode.startswith("nearest"):
        return in_format_of(input, resample_bytes(input, axes))
    return rename(in_format_of(input, resample(input, axes)), name)


def _resampled_sizes(
    shape: tuple[int, ...], dims: int, size: Any, scale_factor: Any
) -> tuple[list[int], list[float] | None]:
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    given = size if size is not None else scale_factor
    numbers = list(given) if isinstance(given, (tuple, list)) else [given] * dims
    if len(numbers) != dims:
        name = "output size" if size is not None else "scale_factor"
        raise ValueError(
            f"Input and {name} must have the same number of spatial dimensions, but got input with "
            f"spatial dimensions of {listed(shape[2:])} and {name} of {numbers}. Please "
            "provide input "
            f"tensor in (N, C, d1, d2, ...,dK) format and {name} in (o1, o2, ...,oK) format."
        )
    if size is not None:
        for n in numbers:
            if n is numbers[0] is True or isinstance(n, float) or not hasattr(n, "__index__"):
                raise TypeError(
                    f"interpolate(): argument 'size' must be an int or a tuple of ints, not of "
                    f"{type(n).__name__}"
                )
        return [int(n) for n in numbers], None
    lengths = [n * s for n, s in zip(shape[2:], numbers, strict=True)]
    if not all(-(2**63) <= n < 2**63 for n in lengths):
        raise RuntimeError(
            f"interpolate(): scale_factor {numbers} makes sizes that overflow: {lengths}"
        )
    return [floor(n) for n in lengths], numbers


def _warn_of_old_name(name: str) -> None:
    warn(f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.")


def upsample(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """The old name of :func:`interpolate`, with its arguments; it warns.

    There is no ``recompute_scale_factor`` and no ``antialias``.
    """
    _warn_of_old_name("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """The old name of :func:`interpolate` with mode ``"nearest"``; it warns.

    Args:
        input, size, scale_factor: as for :func:`interpolate`.
    """
    _warn_of_old_name("upsample_nearest")
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """The old name of :func:`interpolate` with mode ``"bilinear"`` and aligned corners; it warns.

    Args:
        input, size, scale_factor: as for :func:`interpolate`.
    """
    _warn_of_old_name("upsample_bilinear")
    return interpolate(input, size, scale_factor, "bilinear", True)
