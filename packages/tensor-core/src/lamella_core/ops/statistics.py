"""Statistics: variance, median and other order statistics, counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core import return_types
from lamella_core.composite import checked, composite
from lamella_core.conventions.arrays import arrays
from lamella_core.conventions.common import index_of, normalize_dim, not_implemented_for
from lamella_core.conventions.results import offering, write_out, write_outs
from lamella_core.dtype import FLOATING
from lamella_core.ops.reduction import all_or_tuple, mean
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_core.typing import Ints, Number

__all__ = [
    "bincount", "kthvalue", "median", "mode", "nanmedian", "std", "std_mean", "var", "var_mean",
]  # fmt: skip


# ------------ variance


_var = arrays(row_major=True)("var(input: Tensor, dim, correction: Number, keepdim: bool)")
_std = arrays(row_major=True)("std(input: Tensor, dim, correction: Number, keepdim: bool)")


def _deviation(
    op: Any,
    input: Tensor,
    dim: Ints | bool | None,
    unbiased: bool | None,
    keepdim: bool,
    correction: Number | None,
) -> Tensor:
    if input._dtype.category < FLOATING:
        raise RuntimeError(
            "std and var only support floating point and complex dtypes "
            f"(got {input._dtype.class_name})"
        )
    if dim is True or dim is False:
        dim, unbiased = None, dim
    if unbiased is not None:
        if correction is not None:
            raise TypeError("give either unbiased or correction, not both")
        correction = int(unbiased)
    if dim is not None:
        dim = all_or_tuple(dim, input._array.ndim)
    less: Any = 1 if correction is None else correction
    return op(input, dim, float(less), keepdim)


@composite()
def var(
    input: Tensor,
    dim: Ints | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Number | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Variance: ``sum |x - mean|^2 / max(0, n - correction)``, in two passes.

    Args:
        input: floating or complex; the result is real.
        dim: the dimension or dimensions; none for all.
        unbiased: the older spelling of ``correction``: True for 1, False for 0. It may stand in
            the place of ``dim``.
        keepdim: whether the dimensions stay, with size 1.
        correction: by how much the divisor is less than the count; 1 by default (Bessel).

    Raises:
        RuntimeError: for an integer or bool input.
        IndexError: when ``dim`` is out of range.
    """
    op = offering(out, _var)
    return write_out("var", _deviation(op, input, dim, unbiased, keepdim, correction), out)


