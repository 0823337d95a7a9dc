"""Array kernels of indexing: reading and writing at places given by tensors."""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import shared_kernel
from lamella_core.kernels.gathering import FEW, beyond, select


def full_index(ndim: int, indices: Any, dims: tuple[int, ...]) -> tuple[Any, ...]:
    # An index for all dimensions: each given one in its place, everything elsewhere.
    #
    # A mask stands for as many dimensions as it has.
    place: list[Any] = []
    for each, dim in zip(indices, dims, strict=True):
        while ndim_of(place) < dim:
            place.append(slice(None))
        place.append(each)
    return tuple(place)


def ndim_of(place: list[Any]) -> int:
    # How many dimensions the parts of an index stand for.
    return sum(
        each.ndim if not isinstance(each, slice) and each.dtype.kind == "b" else 1 for each in place
    )


@shared_kernel
def index(xp: Any, input: Any, indices: Any, dims: tuple[int, ...]) -> Any:
    if len(dims) == 1:
        dim, at = dims[0], indices[0]
        if dim and at.ndim == 1 and at.dtype.kind == "b":
            at = at.nonzero()[0]
        if at.dtype.kind != "b":
            if input.size <= FEW or input.flags.c_contiguous or beyond(at, input.shape[dim]):
                return input.take(at, dim)
            return select(xp, input, dim, at)
    result = input[indices[0] if dims == (0,) else full_index(input.ndim, indices, dims)]
    return result if result.flags.c_contiguous else xp.ascontiguousarray(result)


@shared_kernel
def index_put(
    xp: Any, input: Any, indices: Any, dims: tuple[int, ...], values: Any, accumulate: bool
) -> None:
    place = indices[0] if dims == (0,) else full_index(input.ndim, indices, dims)
    if not accumulate:
        input[place] = values
    elif input.dtype.kind == "b":
        xp.logical_or.at(input, place, values)
    else:
        xp.add.at(input, place, values)
