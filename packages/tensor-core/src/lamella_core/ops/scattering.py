"""Writing at places given by index tensors and masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core.composite import composite
from lamella_core.conventions.arguments import number_of_type
from lamella_core.conventions.common import (
    broadcast_error,
    normalize_dim,
    not_implemented_for,
)
from lamella_core.conventions.results import offering, write_out
from lamella_core.conventions.structural import overwriting
from lamella_core.declaration import in_place
from lamella_core.ops.gathering import check_index
from lamella_core.ops.splitting import broadcast_tensors
from lamella_core.tensor import Tensor
from lamella_core.warning import warn_once

if TYPE_CHECKING:
    from lamella_core.typing import Number

__all__ = [
    "index_add", "index_copy", "index_fill", "index_reduce", "masked_fill", "masked_scatter", "put",
    "scatter", "scatter_add", "scatter_reduce",
]  # fmt: skip


# ------------ primitives


_scatter = overwriting()("scatter(input: Tensor, dim: int, index: Tensor, src: Tensor | Number)")
_scatter_add = overwriting()("scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor)")
_scatter_reduce = overwriting()(
    "scatter_reduce(input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, "
    "include_self: bool)"
)
_index_add = overwriting()(
    "index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, alpha)"
)
_index_copy = overwriting()("index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor)")
_index_fill = overwriting(repeats=True, inputs="any")(
    "index_fill(input: Tensor, dim: int, index: Tensor, value: Tensor | Number)"
)
_index_reduce = overwriting()(
    "index_reduce(input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, "
    "include_self: bool)"
)
_put = overwriting()("put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool)")
_masked_fill = overwriting(repeats=True, inputs="any")(
    "masked_fill(input: Tensor, mask: Tensor, value: Tensor | Number)"
)
_masked_scatter = overwriting(inputs="any")(
    "masked_scatter(input: Tensor, mask: Tensor, source: Tensor)"
)
_scatter_into = in_place(_scatter)
_scatter_add_into = in_place(_scatter_add)
_scatter_reduce_into = in_place(_scatter_reduce)
_index_add_into = in_place(_index_add)
_index_copy_into = in_place(_index_copy)
_index_fill_into = in_place(_index_fill)
_index_reduce_into = in_place(_index_reduce)
_put_into = in_place(_put)
_masked_fill_into = in_place(_masked_fill)
_masked_scatter_into = in_place(_masked_scatter)


# ------------ by element


def _check_scatter(op_name: str, input: Tensor, dim: int, index: Tensor, src: Any) -> int:
    dim = normalize_dim(dim, input._array.ndim)
    if not index._array.size:
        return dim
    check_index(op_name, index)
    given, shape = index._array.shape or (1,), input._array.shape or (1,)
    sizes = (src._array.shape or (1,)) if isinstance(src, Tensor) else given
    for kind, other in (("self", shape), ("src", sizes)):
        if len(other) != len(given):
            raise RuntimeError(
                f"Index tensor must have the same number of dimensions as {kind} tensor "
                f"({op_name}: index {list(index._array.shape)}, {kind} {list(other)})"
            )
    if sizes is not given and src._dtype is not input._dtype:
        raise RuntimeError(
            f"{op_name}(): Expected self.dtype to be equal to src.dtype, got "
            f"{input._dtype!r} and {src._dtype!r}"
        )
    for d, n in enumerate(given):
        if n > sizes[d] or (n > shape[d] and d != dim):
            further = "" if sizes is given else f" and to be no larger size than src {list(sizes)}"
            raise RuntimeError(
                f"Expected index {list(given)} to be no larger than self {list(shape)} apart from "
                f"dimension {dim}{further}"
            )
    return dim


def _source(src: Any, value: Any) -> Any:
    if src is None and value is None:
        raise TypeError("scatter(): missing argument 'src' (a Tensor) or 'value' (a number)")
    return value if src is None else src


def _scattered(
    apply: Any,
    add: Any,
    combine: Any,
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Any,
    reduce: Any,
) -> Tensor:
    if reduce is None:
        dim = _check_scatter("scatter", input, dim, index, src)
        if not isinstance(src, Tensor):
            src = number_of_type(src, input._dtype)
        return apply(input, dim, index, src)
    if reduce not in ("add", "multiply"):
        raise RuntimeError(f"reduce argument must be either add or multiply, got {reduce!r}.")
    if isinstance(src, Tensor):
        warn_once("scatter with reduce and a tensor is deprecated; use scatter_reduce instead.")
    else:
        src = input.new_full(index._array.shape, src)
    dim = _check_scatter("scatter", input, dim, index, src)
    if reduce == "add":
        return add(input, dim, index, src)
    return combine(input, dim, index, src, "prod", True)


@composite
def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor | Number | None = None,
    *,
    value: Number | None = None,
    reduce: str | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """A copy with ``copy[index[i][j]][j] = src[i][j]`` for ``dim = 0``, and so on.

    Args:
        input: the tensor.
        dim: the dimension that ``index`` counts.
        index: int64, no larger than ``input`` apart from ``dim``, and no larger than ``src``.
        src: the values, of the type of ``input``; or a number.
        value: a number in the place of ``src``.
        reduce: ``"add"`` or ``"multiply"`` combines with what is there.
        out: a tensor to write into.

    Where a place is named twice and nothing is combined, one of its values stands.

    Raises:
        RuntimeError: when an index is out of range, or types or shapes do not fit.
    """
    source = _source(src, value)
    set_, add, combine = _scatter, _scatter_add, _scatter_reduce
    if out is not None:
        set_, add, combine = (offering(out, each) for each in (set_, add, combine))
    result = _scattered(set_, add, combine, input, dim, index, source, reduce)
    return write_out("scatter", result, out)


@composite
def scatter_(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor | Number | None = None,
    *,
    value: Number | None = None,
    reduce: str | None = None,
) -> Tensor:
    """:func:`scatter` in place; returns the tensor."""
    return _scattered(
        _scatter_into,
        _scatter_add_into,
        _scatter_reduce_into,
        input,
        dim,
        index,
        _source(src, value),
        reduce,
    )


@composite
def scatter_add(
    input: Tensor, dim: int, index: Tensor, src: Tensor, *, out: Tensor | None = None
) -> Tensor:
    """A copy with ``copy[index[i][j]][j] += src[i][j]`` for ``dim = 0``, and so on.

    The arguments are those of :func:`scatter`.
    """
    dim = _check_scatter("scatter_add", input, dim, index, src)
    result = offering(out, _scatter_add)(input, dim, index, src)
    return write_out("scatter_add", result, out)


@composite
def scatter_add_(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """:func:`scatter_add` in place; returns the tensor."""
    dim = _check_scatter("scatter_add_", input, dim, index, src)
    return _scatter_add_into(input, dim, index, src)


def _check_reduce(input: Tensor, reduce: str, known: str = "sum, prod, mean, amax, amin") -> None:
    if reduce not in known.split(", "):
        raise RuntimeError(f"reduce argument must be one of {known}, got {reduce}")
    refused = dtypes.BOOL if reduce == "mean" else dtypes.COMPLEX if reduce[0] == "a" else None
    if input._dtype.category == refused:
        raise not_implemented_for(f"scatter_reduce {reduce}", input._dtype)


@composite
def scatter_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:
    """A copy in which all values scattered to a place are combined there.

    Args:
        input, dim, index, src: see :func:`scatter`.
        reduce: ``"sum"``, ``"prod"``, ``"mean"``, ``"amax"`` or ``"amin"``.
        include_self: whether the element that is there takes part.
        out: a tensor to write into.
    """
    _check_reduce(input, reduce)
    dim = _check_scatter("scatter_reduce", input, dim, index, src)
    result = offering(out, _scatter_reduce)(input, dim, index, src, reduce, include_self)
    return write_out("scatter_reduce", result, out)


@composite
def scatter_reduce_(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """:func:`scatter_reduce` in place; returns the tensor."""
    _check_reduce(input, reduce)
    dim = _check_scatter("scatter_reduce_", input, dim, index, src)
    return _scatter_reduce_into(input, dim, index, src, reduce, include_self)


def _check_put(op_name: str, input: Tensor, index: Tensor, source: Tensor) -> None:
    if index._dtype is not dtypes.int64:
        raise RuntimeError(
            f"{op_name}(): Expected a long tensor for index, but got {index._dtype.class_name}"
        )
    if source._dtype is not input._dtype:
        raise RuntimeError(
            f"{op_name}(): self and source expected to have the same dtype, but got self.dtype = "
            f"{input._dtype.class_name} and source.dtype = {source._dtype.class_name}"
        )
    if source._array.size != index._array.size:
        raise IndexError(
            f"{op_name}(): Expected source and index to have the same number of elements, but got "
            f"source.numel() = {source._array.size}, index.numel() = {index._array.size}"
        )


@composite
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy with elements replaced at the given places of the tensor read in row-major order.

    Args:
        input: the tensor.
        index: int64; negative places count from the end.
        source: as many values, of the type of ``input``.
        accumulate: add to what is there.

    Raises:
        IndexError: when a place is out of range, or the numbers of elements differ.
    """
    _check_put("put_", input, index, source)
    return _put(input, index, source, accumulate)