@composite()
def std(
    input: Tensor,
    dim: Ints | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Number | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Standard deviation, the root of :func:`var`, with the same arguments."""
    op = offering(out, _std)
    return write_out("std", _deviation(op, input, dim, unbiased, keepdim, correction), out)


def _beside_mean(name: str, op: Any, doc: str) -> Any:
    def both(
        input: Tensor,
        dim: Ints | None = None,
        unbiased: bool | None = None,
        keepdim: bool = False,
        *,
        correction: Number | None = None,
        out: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, Tensor]:
        spread = _deviation(op, input, dim, unbiased, keepdim, correction)
        centre = mean(input, None if isinstance(dim, bool) else dim, keepdim)
        return write_outs(name, (spread, centre), out)

    both.__name__ = both.__qualname__ = name
    both.__doc__ = doc
    return checked(both)


var_mean = _beside_mean("var_mean", _var, "Variance and mean; see :func:`var`.")
std_mean = _beside_mean("std_mean", _std, "Standard deviation and mean; see :func:`var`.")


# ------------ order statistics


_median = arrays(refuses="bool complex")("median(input: Tensor, ignore_nan: bool)")


median_dim = arrays(refuses="bool complex", returns=return_types.median, row_major=True)(
    "median_dim(input: Tensor, dim: int, keepdim: bool, ignore_nan: bool)"
)


@composite()
def median(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None) -> Any:
    """Median: the lower of the two middle elements where the count is even.

    NaN where there is one. Without ``dim``, of all elements, and the gradient is shared evenly
    among those equal to it.

    Args:
        input: not bool or complex.
        dim: the dimension.
        keepdim: whether it stays, with size 1.

    Returns:
        A tensor; with ``dim`` a named tuple ``(values, indices)``.

    Raises:
        IndexError: when ``dim`` is out of range or empty.
    """
    if dim is None:
        return write_out("median", _median(input, False), out)
    dim = normalize_dim(dim, input._array.ndim)
    op = offering(out, median_dim)
    return write_outs("median", op(input, dim, keepdim, False), out, input)


@composite()
def nanmedian(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None
) -> Any:
    """:func:`median` of the elements that are not NaN; NaN where there is none."""
    if dim is None:
        return write_out("nanmedian", _median(input, True), out)
    dim = normalize_dim(dim, input._array.ndim)
    result = return_types.nanmedian(offering(out, median_dim)(input, dim, keepdim, True))
    return write_outs("nanmedian", result, out)


_mode = arrays(refuses="complex", returns=return_types.mode)(
    "mode(input: Tensor, dim: int, keepdim: bool)"
)


@composite()
def mode(input: Tensor, dim: int = -1, keepdim: bool = False, *, out: Any = None) -> Any:
    """Most frequent element along a dimension, the least of several such, and its last index.

    Args:
        input: not complex.
        dim: the dimension.
        keepdim: whether it stays, with size 1.

    Returns:
        A named tuple ``(values, indices)``.

    Raises:
        IndexError: when ``dim`` is out of range or empty.
    """
    dim = normalize_dim(dim, input._array.ndim)
    if input._array.ndim and input._array.shape[dim] == 0:
        raise IndexError(
            f"mode(): Expected reduction dim {dim} to have non-zero size. "
            f"Got shape {list(input._array.shape)}"
        )
    op = offering(out, _mode)
    return write_outs("mode", op(input, dim, keepdim), out, input)


_kthvalue = arrays(refuses="bool complex", returns=return_types.kthvalue)(
    "kthvalue(input: Tensor, k: int, dim: int, keepdim: bool)"
)


@composite()
def kthvalue(
    input: Tensor, k: int, dim: int = -1, keepdim: bool = False, *, out: Any = None
) -> Any:
    """The ``k``-th smallest element along a dimension, counted from 1, and its index.

    NaN counts as the largest.

    Returns:
        A named tuple ``(values, indices)``; of equal elements those that come first are counted
        first.

    Raises:
        IndexError: when ``dim`` is out of range.
        RuntimeError: when ``k`` is out of range.
    """
    dim = normalize_dim(dim, input._array.ndim)
    length = input._array.shape[dim] if input._array.ndim else 1
    k = index_of(k, "k")
    if not length:
        raise IndexError(f"kthvalue(): Expected reduction dim {dim} to have non-zero size.")
    if not 1 <= k <= length:
        raise RuntimeError(
            f"kthvalue(): selected number k out of range for dimension {dim} (k={k}, size {length})"
        )
    op = offering(out, _kthvalue)
    return write_outs("kthvalue", op(input, k, dim, keepdim), out, input)


# ------------ counts


_bincount = arrays()("bincount(input: Tensor, weights: Tensor | None, minlength: int)")


@composite()
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each non-negative integer occurs: ``out[n] = sum of weights where input is n``.

    Args:
        input: 1-D, integers that are not negative.
        weights: of the input's length; 1 each by default.
        minlength: the least length of the result.

    Returns:
        int64, or floating with weights, of length ``max(minlength, greatest + 1)``.

    Raises:
        RuntimeError: when an argument has another shape, type or range.
    """
    if input._dtype.category != 1:
        raise not_implemented_for("bincount", input._dtype)
    if minlength < 0:
        raise RuntimeError(f"minlength should be >= 0 (bincount: got {minlength})")
    if input._array.ndim != 1 or (input._array.size and input.amin().item() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is not None and weights._array.shape != input._array.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    return _bincount(input, weights, minlength)
