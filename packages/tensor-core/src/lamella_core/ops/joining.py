"""Joining several tensors into one."""

from __future__ import annotations

from itertools import chain, combinations_with_replacement
from itertools import combinations as choices
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.composite import composite
from lamella_core.conventions.common import LARGE, check_memory, normalize_dim
from lamella_core.conventions.results import write_out
from lamella_core.conventions.structural import structural
from lamella_core.dispatch import REORDERED, WATCHED
from lamella_core.formats import suggests_channels_last
from lamella_core.ops.creation_data import from_numpy, tensor
from lamella_core.ops.splitting import atleast_1d, atleast_2d, atleast_3d, tensors_in
from lamella_core.promotion import result_dtype
from lamella_core.tensor import Tensor
from lamella_core.warning import warn_once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.dtype import dtype

__all__ = [
    "block_diag", "cartesian_prod", "cat", "column_stack", "combinations", "concat", "concatenate",
    "dstack", "hstack", "meshgrid", "row_stack", "stack", "vstack",
]  # fmt: skip


_cat = structural()("cat(tensors: Sequence[Tensor], dim: int)")
_stack = structural()("stack(tensors: Sequence[Tensor], dim: int)")


def _given_out(op_name: str, result: Tensor, out: Tensor | None, inputs: list[Tensor]) -> Tensor:
    if out is None or out is result:
        return result
    if result._dtype.category > out._dtype.category:
        raise TypeError(
            f"torch.cat(): input types can't be cast to the desired output type "
            f"{out._dtype.class_name} ({op_name}: the result is {result._dtype.class_name})"
        )
    return write_out(op_name, result, out, *inputs)


def _one_type(tensors: list[Tensor]) -> list[Tensor]:
    first = tensors[0]._dtype
    for each in tensors:
        if each._dtype is not first:
            common = result_dtype(tensors)
            return [t.to(common) for t in tensors]
    return tensors


def _can_be_copied(tensors: list[Tensor]) -> bool:
    # From device to device they could, too, where an error is due.
    place = tensors[0].device
    return not any(each._key & WATCHED or each.device != place for each in tensors)


def _place(op_name: str, out: Any, given: list[Tensor]) -> Tensor | None:
    # ``out``, where so much goes there that each part is to be copied to its place at once.
    if not isinstance(out, Tensor) or out._array.size < 4096 * len(given):
        return None
    check_memory(op_name, out, given, apart=True)
    return out if _can_be_copied([*given, out]) else None


def _mixed(parts: list[Tensor], dim: int, common: dtype, out: Tensor | None = None) -> Tensor:
    # Parts of several types, each of which is converted in its place in the result: in ``out``
    # where that fits.
    sizes = [each._array.shape[dim] for each in parts]
    shape = list(parts[0]._array.shape)
    shape[dim] = sum(sizes)
    if out is None or out._dtype is not common or out._array.shape != tuple(shape):
        out = parts[0].new_empty(shape, dtype=common)
    for part, place in zip(parts, out.split(sizes, dim), strict=True):
        place.copy_(part)
    return out


