"""Cumulative ops along one dimension, and their inverse."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core import return_types
from lamella_core.composite import composite
from lamella_core.conventions.arrays import arrays
from lamella_core.conventions.common import normalize_dim, not_implemented_for
from lamella_core.conventions.results import offering, write_out, write_outs
from lamella_core.dispatch import WATCHED
from lamella_core.dtype import FLOATING
from lamella_core.ops.joining import cat
from lamella_core.ops.logical import logical_xor
from lamella_core.ops.operators import sub
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_core.dtype import dtype as DType

__all__ = ["cummax", "cummin", "cumprod", "cumsum", "diff", "logcumsumexp"]


_cumsum = arrays(row_major=True)("cumsum(input: Tensor, dim: int)")
_cumprod = arrays(row_major=True)("cumprod(input: Tensor, dim: int)")


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
    if out is None:
        return write_out(op_name, op(input, dim), None)
    if out._array is input._array and not input._key & WATCHED:
        # What is read of it is not written yet, which an offer does not know.
        result = offering(out, partial(op, input, dim))()
    else:
        result = offering(out, op)(input, dim)
    return write_out(op_name, result, out)


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


_cummax = arrays(refuses="complex", returns=return_types.cummax, row_major=True)(
    "cummax(input: Tensor, dim: int)"
)
_cummin = arrays(refuses="complex", returns=return_types.cummin, row_major=True)(
    "cummin(input: Tensor, dim: int)"
)


@composite()
def cummax(input: Tensor, dim: int, *, out: Any = None) -> Any:
    """Running maxima along a dimension, and the last index where each was reached.

    NaN counts as the largest.

    Returns:
        A named tuple ``(values, indices)``.

    Raises:
        IndexError: when ``dim`` is out of range.
    """
    along = offering(out, _cummax)
    return write_outs("cummax", along(input, normalize_dim(dim, input._array.ndim)), out)


@composite()
def cummin(input: Tensor, dim: int, *, out: Any = None) -> Any:
    """Running minima along a dimension; otherwise as :func:`cummax`. NaN counts as the smallest."""
    along = offering(out, _cummin)
    return write_outs("cummin", along(input, normalize_dim(dim, input._array.ndim)), out)


_logcumsumexp = arrays(refuses="bool integer", row_major=True)(
    "logcumsumexp(input: Tensor, dim: int)"
)


@composite()
def logcumsumexp(input: Tensor, dim: int, *, out: Tensor | None = None) -> Tensor:
    """``log(cumsum(exp(input), dim))``, without overflow.

    Args:
        input: floating or complex.
        dim: the dimension.

    Raises:
        IndexError: when ``dim`` is out of range.
    """
    along = offering(out, _logcumsumexp)
    return write_out("logcumsumexp", along(input, normalize_dim(dim, input._array.ndim)), out)


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
        return write_out("diff", input.clone() if out is None else input, out)
    parts = [each for each in (prepend, input, append) if each is not None]
    result = cat(parts, dim) if len(parts) > 1 else input
    for i in range(n):
        length = result._array.shape[dim]
        if length == 0:
            return write_out("diff", result, out)
        later, earlier = result.narrow(dim, 1, length - 1), result.narrow(dim, 0, length - 1)
        difference = logical_xor if result._dtype is dtypes.bool_ else sub
        result = difference(later, earlier, out=out if i == n - 1 else None)
    return write_out("diff", result, None)
