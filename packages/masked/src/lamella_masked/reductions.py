"""Reductions of the elements that a mask selects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core.conventions.common import normalize_dim
from lamella_core.conventions.results import write_out
from lamella_core.dtype import FLOATING
from lamella_core.ops.reduction import norm as whole_norm
from lamella_core.ops.reduction import sum as whole_sum
from lamella_masked.selection import all_dims, expanded, greatest, hidden_as, least

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.dtype import dtype
    from lamella_core.tensor import Tensor
    from lamella_core.typing import Ints, Number

__all__ = [
    "amax", "amin", "argmax", "argmin", "logsumexp", "mean", "median", "norm", "prod", "std",
    "sum", "var",
]  # fmt: skip


def _converted(input: Tensor, wanted: dtype | None) -> Tensor:
    return input if wanted is None else input.to(wanted)


def _summing_type(input: Tensor, wanted: dtype | None) -> dtype:
    if wanted is None:
        return dtypes.int64 if input._dtype.category < FLOATING else input._dtype
    return wanted


def sum(
    input: Tensor,
    dim: Ints | None = None,
    *,
    keepdim: bool | None = False,
    dtype: dtype | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Sum of the selected elements; 0 where there is none.

    Args:
        input: any type.
        dim: the dimensions; all when None.
        keepdim: whether they stay, with size 1.
        dtype: the type to convert to first; integers and bools become int64 by default.
        mask: bools that can be broadcast to the input.

    Raises:
        IndexError: when a dimension is out of range, or the mask has more dimensions than the
            input.
        RuntimeError: when the mask cannot be broadcast.
    """
    input = input.to(_summing_type(input, dtype))
    dims = all_dims(dim, input._array.ndim)
    return hidden_as("sum", input, mask, 0).sum(dims, keepdim=bool(keepdim))