@composite(method=False)
def cat(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The tensors after one another along a dimension.

    Args:
        tensors: of equal sizes in all other dimensions; their types are promoted. One-dimensional
            tensors without elements are passed over.
        dim: the dimension.
        out: a tensor to write into.

    Raises:
        ValueError: for an empty list.
        RuntimeError: when the sizes differ, or a tensor has no dimension.
        IndexError: when ``dim`` is out of range.
    """
    if out is None and tensors.__class__ in (list, tuple) and tensors:
        first = tensors[0]
        for each in tensors:
            if each.__class__ is not Tensor or each._dtype is not first._dtype:
                break
            if each._array.shape != first._array.shape:
                break
        else:
            if 0 < first._array.ndim < 4:
                return _cat(tensors, normalize_dim(dim, first._array.ndim))
    given = tensors_in("cat", tensors)
    if not given:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    for i, each in enumerate(given):
        if not each._array.ndim:
            raise RuntimeError(
                f"zero-dimensional tensor (at position {i}) cannot be concatenated; stack() joins "
                f"tensors along a new dimension"
            )
    mixed = len({each._dtype for each in given}) > 1
    if mixed and (
        given[0]._array.size < LARGE or given[0]._array.ndim > 3 or not _can_be_copied(given)
    ):
        given, mixed = _one_type(given), False
    joined = given
    parts = [each for each in joined if each._array.shape != (0,)] or joined
    shape = parts[0]._array.shape
    dim = normalize_dim(dim, len(shape))
    for i, each in enumerate(parts):
        other = each._array.shape
        if other != shape:
            if len(other) != len(shape):
                raise RuntimeError(
                    f"Tensors must have same number of dimensions: got {len(shape)} and "
                    f"{len(other)} (cat: shapes {list(shape)} and {list(other)})"
                )
            for d, (n, m) in enumerate(zip(shape, other, strict=True)):
                if n != m and d != dim:
                    raise RuntimeError(
                        f"Sizes of tensors must match except in dimension {dim}. Expected size {n} "
                        f"but got size {m} for tensor number {i} in the list."
                    )
    if len(shape) > 3 and all(suggests_channels_last(each._array) for each in joined):
        last = [each.movedim(1, -1) for each in joined]
        at = dim if not dim else (dim - 1 if dim > 1 else len(shape) - 1)
        return _given_out("cat", _cat(last, at).movedim(-1, 1), out, given)
    place = _place("cat", out, given)
    if mixed or place is not None:
        result = _mixed(parts, dim, result_dtype(given), place)
    else:
        result = _cat(joined, dim)
    return _given_out("cat", result, out, given)


@composite(method=False)
def concat(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Another name of :func:`cat`."""
    return cat(tensors, dim, out=out)


@composite(method=False)
def concatenate(
    tensors: Sequence[Tensor], axis: int = 0, *, dim: int | None = None, out: Tensor | None = None
) -> Tensor:
    """Another name of :func:`cat`."""
    return cat(tensors, axis if dim is None else dim, out=out)


@composite(method=False)
def stack(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The tensors along a new dimension.

    Args:
        tensors: of equal shape; their types are promoted.
        dim: the place of the new dimension.
        out: a tensor to write into.

    Raises:
        RuntimeError: for an empty list, or shapes that differ.
        IndexError: when ``dim`` is out of range.
    """
    given = tensors_in("stack", tensors)
    if not given:
        raise RuntimeError("stack expects a non-empty TensorList")
    shape = given[0]._array.shape
    for i, each in enumerate(given):
        if each._array.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                f"{list(each._array.shape)} at entry {i}"
            )
    dim = normalize_dim(dim, len(shape) + 1)
    joined = given if given[0]._array.size >= LARGE else _one_type(given)
    place = _place("stack", out, given)
    if place is not None or (joined is given and len({each._dtype for each in given}) > 1):
        if _can_be_copied(given):
            parts = [each.unsqueeze(dim) for each in given]
            result = _mixed(parts, dim, result_dtype(given), place)
            return _given_out("stack", result, out, given)
        joined = _one_type(given)
    result = _stack(joined, dim)
    return result if out is None else _given_out("stack", result, out, given)


@composite(method=False)
def hstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Side by side: along dimension 1, or 0 for tensors of one dimension."""
    parts = _grown("hstack", tensors, atleast_1d)
    return cat(parts, 0 if parts[0]._array.ndim == 1 else 1, out=out)


@composite(method=False)
def vstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """On top of one another: along dimension 0, tensors of one dimension being rows."""
    return cat(_grown("vstack", tensors, atleast_2d), 0, out=out)


@composite(method=False)
def row_stack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Another name of :func:`vstack`."""
    return vstack(tensors, out=out)


@composite(method=False)
def dstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """One behind another: along dimension 2, after :func:`atleast_3d`."""
    return cat(_grown("dstack", tensors, atleast_3d), 2, out=out)


@composite(method=False)
def column_stack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Side by side, tensors of up to one dimension being columns."""
    parts = [
        each.reshape(-1, 1) if each._array.ndim < 2 else each
        for each in _grown("column_stack", tensors, tuple)
    ]
    return hstack(parts, out=out)


def _grown(op_name: str, tensors: Any, change: Any) -> tuple[Tensor, ...]:
    given = tensors_in(op_name, tensors)
    if not given:
        raise RuntimeError(f"{op_name} expects a non-empty TensorList")
    return tuple(change(given))


def block_diag(*tensors: Tensor) -> Tensor:
    """A matrix with the given matrices along its diagonal and zeros elsewhere.

    Args:
        tensors: of up to two dimensions; one of fewer is a single row.

    Raises:
        RuntimeError: for more dimensions.
    """
    for i, each in enumerate(tensors_in("block_diag", tensors)):
        if each._array.ndim > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has "
                f"{each._array.ndim} dimensions"
            )
    if not tensors:
        return tensor([[]])
    parts = [atleast_2d(each) for each in _one_type(list(tensors))]
    height, width = (sum(each._array.shape[dim] for each in parts) for dim in (0, 1))
    # Of several devices is for ``cat`` to refuse.
    keys = {each._key & ~REORDERED for each in parts}
    result = None
    if len(keys) == 1 and not keys.pop() & WATCHED:
        result = parts[0].new_zeros((height, width))
    rows = []
    top = left = 0
    for each in parts:
        size, columns = each._array.shape
        if result is None:
            before = each.new_zeros((size, left))
            after = each.new_zeros((size, width - left - columns))
            rows.append(cat([before, each, after], 1))
        else:
            result[top : top + size, left : left + columns].copy_(each)
        top += size
        left += columns
    return write_out("block_diag", cat(rows, 0) if result is None else result, None)


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Grids of coordinates: views of each tensor, expanded over the dimensions of the others.

    Args:
        tensors: of up to one dimension, and of one type.
        indexing: ``"ij"``: the first tensor goes along dimension 0; ``"xy"``: along dimension 1.

    Raises:
        RuntimeError: for more dimensions, or types that differ, or another ``indexing``.
    """
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    if indexing is None:
        warn_once(
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing "
            "argument.",
        )
        indexing = "ij"
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    for each in tensors_in("meshgrid", tensors):
        if each._array.ndim > 1:
            raise RuntimeError(
                f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: shape "
                f"{list(each._array.shape)}"
            )
        if each._dtype is not tensors[0]._dtype:
            raise RuntimeError(
                "torch.meshgrid expects all tensors to have the same dtype, got "
                f"{tensors[0]._dtype!r} and {each._dtype!r}"
            )
    if indexing not in ("ij", "xy"):
        raise RuntimeError(
            f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}'
        )
    swap = indexing == "xy" and len(tensors) > 1
    if swap:
        tensors = (tensors[1], tensors[0], *tensors[2:])
    shape = tuple(each._array.size for each in tensors)
    grids = []
    for dim, each in enumerate(tensors):
        alone = [1] * len(shape)
        alone[dim] = shape[dim]
        grids.append(each.reshape(alone).expand(shape))
    if swap:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All ways to take one element of each 1-dim tensor, a row each; the last one varies fastest.

    Raises:
        RuntimeError: for tensors that have not one dimension.
    """
    for each in tensors_in("cartesian_prod", tensors):
        if each._array.ndim != 1:
            raise RuntimeError(
                f"Expect a 1D vector, but got shape {list(each._array.shape)} (cartesian_prod)"
            )
    if len(tensors) == 1:
        return tensors[0]
    grids = meshgrid(list(tensors), indexing="ij")
    return write_out("cartesian_prod", stack(grids, -1).reshape(-1, len(grids)), None)


@composite(method=False)
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All ways to choose ``r`` elements of a 1-dim tensor, a row each, in order.

    Args:
        input: the elements.
        r: how many are chosen.
        with_replacement: whether an element may be chosen again.

    Raises:
        RuntimeError: when ``input`` has not one dimension, or ``r`` is negative.
    """
    if input._array.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input._array.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if not r:
        return input[:0]
    choose = combinations_with_replacement if with_replacement else choices
    count = input._array.shape[0]
    every = chain.from_iterable(choose(range(count), r))
    size = comb(count + r - 1 if with_replacement and count else count, r) * r
    flat = from_numpy(np.fromiter(every, np.int64, size)).to(input.device)
    return write_out("combinations", input.index_select(0, flat).reshape(-1, r), None)
