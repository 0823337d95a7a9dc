"""Images read at the places of a grid, and the grid of an affine map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lamella_core as core
from lamella_autograd import rename
from lamella_core.warning import warn
from lamella_nn.functional.arguments import listed
from lamella_nn.ops.grid_sample import grid_sampler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core import Tensor

__all__ = ["affine_grid", "grid_sample"]

_DEFAULT = (
    "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. "
    "Please specify align_corners=True if the old behavior is desired."
)


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Images read at the places of a grid.

    The grid's last dimension holds places from -1 to 1: x along the input's last dimension, then
    y, then z. -1 and 1 are the centres of the corner elements with ``align_corners``, the edges
    of the image without. From M. Jaderberg et al., "Spatial Transformer Networks" (2015).

    Args:
        input: ``(batch, channels, height, width)``, or with depth before height.
        grid: ``(batch, out height, out width, 2)``, or ``(batch, out depth, out height,
            out width, 3)``.
        mode: ``"bilinear"`` (over 8 neighbours where there is depth), ``"nearest"``, or
            ``"bicubic"`` (without depth).
        padding_mode: what is read outside: ``"zeros"``, the ``"border"``, or the image's
            ``"reflection"``.
        align_corners: see above; False by default, with a warning.

    Returns:
        ``(batch, channels, *out sizes)``, differentiable twice to input and grid.

    Raises:
        ValueError: for another mode.
        RuntimeError: when shapes or dtypes do not fit one another.
        NotImplementedError: unless the input is floating.
    """
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            "nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', "
            f"but got: '{mode}'"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or "
            f"'reflection', but got: '{padding_mode}'"
        )
    if align_corners is None:
        warn(_DEFAULT)
        align_corners = False
    _check(input, grid, mode)
    return grid_sampler(input, grid, mode, padding_mode, bool(align_corners))


def _check(input: Tensor, grid: Tensor, mode: str) -> None:
    shape, places = input._array.shape, grid._array.shape
    if input.device != grid.device:
        raise RuntimeError(
            f"grid_sampler(): expected input and grid to be on same device, but input is on "
            f"{input.device} and grid is on {grid.device}"
        )
    if not places or shape[:1] != places[:1]:
        raise RuntimeError(
            "grid_sampler(): expected grid and input to have same batch size, but got input with "
            f"sizes {listed(shape)} and grid with sizes {listed(places)}"
        )
    dims = len(shape) - 2
    if places[-1] != dims:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {dims} in last dimension, but got grid "
            f"with sizes {listed(places)}"
        )
    if dims not in (2, 3) or len(places) != len(shape):
        raise RuntimeError(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but "
            f"got input with sizes {listed(shape)} and grid with sizes {listed(places)}"
        )
    for axis, size in enumerate(shape[2:], 2):
        if not size:
            raise RuntimeError(
                "grid_sampler(): expected input to have non-empty spatial dimensions, but input "
                f"has sizes {listed(shape)} with dimension {axis} being empty"
            )
    if mode == "bicubic" and dims == 3:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    if input.is_floating_point() and input._dtype is not grid._dtype:
        raise RuntimeError(
            f"grid_sampler(): expected scalar type {input._dtype.class_name} but found "
            f"{grid._dtype.class_name} for the grid"
        )


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The places that affine maps send an image's elements to, for :func:`grid_sample`.

    The place (x, y) of each element, from -1 to 1, becomes ``theta @ (x, y, 1)``.

    Args:
        theta: ``(batch, 2, 3)``, or ``(batch, 3, 4)`` for images with depth.
        size: ``(batch, channels, height, width)`` of the images, or with depth before height.
        align_corners: whether -1 and 1 are the centres of the corner elements, or the edges of
            the image; False by default, with a warning.

    Returns:
        ``(batch, height, width, 2)`` or ``(batch, depth, height, width, 3)``.

    Raises:
        ValueError: when theta does not fit the size, is not floating, or a size is not positive.
        NotImplementedError: for other numbers of dimensions.
        RuntimeError: for another batch size.
    """
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    dims = len(size) - 2
    if dims not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
            f"respectively. Got size {size}"
        )
    if theta.ndim != 3 or tuple(theta._array.shape[1:]) != (dims, dims + 1):
        raise ValueError(
            f"Expected a batch of {dims}D affine matrices of shape Nx{dims}x{dims + 1} for size "
            f"{size}. Got {theta.shape}."
        )
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    if size[0] != theta._array.shape[0]:
        raise RuntimeError(
            f"affine_grid: expected as many matrices as images, {size[0]}, but got theta of shape "
            f"{listed(theta._array.shape)}"
        )
    if align_corners is None:
        warn(_DEFAULT)
    if align_corners and min(size[2:]) == 1:
        warn(
            "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when "
            "align_corners=True. This is not an intended use case of affine_grid."
        )
    sizes = list(size[2:])
    base = core.ones((*sizes, dims + 1), dtype=theta.dtype, device=theta.device)
    for axis, n in enumerate(sizes):
        places = _centres(n, bool(align_corners), theta)
        base[..., dims - 1 - axis] = places.reshape(-1, *[1] * (dims - 1 - axis))
    flat = base.reshape(1, -1, dims + 1).expand(size[0], -1, -1)
    result = flat.bmm(theta.transpose(1, 2)).reshape(size[0], *sizes, dims)
    return rename(result, "AffineGridGeneratorBackward0")


def _centres(count: int, align_corners: bool, like: Tensor) -> Tensor:
    """The centres of ``count`` elements between -1 and 1."""
    if count == 1:
        return core.zeros(1, dtype=like.dtype, device=like.device)
    places = core.linspace(-1, 1, count, dtype=like.dtype, device=like.device)
    return places if align_corners else places * ((count - 1) / count)
