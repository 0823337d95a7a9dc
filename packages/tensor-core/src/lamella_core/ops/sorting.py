"""Sorting, selecting, sets and searching."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core import return_types
from lamella_core.composite import checked, composite
from lamella_core.conventions.arrays import arrays
from lamella_core.conventions.common import (
    anywhere,
    existing_dim,
    index_of,
    normalize_dim,
    not_implemented_for,
)  # fmt: skip
from lamella_core.conventions.results import offering, write_out, write_outs
from lamella_core.promotion import promote_types, result_dtype
from lamella_core.tensor import Tensor
from lamella_core.type_info import iinfo

if TYPE_CHECKING:
    from lamella_core.typing import Number

__all__ = [
    "argsort", "bucketize", "isin", "msort", "searchsorted", "sort", "topk", "unique",
    "unique_consecutive",
]  # fmt: skip


_sort = arrays(refuses="complex", returns=return_types.sort, like_first=True)(
    "sort(input: Tensor, dim: int, descending: bool)"
)


@composite()
def sort(
    input: Tensor,
    dim: int = -1,
    descending: bool = False,
    *,
    stable: bool | None = None,
    out: Any = None,
) -> Any:
    """Elements in order along a dimension, and their indices in the input.

    Equal elements keep their order, whatever ``stable`` says. NaN counts as the largest.

    Args:
        input: not complex.
        dim: the dimension.
        descending: from the largest to the smallest.

    Returns:
        A named tuple ``(values, indices)``.

    Raises:
        IndexError: when ``dim`` is out of range.
    """
    op = _sort if out is None else offering(out, _sort)
    result = op(input, normalize_dim(dim, input._array.ndim), descending)
    return write_outs("sort" if stable is None else "sort(stable)", result, out)


@composite()
def argsort(
    input: Tensor,
    dim: int = -1,
    descending: bool = False,
    *,
    stable: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """The indices of :func:`sort`."""
    return write_out("argsort", offering(out, sort)(input, dim, descending)[1], out)


@composite()
def msort(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements in ascending order along the first dimension."""
    return write_out("msort", offering(out, sort)(input, 0)[0], out)


_topk = arrays(refuses="bool complex", returns=return_types.topk)(
    "topk(input: Tensor, k: int, dim: int, largest: bool)"
)


@composite()
def topk(
    input: Tensor,
    k: int,
    dim: int = -1,
    largest: bool = True,
    sorted: bool = True,
    *,
    out: Any = None,
) -> Any:
    """The ``k`` largest or smallest elements along a dimension, in order, and their indices.

    NaN counts as the largest. Which of several equal elements is chosen is not defined.

    Args:
        input: not bool or complex.
        k: how many.
        dim: the dimension.
        largest: or else the smallest.
        sorted: whether the result must be in order; it always is.

    Returns:
        A named tuple ``(values, indices)``.

    Raises:
        IndexError: when ``dim`` is out of range.
        RuntimeError: when ``k`` is out of range.
    """
    dim = normalize_dim(dim, input._array.ndim)
    if k.__class__ is not int:
        k = index_of(k, "k")
    if not 0 <= k <= (input._array.shape[dim] if input._array.ndim else 1):
        raise RuntimeError(
            f"selected index k out of range (topk: k={k}, dim={dim}, shape "
            f"{list(input._array.shape)})"
        )
    chosen = offering(out, _topk)(input, k, dim, largest)
    return write_outs("topk", chosen, out)


# ------------ sets


_unique = arrays(refuses="complex")(
    "unique(input: Tensor, dim: int | None, return_inverse: bool, return_counts: bool)"
)
_unique_consecutive = arrays(refuses="complex")(
    "unique_consecutive(input: Tensor, dim: int | None, return_inverse: bool, return_counts: bool)"
)


@composite()
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different elements in ascending order, or the different slices along a dimension.

    Args:
        input: not complex. Every NaN is an element of its own.
        sorted: whether the result must be in order; it always is.
        return_inverse: also return, for each element, its index in the result.
        return_counts: also return how often each occurs.
        dim: compare the slices along this dimension; by default all elements.

    Returns:
        A tensor, or a tuple of tensors.

    Raises:
        IndexError: when ``dim`` is out of range.
    """
    dim = _set_dim("unique", input, dim)
    return _unique(input, dim, return_inverse, return_counts)


def _set_dim(op_name: str, input: Tensor, dim: int | None) -> int | None:
    if dim is None:
        return None
    shape = input._array.shape
    dim = existing_dim(dim, len(shape))
    if 0 in shape and (shape[dim] != 0 or shape.count(0) > 1):
        raise RuntimeError(
            f"There are 0 sized dimensions, and they aren't selected, so {op_name} cannot be "
            f"applied (dim={dim}, shape {list(shape)})"
        )
    return dim


@composite()
def unique_consecutive(
    input: Tensor,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The first of every run of equal elements, or of equal slices along a dimension.

    For arguments see :func:`unique`; counts are the runs' lengths.
    """
    dim = _set_dim("unique_consecutive", input, dim)
    return _unique_consecutive(input, dim, return_inverse, return_counts)


_isin = arrays(promotes=True, refuses="complex")(
    "isin(elements: Tensor, test_elements: Tensor, invert: bool)"
)