def prod(
    input: Tensor,
    dim: Ints | None = None,
    *,
    keepdim: bool | None = False,
    dtype: dtype | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Product of the selected elements; 1 where there is none. See :func:`sum`."""
    input = input.to(_summing_type(input, dtype))
    result = hidden_as("prod", input, mask, 1)
    for d in sorted(all_dims(dim, input._array.ndim), reverse=True):
        result = result.prod(d, keepdim=bool(keepdim))
    return result


def _extreme(name: str, hidden: Callable[[str, dtype], Any], doc: str) -> Any:
    """A reduction to the greatest or least; ``hidden`` gives what stands for masked elements."""
    index = name.startswith("arg")

    def reduce(
        input: Tensor,
        dim: Any = None,
        *,
        keepdim: bool | None = False,
        dtype: dtype | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        input = _converted(input, dtype)
        wanted = input._dtype
        if mask is not None:
            input = hidden_as(name, input, mask, hidden(name, wanted))
        dims = dim if index else all_dims(dim, input._array.ndim)
        result = getattr(input, name)(dims, bool(keepdim))
        return result.to(wanted) if index else result

    reduce.__name__ = reduce.__qualname__ = name
    reduce.__doc__ = doc
    return reduce


amax = _extreme(
    "amax",
    least,
    """Greatest of the selected elements; the type's least number where there is none.

    The arguments are those of :func:`sum`; ``input`` keeps its type by default.
    """,
)
amin = _extreme(
    "amin",
    greatest,
    """Least of the selected elements; the type's greatest number where there is none.

    The arguments are those of :func:`sum`; ``input`` keeps its type by default.
    """,
)
argmax = _extreme(
    "argmax",
    least,
    """Index of the greatest selected element, in the *input's type*, as PyTorch has it.

    Args:
        dim: the dimension; the index is that in the flattened input when None.
        input, keepdim, dtype, mask: see :func:`sum`.
    """,
)
argmin = _extreme(
    "argmin",
    greatest,
    "Index of the least selected element, in the input's type. See :func:`argmax`.",
)


def mean(
    input: Tensor,
    dim: Ints | None = None,
    *,
    keepdim: bool | None = False,
    dtype: dtype | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Mean of the selected elements; NaN where there is none.

    The arguments are those of :func:`sum`.

    Raises:
        ValueError: for integers and bools without ``dtype``, too.
    """
    if dtype is None and input._dtype.category < FLOATING:
        raise ValueError(
            f"mean(): Could not infer output dtype. Input dtype must be either a floating point "
            f"or complex dtype. Got: {input._dtype!r}"
        )
    input = _converted(input, dtype)
    dims = all_dims(dim, input._array.ndim)
    if mask is None:
        return write_out("masked.mean", input.mean(dims, bool(keepdim)), None)
    return _selected_mean(input, expanded("mean", input, mask), dims, bool(keepdim))[0]


def _selected_mean(
    input: Tensor, mask: Tensor, dims: tuple[int, ...], keepdim: bool
) -> tuple[Tensor, Tensor]:
    """The mean and the count of the selected elements."""
    count = mask.sum(dims, keepdim=keepdim)
    total = whole_sum(hidden_as("mean", input, mask, 0), dims, keepdim=keepdim)
    return total / count, count


def median(
    input: Tensor,
    dim: int = -1,
    *,
    keepdim: bool = False,
    dtype: dtype | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Median along a dimension, the lower of two, without NaN; NaN where nothing is left.

    The arguments are those of :func:`sum`, but for the one dimension.

    Raises:
        ValueError: when nothing is selected somewhere and the type has no NaN.
    """
    input = _converted(input, dtype)
    dim = normalize_dim(dim, input._array.ndim)
    floating = input._dtype.category >= FLOATING
    if mask is not None and not floating:
        if not bool(expanded("median", input, mask).any(dim).all()):
            raise ValueError(
                "masked median expects no fully masked out rows if dtype is not floating point"
            )
    wide = input if floating else input.to(dtypes.float64)
    result = hidden_as("median", wide, mask, float("nan")).nanmedian(dim, keepdim).values
    return result.to(input._dtype)


def norm(
    input: Tensor,
    ord: float | None = 2.0,
    dim: Ints | None = None,
    *,
    keepdim: bool | None = False,
    dtype: dtype | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Vector norm of the selected elements: ``(sum |x|^ord)^(1/ord)``.

    0 where nothing is selected, infinity for the order ``-inf``.

    Args:
        ord: the order; ``inf`` is the greatest size, ``-inf`` the least.
        input, dim, keepdim, dtype, mask: see :func:`sum`.

    Raises:
        RuntimeError: for integers and bools, too.
    """
    input = _converted(input, dtype)
    nothing = float("inf") if ord == -float("inf") else 0
    dims = all_dims(dim, input._array.ndim)
    if input._dtype.category >= FLOATING:
        input = hidden_as("norm", input, mask, nothing)
    return whole_norm(input, 2.0 if ord is None else ord, dims, bool(keepdim))


def _variance(
    name: str,
    input: Tensor,
    dim: Ints | None,
    unbiased: bool | None,
    correction: Number | None,
    keepdim: bool | None,
    wanted: dtype | None,
    mask: Tensor | None,
) -> Tensor:
    if unbiased is not None and correction is not None:
        raise AssertionError(f"masked.{name}(): give either unbiased or correction, not both")
    if correction is None:
        correction = 1 if unbiased is None else int(unbiased)
    input = _converted(input, wanted)
    if input._dtype is dtypes.bool_:
        raise RuntimeError(f"masked.{name}(): differences of bools are not there; convert first")
    if input._dtype.category < FLOATING:
        input = input.to(dtypes.defaults.floating)
    dims = all_dims(dim, input._array.ndim)
    if mask is None:
        result = input.var(dims, correction=correction, keepdim=bool(keepdim)).to(input._dtype)
        return write_out("masked.var", result, None)
    shown = expanded(name, input, mask)
    middle, count = _selected_mean(input, shown, dims, True)
    offset = hidden_as(name, input - middle, shown, 0)
    squares = (offset * offset.conj()).real if offset._dtype.is_complex else offset * offset
    total = whole_sum(squares, dims, keepdim=bool(keepdim))
    if not keepdim:
        count = count.reshape(total._array.shape)
    result = (total / (count - correction).clamp(min=0)).to(input._dtype)
    return write_out("masked.var", result, None)


def var(
    input: Tensor,
    dim: Ints | None = None,
    unbiased: bool | None = None,
    *,
    correction: Number | None = None,
    keepdim: bool | None = False,
    dtype: dtype | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Variance of the selected elements: ``sum |x - mean|^2 / max(0, n - correction)``.

    It has the input's type, a complex one, too.

    Args:
        unbiased: the older spelling of ``correction``: True for 1, False for 0.
        correction: by how much the divisor is less than the count; 1 by default.
        input, dim, keepdim, dtype, mask: see :func:`sum`; integers become floating.

    Raises:
        RuntimeError: for bools, too.
        AssertionError: when both ``unbiased`` and ``correction`` are given.
    """
    return _variance("var", input, dim, unbiased, correction, keepdim, dtype, mask)


def std(
    input: Tensor,
    dim: Ints | None = None,
    unbiased: bool | None = None,
    *,
    correction: Number | None = None,
    keepdim: bool | None = False,
    dtype: dtype | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Standard deviation of the selected elements, the root of :func:`var`.

    Arguments and errors are those of :func:`var`.
    """
    return _variance("std", input, dim, unbiased, correction, keepdim, dtype, mask).sqrt()


def logsumexp(
    input: Tensor,
    dim: Ints | None = None,
    *,
    keepdim: bool = False,
    dtype: dtype | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """``log(sum exp(x))`` of the selected elements, in the input's type.

    The type's least number where nothing is selected. The arguments are those of :func:`sum`.
    """
    input = _converted(input, dtype)
    wanted = input._dtype
    if mask is not None:
        nothing = -float("inf") if wanted.is_complex else least("logsumexp", wanted)
        input = hidden_as("logsumexp", input, mask, nothing)
    return input.logsumexp(all_dims(dim, input._array.ndim), bool(keepdim)).to(wanted)
