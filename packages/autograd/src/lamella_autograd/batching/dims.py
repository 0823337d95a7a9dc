"""Batching of ops that work along dimensions: the dimensions move up by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd.batching.rules import batching, batching_of_convention
from lamella_autograd.levels import call, mapped_results
from lamella_core.conventions.common import normalize_dim, normalize_dims
from lamella_core.conventions.reduction import Reduction
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_autograd.batching.level import Batch
    from lamella_core.dispatch import Op


def shifted(dim: Any, ndim: int) -> Any:
    """A dimension, or several, of one example as those of the whole batch."""
    if isinstance(dim, int):
        return normalize_dim(dim, ndim) + 1
    return tuple([d + 1 for d in normalize_dims(dim, ndim)])


def _places(op: Op) -> dict[str, int]:
    return {param.name: i for i, param in enumerate(op.params)}


@batching_of_convention(Reduction)
@batching("var", "std", "vector_norm", "max_dim", "min_dim", "median_dim", "mode", "kthvalue")
def reduction(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """A reduction of everything is one of each example laid out as a row."""
    if op.mutates is not None:
        return NotImplemented
    places = _places(op)
    at, keep = places["dim"], places["keepdim"]
    value = batch.full(args[0])
    ndim = value._array.ndim - 1
    dim, keepdim = args[at], args[keep]
    values = [value, *args[1:]]
    nothing = dim is not None and not isinstance(dim, int) and not len(dim)
    if nothing and getattr(op.convention, "result", None) == "bool":
        return call(op, *values)
    if dim is None or nothing or not ndim:
        if dim is not None and not nothing:
            shifted(dim, ndim)
        values[0] = value.reshape(value._array.shape[0], args[0]._array.size)
        values[at], values[keep] = 1, False
        shape = (value._array.shape[0], *(1,) * (ndim if keepdim else 0))
        return mapped_results(lambda each: each.reshape(shape), call(op, *values))
    values[at] = shifted(dim, ndim)
    return call(op, *values)


@batching(
    "softmax", "softmax_backward", "log_softmax", "log_softmax_backward", "cumsum", "cumprod",
    "cummax", "cummin", "logcumsumexp", "sort", "topk", "gather", "scatter", "scatter_add",
    "scatter_reduce", "flip",
)  # fmt: skip
def along(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """All tensors get the batch; the dimension, or dimensions, move."""
    if op.mutates == "out":
        return NotImplemented
    places = _places(op)
    at = places["dim"] if "dim" in places else places["dims"]
    ndim = args[0]._array.ndim
    values = [batch.full(a) if isinstance(a, Tensor) else a for a in args]
    if ndim:
        values[at] = shifted(args[at], ndim)
        return call(op, *values)
    if op.mutates is not None:
        return NotImplemented
    # An example without dimensions counts as one with a single element.
    shifted(args[at], 0)
    values = [v.unsqueeze(1) if isinstance(v, Tensor) else v for v in values]
    values[at] = 1 if isinstance(args[at], int) else (1,) * len(args[at])
    return mapped_results(lambda each: each.squeeze(1), call(op, *values))


@batching("fft_c2c", "fft_r2c", "fft_c2r")
def fourier(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Fourier transforms along dimensions that are counted from the front or the back."""
    input, dim, *rest = args
    if op.mutates is not None:
        return NotImplemented
    return call(op, batch.full(input), shifted(dim, input._array.ndim), *rest)


@batching("roll")
def roll(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Without dimensions an example is rolled as one row."""
    input, shifts, dims = args
    value = batch.full(input)
    if dims is None or (not isinstance(dims, int) and not len(dims)):
        flat = value.reshape(value._array.shape[0], input._array.size)
        if not isinstance(shifts, int):
            shifts = sum(shifts)
        return call(op, flat, shifts, 1).reshape(value._array.shape)
    if isinstance(dims, int):
        return call(op, value, shifts, dims % max(input._array.ndim, 1) + 1)
    return call(op, value, shifts, tuple([d % input._array.ndim + 1 for d in dims]))


@batching("index_select", "index_add", "index_copy", "index_fill", "index_reduce")
def along_with_index(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """One index for all examples; with an index for each, a gather or a scatter."""
    input, dim, index, *rest = args
    ndim = input._array.ndim
    if op.mutates == "out" or not ndim:
        return NotImplemented
    value, dim = batch.full(input), shifted(dim, ndim)
    if not batch.is_batched(index):
        if op.name.startswith("index_fill"):
            if batch.is_batched(rest[0]):
                return NotImplemented
        elif rest:
            if rest[0]._array.ndim != ndim:
                return NotImplemented
            rest[0] = batch.full(rest[0])
        return call(op, value, dim, index, *rest)
    if op.mutates is not None or index._array.ndim != 1:
        return NotImplemented
    places = batch.full(index).long()
    places = places.reshape(places.shape[0], *(1,) * (dim - 1), -1, *(1,) * (ndim - dim))
    shape = list(value._array.shape)
    shape[dim] = index._array.shape[0]
    places = places.expand(shape)
    if op.name == "index_select":
        return value.gather(dim, places)
    if op.name == "index_fill":
        return NotImplemented if batch.is_batched(rest[0]) else value.scatter(dim, places, rest[0])
    if rest[0]._array.ndim != ndim:
        return NotImplemented
    source = batch.full(rest[0])
    if op.name == "index_copy":
        return value.scatter(dim, places, source)
    if op.name == "index_add":
        return value.scatter_add(dim, places, source if rest[1] == 1 else source * rest[1])
    return value.scatter_reduce(dim, places, source, rest[1], include_self=rest[2])


@batching("median")
def median(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Of each example laid out as a row."""
    input, ignore_nan = args
    rows = batch.full(input).reshape(batch.size, input._array.size)
    return (rows.nanmedian(1) if ignore_nan else rows.median(1)).values


@batching("cat", "stack")
def joined(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Joins along a dimension of the examples."""
    if op.mutates is not None:
        return NotImplemented
    tensors, dim = args
    ndim = tensors[0]._array.ndim + (op.name == "stack")
    return call(op, [batch.full(each) for each in tensors], normalize_dim(dim, ndim) + 1)


@batching("repeat")
def repeat(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """The examples' dimensions are repeated, the batch is not."""
    input, repeats = args
    value = batch.aligned(input, len(repeats))
    return call(op, value, (1,) * (value._array.ndim - len(repeats)) + tuple(repeats))
