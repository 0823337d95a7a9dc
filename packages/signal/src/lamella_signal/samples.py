"""Differentiation and integration of sampled functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core import dtype as dtypes
from lamella_core.composite import checked
from lamella_core.conventions.common import normalize_dim, normalize_dims
from lamella_core.conventions.results import write_out
from lamella_core.ops.arithmetic import scaled
from lamella_core.ops.cumulative import diff
from lamella_core.ops.joining import cat
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_core.typing import Ints

__all__ = ["cumulative_trapezoid", "gradient", "trapezoid", "trapz"]


@checked
def gradient(
    input: Tensor, *, spacing: Any = None, dim: Ints | None = None, edge_order: int = 1
) -> tuple[Tensor, ...]:
    """Derivatives of a sampled function along dimensions, by finite differences.

    Inside, with the distances ``h`` to the point before and ``g`` to the one behind:
    ``(h^2 f[i+1] + (g^2 - h^2) f[i] - g^2 f[i-1]) / (h g (h + g))``, which is exact for parabolas.

    Args:
        input: the samples.
        spacing: the distance of two samples: one number, one for each dimension, or for each
            dimension a 1-D tensor of coordinates. 1 when None.
        dim: the dimensions; None for all.
        edge_order: 1: the first differences at both ends; 2: the slopes of the parabolas through
            the last three points.

    Returns:
        A tuple with one tensor of the input's shape for each dimension.

    Raises:
        RuntimeError: when a dimension is shorter than ``edge_order + 1``, the number of spacings
            is not that of dimensions, or for uint8.
    """
    ndim = input._array.ndim
    if dim is None:
        dims: tuple[int, ...] = tuple(range(ndim))
    else:
        dims = normalize_dims(dim, ndim)
    if isinstance(spacing, Tensor):
        raise TypeError(
            "gradient(): argument 'spacing' must be a number, or a list of numbers or of tensors, "
            "not Tensor; put the coordinates of one dimension into a list"
        )
    if isinstance(spacing, (tuple, list)):
        if len(spacing) != len(dims):
            raise RuntimeError(
                f"torch.gradient expected spacing to be unspecified, a scalar, or a list of "
                f"length {len(dims)}, one for each dimension, but got a list of length "
                f"{len(spacing)}"
            )
        steps = spacing
    else:
        if isinstance(spacing, np.generic):
            spacing = spacing.item()
        steps = [1 if spacing is None else spacing] * len(dims)
    if edge_order not in (1, 2):
        raise RuntimeError(
            f"torch.gradient only supports edge_order=1 and edge_order=2. Got {edge_order}"
        )
    if input._dtype is dtypes.uint8:
        raise RuntimeError("torch.gradient does not support uint8 input.")
    for d in dims if ndim else ():
        size = input._array.shape[d]
        if size < edge_order + 1:
            raise RuntimeError(
                f"torch.gradient expected each dimension size to be at least edge_order+1, got "
                f"size {size} in dimension {d}"
            )
    along = _along_coordinates if any(isinstance(s, Tensor) for s in steps) else _along_steps
    return tuple(
        write_out("gradient", along(input.movedim(d, -1), step, edge_order).movedim(-1, d), None)
        for d, step in zip(dims, steps, strict=True)
        if ndim
    )


def _along_steps(f: Tensor, step: Any, edge_order: int) -> Tensor:
    # Along the last dimension, with equal distances.
    inside = scaled(f[..., 2:] - f[..., :-2], 2 * step, divides=True)
    if edge_order == 1:
        first = scaled(f[..., 1:2] - f[..., :1], step, divides=True)
        last = scaled(f[..., -1:] - f[..., -2:-1], step, divides=True)
    else:
        first = scaled(f[..., :1], -3) + scaled(f[..., 1:2], 4) - f[..., 2:3]
        first = scaled(first, 2 * step, divides=True)
        last = scaled(f[..., -1:], 3) - scaled(f[..., -2:-1], 4) + f[..., -3:-2]
        last = scaled(last, 2 * step, divides=True)
    return cat([first, inside, last], -1)


def _along_coordinates(f: Tensor, coordinates: Tensor, edge_order: int) -> Tensor:
    # Along the last dimension, with coordinates.
    size = f._array.shape[-1]
    if coordinates._array.shape != (size,):
        raise RuntimeError(
            f"torch.gradient expected the coordinates of a dimension to have its size, ({size},), "
            f"but got a tensor of shape {list(coordinates._array.shape)}"
        )
    distance = coordinates[1:] - coordinates[:-1]
    slope = (f[..., 1:] - f[..., :-1]) / distance
    before, behind = distance[:-1], distance[1:]
    inside = (slope[..., :-1] * behind + slope[..., 1:] * before) / (before + behind)
    first, last = slope[..., :1], slope[..., -1:]
    if edge_order == 2:
        # The slope of a chord is that in its middle; a parabola's slope is linear.
        bend = (slope[..., 1:] - slope[..., :-1]) / (before + behind)
        first = first - bend[..., :1] * distance[:1]
        last = last + bend[..., -1:] * distance[-1:]
    return cat([first, inside, last], -1)


@checked
def trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1
) -> Tensor:
    """Integral by the trapezoidal rule: ``sum (y[i] + y[i + 1]) / 2 * (x[i + 1] - x[i])``.

    Args:
        y: samples.
        x: where they were taken: 1D, or with dimensions that fit those of ``y``.
        dx: the distance of samples where there is no ``x``; 1 by default.
        dim: the dimension to integrate along.

    Raises:
        RuntimeError: when both ``x`` and ``dx`` are given, or a type or shape does not fit.
    """
    dx = _step("trapezoid", dx)
    if x is None and y._dtype is not dtypes.bool_:
        dim = normalize_dim(dim, y._array.ndim)
        if y._array.shape[dim]:
            # All samples count twice but the first and the last.
            ends = scaled(y.select(dim, 0) + y.select(dim, -1), 0.5)
            result = scaled(y.sum(dim) - ends, 1 if dx is None else dx)
            return write_out("trapezoid", result, None)
    return write_out("trapezoid", _trapezoids("trapezoid", y, x, dx, dim).sum(dim), None)


def trapz(y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1) -> Tensor:
    """Another name of :func:`trapezoid`."""
    return trapezoid(y, x, dx=dx, dim=dim)


@checked
def cumulative_trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1
) -> Tensor:
    """Running integrals by the trapezoidal rule; see :func:`trapezoid`."""
    name = "cumulative_trapezoid"
    return write_out(name, _trapezoids(name, y, x, dx, dim).cumsum(dim), None)


def _step(op_name: str, dx: Any) -> Any:
    if isinstance(dx, (np.generic, Tensor)):
        dx = dx.item()
    if isinstance(dx, bool) or not isinstance(dx, (int, float, type(None))):
        raise RuntimeError(f"{op_name}: Currently, we only support dx as a real number.")
    return dx


def _trapezoids(op_name: str, y: Tensor, x: Tensor | None, dx: float | None, dim: int) -> Tensor:
    if x is not None and dx is not None:
        raise RuntimeError(f"{op_name}: give either x or dx, not both")
    if y._dtype is dtypes.bool_ or (x is not None and x._dtype is dtypes.bool_):
        raise RuntimeError(f"{op_name}: received a bool input, but bool is not supported")
    dx = _step(op_name, dx)
    dim = normalize_dim(dim, y._array.ndim)
    length = y._array.shape[dim]
    if length == 0:
        return y.sum(dim, keepdim=True).narrow(dim, 0, 0) / 1
    later, earlier = y.narrow(dim, 1, length - 1), y.narrow(dim, 0, length - 1)
    if x is None:
        return scaled(later + earlier, (1 if dx is None else dx) / 2)
    if x._array.ndim == 1:
        if x._array.shape[0] != length:
            raise RuntimeError(
                f"{op_name}: There must be one `x` value for each sample point, got "
                f"{x._array.shape[0]} for {length}"
            )
        steps = diff(x).reshape([-1 if d == dim else 1 for d in range(y._array.ndim)])
    else:
        steps = diff(x, dim=dim - y._array.ndim if x._array.ndim < y._array.ndim else dim)
    return scaled((later + earlier) * steps, 2, divides=True)
