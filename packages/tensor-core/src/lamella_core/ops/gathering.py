"""Reading at places given by index tensors and masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core import dtype as dtypes
from lamella_core.composite import composite
from lamella_core.conventions.arguments import scalar_of_type
from lamella_core.conventions.common import LARGE, anywhere, broadcast_error, normalize_dim
from lamella_core.conventions.results import offering, part_by_part, write_out
from lamella_core.conventions.structural import structural
from lamella_core.dispatch import WATCHED
from lamella_core.ops.creation import full
from lamella_core.ops.splitting import broadcast_tensors
from lamella_core.promotion import result_dtype
from lamella_core.tensor import Tensor
from lamella_core.warning import warn_once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.typing import Number

__all__ = [
    "argwhere", "gather", "index_select", "masked_select", "nonzero", "nonzero_static", "take",
    "take_along_dim", "unravel_index", "where",
]  # fmt: skip


_index_select = structural()("index_select(input: Tensor, dim: int, index: Tensor)")
_gather = structural()("gather(input: Tensor, dim: int, index: Tensor)")
_take = structural()("take(input: Tensor, index: Tensor)")
_masked_select = structural()("masked_select(input: Tensor, mask: Tensor)")
_nonzero = structural()("nonzero(input: Tensor)")
_where = structural(elementwise=True)("where(condition: Tensor, input: Tensor, other: Tensor)")


def check_index(op_name: str, index: Tensor) -> None:
    """Raises RuntimeError when an index is not of an integer type that indices have."""
    if index._dtype is not dtypes.int64 and index._dtype is not dtypes.int32:
        raise RuntimeError(
            f"{op_name}(): Expected dtype int32/int64 for index, got {index._dtype!r}"
        )


@composite
def index_select(input: Tensor, dim: int, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The slices of a dimension that ``index`` lists, in its order.

    Args:
        input: the tensor.
        dim: the dimension.
        index: int32 or int64, at most one dimension.
        out: a tensor to write into.

    Raises:
        IndexError: when an index is negative or too large, or ``index`` has more dimensions.
    """
    dim = normalize_dim(dim, input._array.ndim)
    if index._array.ndim > 1 or (index._array.size != 1 and not input._array.ndim):
        raise (IndexError if index._array.ndim > 1 else RuntimeError)(
            f"index_select(): Index is supposed to be a vector, of a number of no dimensions one "
            f"place, got shape {list(index._array.shape)}"
        )
    check_index("index_select", index)
    result = offering(out, _index_select)(input, dim, index)
    return write_out("index_select", result, out, input, index)


def check_index_shape(
    op_name: str, dim: int, index: Tensor, target: Tensor, kind: str = "input"
) -> None:
    """Checks that an index has as many dimensions as a tensor, and elsewhere than ``dim`` no more
    than its sizes.

    Raises:
        RuntimeError: when not.
    """
    given, shape = index._array.shape, target._array.shape
    if not index._array.size or (given == shape and shape):
        return
    if (len(given) or 1) != (len(shape) or 1):
        raise RuntimeError(
            f"Index tensor must have the same number of dimensions as {kind} tensor ({op_name}: "
            f"index {list(given)}, {kind} {list(shape)})"
        )
    for d, (n, m) in enumerate(zip(given, shape, strict=False)):
        if d != dim and n > m:
            raise RuntimeError(
                f"Size does not match at dimension {d} expected index {list(given)} to be no "
                f"larger than self {list(shape)} apart from dimension {dim} ({op_name})"
            )


