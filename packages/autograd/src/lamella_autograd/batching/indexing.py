"""Batching of indexing with tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd.batching.rules import batching
from lamella_autograd.levels import call
from lamella_core.dtype import bool_
from lamella_core.ops.creation import arange
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_autograd.batching.level import Batch
    from lamella_core.dispatch import Op


@batching("nonzero", "masked_select", "unique", "unique_consecutive", "bincount", "repeated_places")
def of_unknown_size(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Ops whose results have a size that the values tell."""
    if op.name == "masked_select" and not batch.is_batched(args[1]):
        return NotImplemented
    raise RuntimeError(
        f"vmap: {op.name} is not supported on a batched tensor: the shape of its result depends on "
        f"the values, which are different for each example"
    )


@batching("index")
def index(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """One index for all examples; or the number of the example as one more index."""
    input, indices, dims = args
    value = batch.full(input)
    places = _Places(batch, input, indices, dims)
    if places.masks_for_each:
        raise RuntimeError(
            "vmap: indexing with a batched boolean mask is not supported: the shape of the result "
            "depends on the values, which are different for each example"
        )
    if places.order is None:
        return NotImplemented
    result = call(op, value, places.indices, places.dims)
    return result.permute(sorted(range(len(places.order)), key=places.order.__getitem__))


@batching("index_put")
def index_put(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """As :func:`index`, the values laid out as they are read there."""
    input, indices, dims, values, accumulate = args
    places = _Places(batch, input, indices, dims)
    if op.mutates == "out" or places.order is None:
        return NotImplemented
    given = batch.aligned(batch_lift(batch, values), len(places.order) - 1)
    given = given.permute(places.order)
    return call(op, batch.full(input), places.indices, places.dims, given, accumulate)


class _Places:
    """Indices into the whole batch, in the place of those into one example.

    Attributes:
        indices, dims: the indices and the dimensions they begin at.
        order: which dimensions, of the batch followed by what one example's index reads, stand in
            the result of the index into the batch; None where there is no such index.
        masks_for_each: whether there is a mask for each example.
    """

    def __init__(self, batch: Batch, input: Tensor, indices: Any, dims: tuple[int, ...]) -> None:
        chosen = [each for each in indices if batch.is_batched(each)]
        masks = [each for each in indices if each._dtype is bool_]
        self.masks_for_each = any(each._dtype is bool_ for each in chosen)
        self.indices, self.dims = indices, tuple([d + 1 for d in dims])
        self.order: list[int] | None = None
        if chosen and masks:
            return
        width = max([1 if each._dtype is bool_ else each._array.ndim for each in indices])
        taken = sum(each._array.ndim if each._dtype is bool_ else 1 for each in indices)
        order = list(range(1 + input._array.ndim - taken + width))
        together = _are_neighbours(indices, dims)
        if chosen:
            lifted = [batch.aligned(batch_lift(batch, each), width) for each in indices]
            examples = arange(batch.size, device=input.device).reshape(-1, *(1,) * width)
            self.indices, self.dims = [examples, *lifted], (0, *self.dims)
            if together and dims[0]:
                # Apart from the number of the example, so what they give comes right after it.
                start = 1 + dims[0]
                inner = order[start : start + width]
                order = [0, *inner, *order[1:start], *order[start + width :]]
        elif not together:
            # Indices that stand apart give the first dimensions, before the batch.
            order = [*order[1 : width + 1], 0, *order[width + 1 :]]
        self.order = order


@batching("take")
def take(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Places in each example laid out as a row."""
    input, places = args
    flat = batch.full(input).reshape(batch.size, input._array.size)
    if not batch.is_batched(places):
        return flat[:, places]
    rows = arange(batch.size, device=flat.device).reshape(-1, *(1,) * places._array.ndim)
    return flat[rows, batch.full(places)]


def batch_lift(batch: Batch, tensor: Tensor) -> Tensor:
    """The tensor at the level of the batch."""
    return tensor if batch.is_own(tensor) else batch.lift(batch.full(tensor))


def _are_neighbours(indices: list[Tensor], dims: tuple[int, ...]) -> bool:
    """Whether the indices stand next to one another, so that their dimensions stay in place."""
    expected = dims[0]
    for each, dim in zip(indices, dims, strict=True):
        if dim != expected:
            return False
        expected = dim + (each._array.ndim if each._dtype is bool_ else 1)
    return True
