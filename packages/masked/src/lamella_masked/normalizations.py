"""Ops of the elements that a mask selects, with a result of the input's shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core import dtype as dtypes
from lamella_core.conventions.common import not_implemented_for
from lamella_core.ops.elementary import logaddexp as whole_logaddexp
from lamella_masked.reductions import norm
from lamella_masked.selection import greatest, hidden_as, least

if TYPE_CHECKING:
    from lamella_core.dtype import dtype
    from lamella_core.tensor import Tensor

__all__ = [
    "cumprod",
    "cumsum",
    "log_softmax",
    "logaddexp",
    "normalize",
    "softmax",
    "softmin",
]


def _converted(input: Tensor, wanted: dtype | None) -> Tensor:
    return input if wanted is None else input.to(wanted)


def _running(op_name: str, input: Tensor, wanted: dtype | None) -> Tensor:
    input = _converted(input, wanted)
    if input._dtype is dtypes.bool_:
        raise not_implemented_for(op_name, input._dtype)
    return input


def cumsum(
    input: Tensor, dim: int, *, dtype: dtype | None = None, mask: Tensor | None = None
) -> Tensor:
    """Running sums along a dimension; hidden elements count as 0.

    Args:
        input: any type but bool; the result has it, too.
        dim: the dimension.
        dtype: the type to convert to first.
        mask: bools that can be broadcast to the input.

    Raises:
        IndexError: when the dimension is out of range, or the mask has more dimensions than the
            input.
        RuntimeError: when the mask cannot be broadcast.
        NotImplementedError: for bools.
    """
    input = hidden_as("cumsum", _running("cumsum", input, dtype), mask, 0)
    return input.cumsum(dim, dtype=input._dtype)


def cumprod(
    input: Tensor, dim: int, *, dtype: dtype | None = None, mask: Tensor | None = None
) -> Tensor:
    """Running products along a dimension; hidden elements count as 1.

    Arguments and errors are those of :func:`cumsum`.
    """
    input = hidden_as("cumprod", _running("cumprod", input, dtype), mask, 1)
    return input.cumprod(dim, dtype=input._dtype)


def softmax(
    input: Tensor, dim: int, *, dtype: dtype | None = None, mask: Tensor | None = None
) -> Tensor:
    """``exp(x) / sum exp(x)`` over the selected elements of a dimension.

    0 at hidden elements; NaN where nothing is selected. The arguments are those of
    :func:`cumsum`; ``input`` is floating, or ``dtype`` is.
    """
    input = _converted(input, dtype)
    if mask is not None:
        input = hidden_as("softmax", input, mask, least("amax", input._dtype))
    return input.softmax(dim)


def log_softmax(
    input: Tensor, dim: int, *, dtype: dtype | None = None, mask: Tensor | None = None
) -> Tensor:
    """Logarithm of :func:`softmax`: minus infinity at hidden elements.

    Arguments and errors are those of :func:`softmax`.
    """
    input = _converted(input, dtype)
    if mask is not None:
        input = hidden_as("log_softmax", input, mask, least("amax", input._dtype))
    return input.log_softmax(dim)


def softmin(
    input: Tensor, dim: int, *, dtype: dtype | None = None, mask: Tensor | None = None
) -> Tensor:
    """:func:`softmax` of ``-x``: 0 at hidden elements, NaN where nothing is selected.

    Arguments and errors are those of :func:`softmax`.
    """
    input = _converted(input, dtype)
    if mask is not None:
        input = hidden_as("softmin", input, mask, greatest("amin", input._dtype))
    return (-input).softmax(dim)


def normalize(
    input: Tensor,
    ord: float,
    dim: int,
    *,
    eps: float = 1e-12,
    dtype: dtype | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """``x / max(norm(x), eps)`` with the norm of the selected elements; 0 at hidden ones.

    Args:
        ord: the order of the norm.
        eps: the least divisor.
        input, dim, dtype, mask: see :func:`cumsum`; ``input`` is floating or complex.
    """
    input = _converted(input, dtype)
    size = norm(input, ord, dim, keepdim=True, mask=mask)
    return hidden_as("normalize", input, mask, 0) / size.clamp(min=eps)


def logaddexp(
    input: Tensor,
    other: Tensor,
    *,
    dtype: dtype | None = None,
    input_mask: Tensor | None = None,
    other_mask: Tensor | None = None,
) -> Tensor:
    """``log(exp(input) + exp(other))``; hidden elements count as minus infinity.

    Args:
        input, other: floating.
        dtype: the type to convert to first.
        input_mask, other_mask: the masks of the two.
    """
    input, other = _converted(input, dtype), _converted(other, dtype)
    if input_mask is not None:
        input = hidden_as("logaddexp", input, input_mask, least("logaddexp", input._dtype))
    if other_mask is not None:
        other = hidden_as("logaddexp", other, other_mask, least("logaddexp", other._dtype))
    return whole_logaddexp(input, other)