@composite
def gather(
    input: Tensor,
    dim: int,
    index: Tensor,
    *,
    sparse_grad: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """``out[i][j][k] = input[index[i][j][k]][j][k]`` for ``dim = 0``, and so on.

    Args:
        input: the tensor.
        dim: the dimension to choose along.
        index: int64 of as many dimensions as ``input`` and, apart from ``dim``, no larger; the
            result has its shape.
        sparse_grad: must be False.
        out: a tensor to write into.

    Raises:
        RuntimeError: when an index is out of range, or the shapes do not fit.
    """
    if sparse_grad:
        raise RuntimeError(
            "gather: sparse_grad=True is not there; leave it out for a dense gradient"
        )
    dim = normalize_dim(dim, input._array.ndim)
    if index._array.size:
        check_index("gather", index)
    check_index_shape("gather", dim, index, input)
    result = (_gather if out is None else offering(out, _gather))(input, dim, index)
    return write_out("gather", result, out, input, index)


@composite
def take(input: Tensor, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements at the given places of the tensor read in row-major order.

    Raises:
        IndexError: when a place is out of range.
        RuntimeError: when ``index`` is not int64.
    """
    if index._dtype is not dtypes.int64:
        raise RuntimeError(
            f"take(): Expected a long tensor for index, but got {index._dtype.class_name}"
        )
    if not input._array.size and index._array.size:
        raise IndexError("take(): tried to take from an empty tensor")
    result = offering(out, _take)(input, index)
    return write_out("take", result, out, input, index)


@composite
def take_along_dim(
    input: Tensor, indices: Tensor, dim: int | None = None, *, out: Tensor | None = None
) -> Tensor:
    """:func:`gather` with operands that broadcast apart from ``dim``; flattened when it is None.

    Raises:
        RuntimeError: when the numbers of dimensions differ, the shapes do not broadcast, or the
            indices are not int64; int32 will do where ``dim`` is None.
    """
    if dim is None and indices._dtype is dtypes.int32:
        indices = indices.long()
    if indices._dtype is not dtypes.int64:
        raise RuntimeError(
            f"torch.take_along_dim(): dtype of indices should be Long but got "
            f"{indices._dtype.class_name}"
        )
    if dim is None:
        return take_along_dim(input.reshape(-1), indices.reshape(-1), 0, out=out)
    ndim = input._array.ndim
    if indices._array.ndim != ndim:
        raise RuntimeError(
            f"torch.take_along_dim(): input and indices should have the same number of dimensions, "
            f"but got {ndim} dimensions for input, and {indices._array.ndim} dimensions for indices"
        )
    dim = normalize_dim(dim, ndim)
    if indices._array.size and anywhere(indices < 0):
        indices = indices.where(indices >= 0, indices + input._array.shape[dim])
    shape, given = list(input._array.shape), list(indices._array.shape)
    for d in range(ndim):
        if d != dim:
            if shape[d] != given[d] and 1 not in (shape[d], given[d]):
                raise broadcast_error("take_along_dim", tuple(shape), tuple(given))
            shape[d] = given[d] = shape[d] if given[d] == 1 else given[d]
    return gather(input.expand(shape), dim, indices.expand(given), out=out)


@composite
def masked_select(input: Tensor, mask: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements where ``mask`` is True, in one dimension; the operands broadcast.

    Raises:
        RuntimeError: when ``mask`` is not of type bool.
    """
    if mask._dtype is not dtypes.bool_:
        raise RuntimeError(
            f"masked_select: expected BoolTensor for mask, got {mask._dtype.class_name}"
        )
    if input._array.shape != mask._array.shape:
        mask, input = broadcast_tensors(mask, input)
    result = _masked_select(input, mask)
    return write_out("masked_select", result, out, input, mask)


@composite
def nonzero(input: Tensor, *, out: Tensor | None = None, as_tuple: bool = False) -> Any:
    """The places of all elements that are not zero.

    Args:
        input: the tensor.
        out: a tensor to write into.
        as_tuple: return one 1-dim tensor a dimension, ready to index with, instead of a matrix
            with a row an element.
    """
    if out is not None and not isinstance(out, Tensor):
        raise TypeError(f"nonzero(): argument 'out' must be Tensor, not {type(out).__name__}")
    if as_tuple:
        return _nonzero(input if input._array.ndim else input.reshape(1)).unbind(1)
    result = offering(out, _nonzero)(input)
    return write_out("nonzero", result, out)


@composite
def nonzero_static(
    input: Tensor, *, size: int, fill_value: int = -1, out: Tensor | None = None
) -> Tensor:
    """The first ``size`` rows of :func:`nonzero`; where there are fewer, rows of ``fill_value``.

    Raises:
        RuntimeError: when ``size`` is negative.
    """
    if size < 0:
        raise RuntimeError(f"nonzero_static: 'size' must be an non-negative integer, got {size}")
    shape = (size, input._array.ndim)
    place = part_by_part(out, shape, dtypes.int64, input, input)
    result = input.new_empty(shape, dtype=dtypes.int64) if place is None else place
    find: Any = _nonzero
    if size >= LARGE:
        find = offering(result[: int(input.count_nonzero())], find)
    found = find(input)[:size]
    count = found._array.shape[0]
    result[:count] = found
    if count < size:
        result[count:] = fill_value
    return write_out("nonzero_static", result, out, input)


def unravel_index(indices: Tensor, shape: int | Sequence[int]) -> tuple[Tensor, ...]:
    """The coordinates, a tensor a dimension, of places counted in row-major order.

    Args:
        indices: integers; places beyond the last one begin anew.
        shape: the shape that is counted in.

    Raises:
        TypeError: when ``indices`` are no integers.
        ValueError: for a negative size.
    """
    if indices._dtype.category != dtypes.INTEGER:
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices._dtype!r}")
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(n < 0 for n in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    indices = indices.to(dtypes.int64)
    coordinates = []
    step = 1
    for n in reversed(sizes):
        coordinates.append((indices // step) % n)
        step *= n
    return tuple(reversed(coordinates))


@composite
def argwhere(input: Tensor) -> Tensor:
    """The places of all elements that are not zero, a row each."""
    return _nonzero(input)


@composite(method=False)
def where(
    condition: Tensor,
    input: Tensor | Number | None = None,
    other: Tensor | Number | None = None,
    *,
    out: Tensor | None = None,
) -> Any:
    """The element of ``input`` where ``condition`` is True, of ``other`` elsewhere.

    With the condition alone it is ``nonzero(condition, as_tuple=True)``.

    Args:
        condition: of type bool (or uint8).
        input, other: tensors or numbers; their types are promoted, and all three broadcast.
        out: a tensor to write into.

    Raises:
        RuntimeError: when ``condition`` is of another type, or the shapes do not broadcast.
    """
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    if condition._dtype is not dtypes.bool_:
        if condition._dtype is not dtypes.uint8:
            raise RuntimeError(
                f"where expected condition to be a boolean tensor, but got a tensor with dtype "
                f"{condition._dtype.class_name}"
            )
        warn_once("where: a condition of type uint8 is deprecated; give one of type bool")
        condition = condition.bool()
    first: Any
    second: Any
    if input.__class__ is Tensor and other.__class__ is Tensor and input._dtype is other._dtype:
        first, second = input, other
    elif input.__class__ is Tensor and _KINDS.get(other.__class__, 4) <= input._dtype.category:
        first, second = input, _filled(other, input._dtype, condition)
    elif other.__class__ is Tensor and _KINDS.get(input.__class__, 4) <= other._dtype.category:
        first, second = _filled(input, other._dtype, condition), other
    else:
        common = result_dtype([_operand(input), _operand(other)])
        first, second = input, other
        if (
            not input.__class__ is other.__class__ is Tensor
            or (condition._key | input._key | other._key) & WATCHED
            or not (input._array.ndim and other._array.ndim)
            or dtypes.bfloat16 in (input._dtype, other._dtype)
            # Where NumPy gives the same type it converts the elements on the way.
            or np.result_type(input._dtype.numpy, other._dtype.numpy) != common.numpy
        ):
            first, second = (_of_type(each, common, condition) for each in (input, other))
    try:
        result = (_where if out is None else offering(out, _where))(condition, first, second)
    except ValueError:
        shapes = [each._array.shape for each in (condition, first, second)]
        raise broadcast_error("where", *shapes) from None
    return write_out("where", result, out)


_KINDS = {bool: dtypes.BOOL, int: dtypes.INTEGER, float: dtypes.FLOATING, complex: dtypes.COMPLEX}


def _operand(value: Any) -> Any:
    if isinstance(value, (Tensor, bool, int, float, complex)):
        return value
    raise TypeError(f"operands must be tensors or numbers, not {type(value).__name__}")


def _of_type(value: Any, kind: Any, condition: Tensor) -> Tensor:
    if isinstance(value, Tensor):
        return value.to(kind)
    return _filled(value, kind, condition)


def _filled(value: Any, kind: Any, condition: Tensor) -> Tensor:
    return full((), scalar_of_type(value, kind), dtype=kind, device=condition.device)


def _where_method(self: Tensor, condition: Tensor, other: Tensor | Number) -> Tensor:
    # This tensor where ``condition`` is True, ``other`` elsewhere; see :func:`where`.
    return where(condition, self, other)


Tensor.where = _where_method
