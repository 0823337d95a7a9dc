"""Batching of views: a view of each example is a view of the whole batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd.batching.dims import shifted
from lamella_autograd.batching.rules import batching
from lamella_autograd.levels import call
from lamella_core.formats import reach
from lamella_core.kernels.views import inferred_size
from lamella_core.ops.creation import empty_strided

if TYPE_CHECKING:
    from lamella_autograd.batching.level import Batch
    from lamella_core.dispatch import Op


@batching("view")
def view(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """The batch stays in front of the new shape."""
    input, size = args
    value = batch.full(input)
    return call(op, value, (value._array.shape[0], *inferred_size(size, input._array.size)))


@batching("view_dtype", "real", "imag", "view_as_real", "view_as_complex")
def elements(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Views that change elements, or the last dimension."""
    if not args[0]._array.ndim and op.name in ("view_dtype", "view_as_complex"):
        if op.name == "view_as_complex" or args[1].itemsize != args[0]._array.dtype.itemsize:
            raise RuntimeError(f"{op.name}: a tensor without dimensions has no last dimension")
    return call(op, batch.full(args[0]), *args[1:])


@batching("permute")
def permute(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """The batch stays in front."""
    input, dims = args
    return call(op, batch.full(input), (0, *shifted(dims, input._array.ndim)))


@batching("transpose")
def transpose(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Two dimensions of the examples exchanged."""
    input, dim0, dim1 = args
    value, ndim = batch.full(input), input._array.ndim
    if not ndim:
        return value
    return call(op, value, shifted(dim0, ndim), shifted(dim1, ndim))


@batching("expand")
def expand(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """New dimensions come after the batch."""
    input, size = args
    value = batch.full(input)
    shape = value._array.shape
    missing = len(size) - (len(shape) - 1)
    for _ in range(missing):
        value = value.unsqueeze(1)
    return call(op, value, (shape[0], *size))


@batching("unsqueeze")
def unsqueeze(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """A dimension of size 1 put into the examples."""
    input, dim = args
    return call(op, batch.full(input), shifted(dim, input._array.ndim + 1))


@batching("squeeze")
def squeeze(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Dimensions of size 1 taken out of the examples."""
    input, dims = args
    return call(op, batch.full(input), shifted(dims, input._array.ndim))


@batching("basic_index")
def basic_index(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """All examples, then the index."""
    input, index = args
    return call(op, batch.full(input), (slice(None), *index))


@batching("basic_index_backward")
def basic_index_backward(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """See :func:`basic_index`."""
    source, shape, index = args
    return call(op, batch.full(source), (batch.size, *shape), (slice(None), *index))


@batching("diagonal")
def diagonal(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Diagonals of the examples' dimensions."""
    input, offset, dim1, dim2 = args
    ndim = input._array.ndim
    return call(op, batch.full(input), offset, shifted(dim1, ndim), shifted(dim2, ndim))


@batching("diagonal_backward")
def diagonal_backward(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """See :func:`diagonal`."""
    source, shape, offset, dim1, dim2 = args
    ndim = len(shape)
    dims = shifted(dim1, ndim), shifted(dim2, ndim)
    return call(op, batch.full(source), (batch.size, *shape), offset, *dims)


@batching("unfold")
def unfold(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Windows along a dimension of the examples."""
    input, dimension, size, step = args
    value, ndim = batch.full(input), input._array.ndim
    if not ndim:
        return call(op, value.unsqueeze(1), 1, size, step).squeeze(1)
    return call(op, value, shifted(dimension, ndim), size, step)


@batching("unfold_backward")
def unfold_backward(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """See :func:`unfold`."""
    source, shape, dimension, size, step = args
    if not shape:
        return NotImplemented
    at = shifted(dimension, len(shape))
    return call(op, batch.full(source), (batch.size, *shape), at, size, step)


@batching("unbind")
def unbind(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """The slices of the examples along a dimension."""
    input, dim = args
    return call(op, batch.full(input), shifted(dim, input._array.ndim))


@batching("split_with_sizes")
def split_with_sizes(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Parts of the examples along a dimension."""
    input, sizes, dim = args
    return call(op, batch.full(input), sizes, shifted(dim, input._array.ndim))


@batching("as_strided")
def as_strided(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """The same window of each example; the examples lie in memory as they did."""
    input, size, stride, offset, geometry = args
    value = batch.full(input)
    step = value.stride(0)
    shape, steps, start = geometry
    whole = ((batch.size, *shape), (step, *steps), start)
    return call(op, value, (batch.size, *size), (step, *stride), offset, whole)


@batching("clone")
def clone(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """A copy, the batch outermost in memory."""
    input, order = args
    if not isinstance(order, str):
        order = (0, *[d + 1 for d in order])
    return call(op, batch.full(input), order)


@batching("made_after")
def made_after(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """A new tensor for each example, each with the strides of the one."""
    tensor, _ = args
    if batch.is_batched(tensor):
        return tensor._array.value
    shape, strides = tensor._array.shape, tensor.stride()
    whole = empty_strided(
        (batch.size, *shape),
        (max(reach(shape, strides), 1), *strides),
        dtype=tensor.dtype,
        device=tensor.device,
    )
    return whole.copy_(tensor)
