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
    chosen = [each for each in indices if batch.is_batched(each)]
    if any(each._dtype is bool_ for each in chosen):
        raise RuntimeError(
            "vmap: indexing with a batched boolean mask is not supported: the shape of the result "
            "depends on the values, which are different for each example"
        )
    width = max([1 if each._dtype is bool_ else each._array.ndim for each in indices])
    together = _are_neighbours(indices, dims)
    value = batch.full(input)
    if not chosen:
        result = call(op, value, indices, tuple([d + 1 for d in dims]))
        # Indices that stand apart give the first dimensions, before the batch.
        return result if together else result.movedim(width, 0)
    if any(each._dtype is bool_ for each in indices):
        return NotImplemented
    places = [batch.aligned(batch_lift(batch, each), width) for each in indices]
    examples = arange(batch.size, device=value.device).reshape(-1, *(1,) * width)
    result = call(op, value, [examples, *places], (0, *[d + 1 for d in dims]))
    if together and dims[0]:
        # What the indices give belongs where they stand, and now stands first.
        if _are_neighbours([examples, *places], (0, *[d + 1 for d in dims])):
            return result
        order = list(range(result._array.ndim))
        moved = order[1 : width + 1]
        rest = order[width + 1 :]
        return result.permute((0, *rest[: dims[0]], *moved, *rest[dims[0] :]))
    return result


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