@checked
def isin(
    elements: Tensor | Number,
    test_elements: Tensor | Number,
    *,
    assume_unique: bool = False,
    invert: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Whether each element of ``elements`` is among ``test_elements``.

    Args:
        elements, test_elements: tensors or numbers, not both numbers.
        assume_unique: that neither has an element twice; of no effect on the result.
        invert: answer whether it is not.

    Returns:
        bool, of the shape of ``elements``.

    Raises:
        RuntimeError: for bool and complex tensors.
    """
    for each in (elements, test_elements):
        kind = getattr(each, "_dtype", None) or type(each)
        if kind in (dtypes.bool_, complex) or getattr(kind, "is_complex", False):
            raise RuntimeError(f"Unsupported input type encountered for isin(): {kind}; convert it")
    if isinstance(test_elements, Tensor):
        if not isinstance(elements, Tensor):
            elements = _like(test_elements, elements).squeeze(0)
    elif isinstance(elements, Tensor):
        test_elements = _like(elements, test_elements)
    else:
        raise ValueError("isin: elements and test_elements cannot both be numbers")
    return write_out("isin", offering(out, _isin)(elements, test_elements, invert), out)


def _like(tensor: Tensor, value: Any) -> Tensor:
    kind = result_dtype((tensor, value))
    if kind.category == dtypes.INTEGER and not iinfo(kind).min <= value <= iinfo(kind).max:
        # It is to be found unequal.
        kind = dtypes.int64
    return tensor.new_full((1,), value, dtype=kind)


# ------------ searching


_searchsorted = arrays(promotes=True)(
    "searchsorted(sorted_sequence: Tensor, input: Tensor, right: bool, int32: bool)"
)
# The sequence and the values are of one type.
_searchsorted_by = arrays()(
    "searchsorted_by(sorter: Tensor, sequence: Tensor, input: Tensor, right: bool, int32: bool)"
)


def _search(
    op_name: str,
    sequence: Tensor,
    input: Tensor | Number,
    right: bool,
    int32: bool,
    out: Tensor | None,
    sorter: Tensor | None = None,
) -> Tensor:
    wanted = dtypes.int32 if int32 else dtypes.int64
    if out is not None and out._dtype is not wanted:
        raise RuntimeError(
            f"torch.searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) or "
            f"Long(int64) depending on whether out_int32 flag is True, but we got output tensor's "
            f"dtype {out._dtype.class_name} and out_int32 flag is {int32}"
        )
    values = input if isinstance(input, Tensor) else _like(sequence, input)
    common = promote_types(sequence._dtype, values._dtype)
    if common.category in (dtypes.BOOL, dtypes.COMPLEX):
        raise not_implemented_for(op_name, common)
    if sorter is None:
        places = offering(out, _searchsorted)(sequence, values, right, int32)
    else:
        pair = sequence.to(common), values.to(common)
        places = offering(out, _searchsorted_by)(sorter, *pair, right, int32)
    return write_out(op_name, places if values is input else places.squeeze(0), out)


@checked
def searchsorted(
    sorted_sequence: Tensor,
    input: Tensor | Number,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Where values would be put into a sorted sequence to keep it sorted.

    The index i with ``sequence[i - 1] < value <= sequence[i]``, or, from the right,
    ``sequence[i - 1] <= value < sequence[i]``.

    Args:
        sorted_sequence: 1-D, or with the leading dimensions of ``input``; ascending in the last.
        input: a tensor, or a number for a 1-D sequence.
        out_int32: whether the result is int32 instead of int64.
        right, side: ``right=True`` or ``side="right"``.
        sorter: indices that bring ``sorted_sequence`` into order.

    Raises:
        RuntimeError: when a shape or dtype does not fit, or ``right`` contradicts ``side``.
    """
    if side not in (None, "left", "right"):
        raise RuntimeError(
            f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}"
        )
    if side == "left" and right:
        raise RuntimeError("torch.searchsorted(): side and right can't be set to opposites")
    shape = sorted_sequence._array.shape
    if not isinstance(input, Tensor):
        if len(shape) != 1:
            raise RuntimeError(
                f"torch.searchsorted(): boundaries for a number must be 1-D, got {list(shape)}"
            )
    elif not shape or (len(shape) != 1 and shape[:-1] != input._array.shape[:-1]):
        raise RuntimeError(
            f"torch.searchsorted(): boundaries must be 1-D, or have the leading dimensions of the "
            f"values; got {list(shape)} and {list(input._array.shape)}"
        )
    if sorter is not None:
        if sorter._dtype is not dtypes.int64:
            raise RuntimeError(
                f"torch.searchsorted(): sorter must be a tensor of long dtype but got dtype "
                f"{sorter._dtype.class_name}"
            )
        if sorter._array.shape != shape:
            raise RuntimeError(
                f"torch.searchsorted(): boundary and sorter must have the same size, got "
                f"{list(shape)} and {list(sorter._array.shape)}"
            )
        if sorter._array.size:
            least, most = sorter.aminmax()
            if anywhere(least < 0) or anywhere(most >= shape[-1]):
                raise RuntimeError("torch.searchsorted(): sorter index out of range")
    right = right or side == "right"
    return _search("searchsorted", sorted_sequence, input, right, out_int32, out, sorter)


@checked
def bucketize(
    input: Tensor | Number,
    boundaries: Tensor,
    *,
    out_int32: bool = False,
    right: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """The index of the bucket that each value falls into: :func:`searchsorted` for 1-D boundaries.

    Args:
        input: a tensor or a number.
        boundaries: 1-D, ascending.
        out_int32: whether the result is int32 instead of int64.
        right: whether a bucket includes its left end instead of its right one.

    Raises:
        RuntimeError: when ``boundaries`` is not 1-D.
    """
    if boundaries._array.ndim != 1:
        raise RuntimeError(
            f"bucketize: boundaries tensor must be 1 dimension, but got "
            f"dim({boundaries._array.ndim})"
        )
    return _search("bucketize", boundaries, input, right, out_int32, out)