@composite
def put_(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """:func:`put` in place; returns the tensor."""
    _check_put("put_", input, index, source)
    return _put_into(input, index, source, accumulate)


# ------------ by slice


def _check_slices(
    op_name: str, input: Tensor, dim: int, index: Tensor, source: Tensor, error: type[Exception]
) -> int:
    ndim = input._array.ndim
    dim = normalize_dim(dim, ndim)
    if index._array.ndim > 1:
        raise IndexError(
            f"{op_name}(): Index should have dimension 1 or 0 (got {index._array.ndim})"
        )
    check_index(op_name, index)
    if source._dtype is not input._dtype:
        raise RuntimeError(
            f"{op_name}(): self ({input._dtype.class_name}) and source "
            f"({source._dtype.class_name}) must have the same scalar type"
        )
    if source._array.ndim != ndim and (source._array.ndim or ndim > 1 or error is RuntimeError):
        raise (error if source._array.ndim and ndim else RuntimeError)(
            f"{op_name}(): source and self must have the same number of dimensions, got "
            f"{source._array.ndim} and {ndim}"
        )
    size = source._array.shape[dim] if source._array.ndim else 1
    if index._array.size != size:
        raise error(
            f"{op_name}(): Number of indices ({index._array.size}) should be equal to "
            f"source.size(dim): ({size}), for dim: {dim}"
        )
    for d, (n, m) in enumerate(zip(source._array.shape, input._array.shape, strict=False)):
        if d != dim and n != m:
            raise error(
                f"{op_name}(): source shape {list(source._array.shape)} must match self shape "
                f"{list(input._array.shape)} apart from dimension {dim}"
            )
    return dim


@composite
def index_add(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    *,
    alpha: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """A copy with ``copy[index[i]] += alpha source[i]`` for ``dim = 0``, and so on.

    Args:
        input: the tensor.
        dim: the dimension.
        index: int32 or int64, one dimension.
        source: of the sizes of ``input`` apart from ``dim``, and of its type.
        alpha: a factor.
        out: a tensor to write into.

    Raises:
        RuntimeError: when an index is out of range, or types or shapes do not fit.
    """
    dim = _check_slices("index_add_", input, dim, index, source, RuntimeError)
    result = offering(out, _index_add)(input, dim, index, source, alpha)
    return write_out("index_add", result, out)


@composite
def index_add_(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = 1
) -> Tensor:
    """:func:`index_add` in place; returns the tensor."""
    dim = _check_slices("index_add_", input, dim, index, source, RuntimeError)
    return _index_add_into(input, dim, index, source, alpha)


@composite
def index_copy(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, out: Tensor | None = None
) -> Tensor:
    """A copy with the slices that ``index`` lists replaced by those of ``source``.

    Raises:
        IndexError: when an index is out of range, or the shapes do not fit.
        RuntimeError: when the types differ.
    """
    dim = _check_slices("index_copy_", input, dim, index, source, IndexError)
    result = offering(out, _index_copy)(input, dim, index, source)
    return write_out("index_copy", result, out)


@composite
def index_copy_(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """:func:`index_copy` in place; returns the tensor."""
    dim = _check_slices("index_copy_", input, dim, index, source, IndexError)
    return _index_copy_into(input, dim, index, source)


def _fill_value(op_name: str, input: Tensor, value: Any) -> Any:
    if isinstance(value, Tensor):
        if value._array.ndim:
            raise RuntimeError(
                f"{op_name} only supports a 0-dimensional value tensor, but got tensor with "
                f"{value._array.ndim} dimension(s)."
            )
        if value._dtype.is_complex > input._dtype.is_complex:
            if op_name != "index_fill_":
                return number_of_type(value.item(), input._dtype)
            raise RuntimeError(
                f"value cannot be converted to type {input._dtype.name} without overflow: "
                f"{op_name} got a {value._dtype!r} value"
            )
        return value if value.device == input.device else value.to(input.device)
    return number_of_type(value, input._dtype)


@composite
def index_fill(input: Tensor, dim: int, index: Tensor, value: Tensor | Number) -> Tensor:
    """A copy with the slices that ``index`` lists filled with one value.

    Raises:
        IndexError: when an index is out of range.
    """
    dim = normalize_dim(dim, input._array.ndim)
    _check_fill_index(index)
    return _index_fill(input, dim, index, _fill_value("index_fill_", input, value))


@composite
def index_fill_(input: Tensor, dim: int, index: Tensor, value: Tensor | Number) -> Tensor:
    """:func:`index_fill` in place; returns the tensor."""
    dim = normalize_dim(dim, input._array.ndim)
    _check_fill_index(index)
    return _index_fill_into(input, dim, index, _fill_value("index_fill_", input, value))


def _check_fill_index(index: Tensor) -> None:
    if index._dtype is not dtypes.int64:
        raise IndexError(f"index_fill_(): Expected dtype int64 for index, got {index._dtype!r}.")
    if index._array.ndim > 1:
        raise IndexError("Index has to be a vector/scalar (index_fill_)")


def _check_index_reduce(input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str) -> int:
    _check_reduce(input, reduce, "prod, mean, amax, amin")
    return _check_slices("index_reduce", input, dim, index, source, RuntimeError)


@composite
def index_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:
    """A copy in which all slices of ``source`` that go to one place are combined there.

    Args:
        input, dim, index, source: see :func:`index_add`.
        reduce: ``"prod"``, ``"mean"``, ``"amax"`` or ``"amin"``.
        include_self: whether the slice that is there takes part.
        out: a tensor to write into.
    """
    dim = _check_index_reduce(input, dim, index, source, reduce)
    result = offering(out, _index_reduce)(input, dim, index, source, reduce, include_self)
    return write_out("index_reduce", result, out)


@composite
def index_reduce_(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """:func:`index_reduce` in place; returns the tensor."""
    dim = _check_index_reduce(input, dim, index, source, reduce)
    return _index_reduce_into(input, dim, index, source, reduce, include_self)


# ------------ by mask


def _check_bool(op_name: str, mask: Tensor) -> None:
    if mask._dtype is not dtypes.bool_:
        raise RuntimeError(
            f"{op_name} only supports boolean masks, but got mask with dtype {mask._dtype.name}"
        )


@composite
def masked_fill(input: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """A copy with ``value`` where ``mask`` is True; the two tensors broadcast.

    Args:
        input: the tensor.
        mask: of type bool.
        value: a number, or a tensor without dimensions.

    Raises:
        RuntimeError: when ``mask`` is of another type, or the shapes do not broadcast.
    """
    _check_bool("masked_fill_", mask)
    value = _fill_value("masked_fill_", input, value)
    if input._array.shape != mask._array.shape:
        mask, input = broadcast_tensors(mask, input)
    return _masked_fill(input, mask, value)


@composite
def masked_fill_(input: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """:func:`masked_fill` in place; the mask broadcasts to the tensor. Returns the tensor."""
    _check_bool("masked_fill_", mask)
    return _masked_fill_into(
        input, _mask_for(input, mask), _fill_value("masked_fill_", input, value)
    )


def _mask_for(input: Tensor, mask: Tensor) -> Tensor:
    shape, given = input._array.shape, mask._array.shape
    if shape == given:
        return mask
    for n, m in zip(reversed(shape), reversed(given), strict=False):
        if n != m and m != 1 and n != 1:
            raise broadcast_error("masked_fill_", shape, given)
    if len(given) > len(shape) or any(
        m != 1 and n == 1 and m != n for n, m in zip(reversed(shape), reversed(given), strict=False)
    ):
        raise RuntimeError(
            f"output with shape {list(shape)} doesn't match the broadcast shape {list(given)}"
        )
    return mask.expand(shape)


def _check_masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> None:
    if source._dtype is not input._dtype:
        raise RuntimeError(
            f"masked_scatter: expected self and source to have same dtypes but got "
            f"{input._dtype.class_name} and {source._dtype.class_name}"
        )
    if mask._dtype is not dtypes.bool_:
        raise RuntimeError(
            f"masked_scatter_ only supports boolean masks, but got mask with dtype "
            f"{mask._dtype.name}"
        )


@composite
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy with the elements where ``mask`` is True replaced by those of ``source``, in order.

    Raises:
        RuntimeError: when ``source`` has too few elements, or another type.
    """
    _check_masked_scatter(input, mask, source)
    if input._array.shape != mask._array.shape:
        mask, input = broadcast_tensors(mask, input)
    return _masked_scatter(input, mask, source)


@composite
def masked_scatter_(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """:func:`masked_scatter` in place; returns the tensor."""
    _check_masked_scatter(input, mask, source)
    return _masked_scatter_into(input, _mask_for(input, mask), source)
