"""Cumulative ops along one dimension, their inverse, and integrals of sampled functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core import return_types
from lamella_core.composite import checked, composite
from lamella_core.conventions.arrays import arrays
from lamella_core.conventions.common import normalize_dim, not_implemented_for
from lamella_core.conventions.results import write_out, write_outs
from lamella_core.dtype import FLOATING
from lamella_core.ops.arithmetic import scaled
from lamella_core.ops.joining import cat
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_core.dtype import dtype as DType

__all__ = [
    "cummax", "cummin", "cumprod", "cumsum", "cumulative_trapezoid", "diff", "logcumsumexp",
    "trapezoid", "trapz",
]  # fmt: skip


@arrays(row_major=True, method=False, name="cumsum")
def _cumsum(input: Tensor, dim: int) -> Tensor:
    """See :func:`cumsum`."""


@arrays(row_major=True, method=False, name="cumprod")
def _cumprod(input: Tensor, dim: int) -> Tensor:
    """See :func:`cumprod`."""


def _accumulated(
    op_name: str, op: Any, input: Tensor, dim: int, dtype: DType | None, out: Tensor | None
) -> Tensor:
    dim = normalize_dim(dim, input._array.ndim)
    if dtype is None and out is not None:
        dtype = out._dtype
    if dtype is None and input._dtype.category < FLOATING:
        dtype = dtypes.int64
    if dtype is dtypes.bool_ and input._array.ndim:
        raise not_implemented_for(op_name, dtype)
    if dtype is not None and dtype is not input._dtype:
        input = input.to(dtype)
    return write_out(op_name, op(input, dim), out)


@composite(inplace=True)
def cumsum(
    input: Tensor, dim: int, *, dtype: DType | None = None, out: Tensor | None = None
) -> Tensor:
    """Running sums along a dimension: ``out[i] = input[0] + ... + input[i]``.

    Args:
        input: bool and integers are added as int64.
        dim: the dimension.
        dtype: the type to convert to first.

    Raises:
        IndexError: when ``dim`` is out of range.
    """
    return _accumulated("cumsum", _cumsum, input, dim, dtype, out)


@composite()
def cumprod(
    input: Tensor, dim: int, *, dtype: DType | None = None, out: Tensor | None = None
) -> Tensor:
    """Running products along a dimension; otherwise as :func:`cumsum`."""
    return _accumulated("cumprod", _cumprod, input, dim, dtype, out)


def cumprod_(input: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """:func:`cumprod` in place."""
    # Of a copy, which the derivative can keep.
    return write_out("cumprod_", input.copy_(cumprod(input.clone(), dim, dtype=dtype)), None)


Tensor.cumprod_ = cumprod_


@arrays(refuses="complex", returns=return_types.cummax, row_major=True, method=False, name="cummax")
def _cummax(input: Tensor, dim: int) -> Any:
    """See :func:`cummax`."""


@arrays(refuses="complex", returns=return_types.cummin, row_major=True, method=False, name="cummin")
def _cummin(input: Tensor, dim: int) -> Any:
    """See :func:`cummin`."""


@composite()
def cummax(input: Tensor, dim: int, *, out: Any = None) -> Any:
    """Running maxima along a dimension, and the last index where each was reached.

    NaN counts as the largest.

    Returns:
        A named tuple ``(values, indices)``.

    Raises:
        IndexError: when ``dim`` is out of range.
    """
    return write_outs("cummax", _cummax(input, normalize_dim(dim, input._array.ndim)), out)


@composite()
def cummin(input: Tensor, dim: int, *, out: Any = None) -> Any:
    """Running minima along a dimension; otherwise as :func:`cummax`. NaN counts as the smallest."""
    return write_outs("cummin", _cummin(input, normalize_dim(dim, input._array.ndim)), out)


@arrays(refuses="bool integer", row_major=True, method=False, name="logcumsumexp")
def _logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """See :func:`logcumsumexp`."""


@composite()
def logcumsumexp(input: Tensor, dim: int, *, out: Tensor | None = None) -> Tensor:
    """``log(cumsum(exp(input), dim))``, without overflow.

    Args:
        input: floating or complex.
        dim: the dimension.

    Raises:
        IndexError: when ``dim`` is out of range.
    """
    return write_out(
        "logcumsumexp", _logcumsumexp(input, normalize_dim(dim, input._array.ndim)), out
    )


@composite()
def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Differences of neighbours along a dimension: ``input[i + 1] - input[i]``, ``n`` times over.

    Args:
        input: at least 1D; for bool the difference is the exclusive or.
        n: how often; 0 gives the input.
        dim: the dimension.
        prepend, append: what to put before and after the input along ``dim`` first.

    Raises:
        RuntimeError: for a negative ``n``, or when the input has no dimension.
    """
    if not input._array.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    dim = normalize_dim(dim, input._array.ndim)
    if n == 0:
        return write_out("diff", input.clone(), out)
    parts = [each for each in (prepend, input, append) if each is not None]
    result = cat(parts, dim) if len(parts) > 1 else input
    for _ in range(n):
        length = result._array.shape[dim]
        if length == 0:
            break
        later, earlier = result.narrow(dim, 1, length - 1), result.narrow(dim, 0, length - 1)
        if result._dtype is dtypes.bool_:
            result = later.logical_xor(earlier)
        else:
            result = later - earlier
    return write_out("diff", result, out)


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
    if x is None and isinstance(dx, (int, float, type(None))) and y._dtype is not dtypes.bool_:
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


def _trapezoids(op_name: str, y: Tensor, x: Tensor | None, dx: float | None, dim: int) -> Tensor:
    if x is not None and dx is not None:
        raise RuntimeError(f"{op_name}: give either x or dx, not both")
    if y._dtype is dtypes.bool_ or (x is not None and x._dtype is dtypes.bool_):
        raise RuntimeError(f"{op_name}: received a bool input, but bool is not supported")
    if not isinstance(dx, (int, float, type(None))):
        raise RuntimeError(f"{op_name}: Currently, we only support dx as a real number.")
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
