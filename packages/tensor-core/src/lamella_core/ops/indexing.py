"""Indexing: ``x[...]`` in all its forms, and reading and writing at places given by tensors.

An index is taken apart in two steps, as in PyTorch: integers, slices, None and ``...`` make a
view; the tensors, masks and sequences among them then choose from that view in one go. Where they
stand apart from one another, the dimensions that they give come first in the result.
"""

from __future__ import annotations

import re
from operator import index as as_index
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core import dtype as dtypes
from lamella_core.composite import composite
from lamella_core.conventions.arguments import scalar_of_type
from lamella_core.conventions.common import check_memory
from lamella_core.conventions.structural import overwriting, structural
from lamella_core.declaration import in_place
from lamella_core.dispatch import GRAPH_BITS, LIFTED, REQUIRES_GRAD, modes
from lamella_core.ops.copying import fill_
from lamella_core.ops.creation_data import tensor
from lamella_core.ops.scattering import masked_fill_
from lamella_core.ops.views import basic_index
from lamella_core.tensor import Tensor
from lamella_core.warning import warn

if TYPE_CHECKING:
    from collections.abc import Sequence


__all__ = ["index_put", "index_put_"]


# The elements at the places that index tensors and masks give for some dimensions.
index = structural()("index(input: Tensor, indices: Sequence[Tensor], dims)")


_index_put = overwriting(repeats=True)(
    "index_put(input: Tensor, indices: Sequence[Tensor], dims, values: Tensor, accumulate: bool)"
)


_basic_index_table = basic_index.op.table
_write_at = in_place(_index_put)


# ------------ taking an index apart


def _getitem(self: Tensor, index: Any) -> Tensor:
    kind = index.__class__
    if kind is int or index is None:
        place: tuple[Any, ...] | None = (index, ...)
    elif kind is slice:
        step = index.step
        if step is not None and step <= 0:
            _check_step(step)
        place = (index,)
    else:
        place = _plain_place(index) if kind is tuple else None
        if place is None:
            place, tensors, dims = _take_apart(self, index)
            if tensors:
                chosen = self if place is None else _view_at(self, place)
                return _choose(chosen, tensors, dims)
            if place is None:
                place = (...,)
    try:
        return _basic_index_table[modes.bits | self._key](self, place)
    except IndexError as error:
        raise _explained(self, error) from None


def _plain_place(index: tuple[Any, ...]) -> tuple[Any, ...] | None:
    # An index of integers, slices, None and one ``...``, as the view op takes it; else None.
    open_ended = False
    for part in index:
        kind = part.__class__
        if kind is slice:
            step = part.step
            if step is not None and (step.__class__ is not int or step <= 0):
                return None
        elif part is Ellipsis:
            if open_ended:
                return None
            open_ended = True
        elif kind is not int and part is not None:
            return None
    # With ``...`` in it, the index of a single element gives an array, too.
    return index if open_ended else (*index, ...)


def _view_at(self: Tensor, place: tuple[Any, ...]) -> Tensor:
    try:
        return _basic_index_table[modes.bits | self._key](self, place)
    except IndexError as error:
        raise _explained(self, error) from None


def _setitem(self: Tensor, index: Any, value: Any) -> None:
    kind = index.__class__
    tensors: list[Tensor] | None = None
    dims: tuple[int, ...] = ()
    place: tuple[Any, ...] | None
    if kind is int:
        place = (index, ...)
    elif kind is slice:
        if index.step is not None and index.step <= 0:
            _check_step(index.step)
        place = (index,)
    elif kind is bool:
        # All of the tensor, or nothing of it.
        if not index:
            return
        place = (None, ...)
    else:
        place = _plain_place(index) if kind is tuple else None
        if place is None:
            place, tensors, dims = _take_apart(self, index)
    target = self if place is None else _view_at(self, place)
    if not isinstance(value, Tensor):
        if value.__class__ is not float:
            value = _number_for(self, value)
        if value.__class__ is not complex and not -65504 <= value <= 65504:
            value = scalar_of_type(value, self._dtype)
        if not tensors:
            if 0 in target._array.strides:
                check_memory("copy_", target)
            fill_(target, value)
            return
        if (
            tensors[0]._dtype is dtypes.bool_
            and tensors[0]._array.shape == self._array.shape
            and place is None
            and self._dtype.category == dtypes.FLOATING
            # A gradient's graph tells which op it was.
            and not self._key & REQUIRES_GRAD
            and isinstance(value, (int, float))
        ):
            masked_fill_(self, tensors[0], value)
            return
        value = scalar_of_type(value, self._dtype)
        value = tensor(value, dtype=self._dtype, device=self.device)
    if tensors:
        if value._dtype is not self._dtype or (value._key ^ self._key) & ~GRAPH_BITS:
            # One number for a mask, or for all, is filled in, and so converted; others are put.
            if value.numel() != 1 or len(tensors) > 1 or tensors[0]._dtype is not dtypes.bool_:
                _check_values("index_put_", self, value)
            elif value._dtype.is_complex:
                scalar_of_type(value.item(), self._dtype)
            value = value.to(self.device, self._dtype)
        _put(target, tensors, dims, _fitted(value), False)
    else:
        value = _fitted(value, target._array.ndim)
        try:
            target.copy_(value)
        except RuntimeError:
            # What does not fit is told in the words of an expansion; what is expanded may be of
            # the target's own memory: ``x[:] = x[0]``.
            target.copy_(value.expand(target._array.shape))


def _number_for(self: Tensor, value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value.__class__ is int:
        if not -(2**63) <= value < 2**63:
            raise ValueError(f"Overflow when unpacking long long: {value}")
    elif not isinstance(value, (bool, int, float, complex)):
        raise TypeError(
            f"can't assign a {type(value).__name__} to a torch.{self._dtype.class_name}Tensor"
        )
    return value


def _fitted(value: Tensor, ndim: int = 0) -> Tensor:
    # A value without the dimensions of size 1 in front that its target has not.
    shape = value._array.shape
    if not shape or shape[0] != 1:
        return value
    extra = 0
    while len(shape) - extra > ndim and shape[extra] == 1:
        extra += 1
    return (
        value.view(shape[extra:])
        if extra and value.is_contiguous()
        else (value.reshape(shape[extra:]) if extra else value)
    )


def _check_step(step: Any) -> None:
    raise ValueError(
        "slice step cannot be zero" if step == 0 else f"step must be greater than zero, got {step}"
    )


def _explained(self: Tensor, error: IndexError) -> IndexError:
    # NumPy's complaint about an index in PyTorch's words.
    text = str(error)
    ndim = self._array.ndim
    if "too many indices" in text:
        if not ndim:
            return IndexError(
                "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or "
                "`tensor.item<T>()` in C++ to convert a 0-dim tensor to a number"
            )
        return IndexError(f"too many indices for tensor of dimension {ndim}")
    return IndexError(re.sub(r"\baxis\b", "dimension", text).replace("arrays", "tensors"))


def _take_apart(
    self: Tensor, index: Any
) -> tuple[tuple[Any, ...] | None, list[Tensor], tuple[int, ...]]:
    # The index of the view (None for all of the tensor), the tensors, and their dimensions.
    if index.__class__ is Tensor:
        dtype, shape = index._dtype, index._array.shape
        if shape and (dtype is dtypes.int64 or dtype is dtypes.bool_):
            if dtype is dtypes.bool_:
                _check_mask(self, shape, 0, 0)
            elif not self._array.ndim:
                raise _explained(self, IndexError("too many indices"))
            return None, [_as_index_tensor(self, index)], (0,)
    if isinstance(index, list) and _stands_for_tuple(index):
        warn(
            "a list with sequences, slices or None in it stands for a tuple as an index, which is "
            "deprecated; use x[tuple(index)] instead of x[index]",
        )
        index = tuple(index)
    parts = index if isinstance(index, tuple) else (index,)
    place: list[Any] = []
    tensors: list[Tensor] = []
    dims: list[int] = []
    changed = False
    ndim = self._array.ndim
    seen = 0
    out = 0
    skipped = -1
    for position, part in enumerate(parts):
        kind = part.__class__
        if kind is int or isinstance(part, np.integer):
            place.append(int(part))
            seen += 1
            changed = True
        elif kind is slice:
            step = part.step
            if step is not None and as_index(step) <= 0:
                _check_step(step)
            place.append(part)
            seen += 1
            out += 1
            changed = True
        elif part is None:
            place.append(None)
            out += 1
            changed = True
        elif part is Ellipsis:
            following = sum(map(_dims_taken, parts[position + 1 :]))
            if skipped >= 0:
                # Another one goes past as many dimensions again.
                if following and skipped:
                    raise _explained(self, IndexError("too many indices"))
                continue
            skipped = max(ndim - seen - following, 0)
            place.extend([slice(None)] * skipped)
            seen += skipped
            out += skipped
        elif kind is bool:
            place.append(None)
            tensors.append(_as_places(self, bool(part)))
            dims.append(out)
            out += 1
            changed = True
        else:
            chooser = _as_index_tensor(self, part)
            if not chooser._array.ndim:
                if chooser._dtype is dtypes.bool_ or chooser._dtype is dtypes.uint8:
                    place.append(None)
                    tensors.append(_as_places(self, bool(chooser.item())))
                    dims.append(out)
                    out += 1
                elif chooser._key & LIFTED:
                    # Of a transform: its number is not one, or is not to be seen.
                    place.append(slice(None))
                    tensors.append(chooser)
                    dims.append(out)
                    seen += 1
                    out += 1
                else:
                    place.append(int(chooser.item()))
                    seen += 1
                changed = True
                continue
            if chooser._dtype is dtypes.uint8:
                warn(
                    "indexing with dtype torch.uint8 is now deprecated, please use a dtype "
                    "torch.bool instead.",
                )
                chooser = chooser.to(dtypes.bool_)
            taken = 1
            if chooser._dtype is dtypes.bool_:
                taken = chooser._array.ndim
                _check_mask(self, chooser._array.shape, seen, position)
            place.extend([slice(None)] * taken)
            tensors.append(chooser)
            dims.append(out)
            seen += taken
            out += taken
    if seen > ndim:
        raise _explained(self, IndexError("too many indices"))
    return ((*place, ...) if changed else None), tensors, tuple(dims)


def _as_places(self: Tensor, chosen: bool) -> Tensor:
    # What a single bool chooses from a dimension of size 1: all of it, or nothing.
    return self.new_zeros((1 if chosen else 0,), dtype=dtypes.int64)


def _dims_taken(part: Any) -> int:
    # How many dimensions of the tensor a part of an index uses up.
    if part is None or part is Ellipsis or isinstance(part, bool):
        return 0
    if isinstance(part, (Tensor, np.ndarray)):
        is_mask = part.dtype in (dtypes.bool_, dtypes.uint8, np.bool_, np.uint8)
        return part.ndim if is_mask else 1
    if isinstance(part, (list, tuple, range)):
        array = np.asarray(part)
        return array.ndim if array.dtype == bool else 1
    return 1


def _stands_for_tuple(index: list[Any]) -> bool:
    return len(index) < 32 and any(
        part is None
        or part is Ellipsis
        or isinstance(part, (Tensor, slice, list, tuple, range, str, np.ndarray))
        for part in index
    )


_MASK_TYPES = frozenset((dtypes.uint8, dtypes.bool_))
_INDEX_TYPES = frozenset((dtypes.int64, dtypes.int32)) | _MASK_TYPES


def _as_index_tensor(self: Tensor, part: Any) -> Tensor:
    if isinstance(part, Tensor):
        if part._dtype not in _INDEX_TYPES and (
            part._array.ndim or part._dtype.category > dtypes.INTEGER
        ):
            raise IndexError(
                f"tensors used as indices must be long, int, byte or bool tensors, got "
                f"{part._dtype!r}"
            )
        if not (part._key ^ self._key) & ~GRAPH_BITS and not part._key & LIFTED:
            return part
        return part if part.device == self.device else part.to(self.device)
    if isinstance(part, float):
        raise IndexError(
            "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are "
            "valid indices (got float)"
        )
    if isinstance(part, (list, tuple, range, np.ndarray)):
        if not isinstance(part, np.ndarray) and not len(part):
            return tensor([], dtype=dtypes.int64, device=self.device)
        made = tensor(part, device=self.device)
        return made if made._dtype in _MASK_TYPES else made.to(dtypes.int64)
    if isinstance(part, str):
        raise TypeError("new(): invalid data type 'str'")
    try:
        return tensor(as_index(part), device=self.device)
    except TypeError:
        raise IndexError(
            f"only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are "
            f"valid indices (got {type(part).__name__})"
        ) from None


def _check_mask(self: Tensor, mask: tuple[int, ...], dim: int, position: int) -> None:
    shape = self._array.shape
    for offset, n in enumerate(mask):
        if dim + offset >= len(shape):
            raise IndexError(f"too many indices for tensor of dimension {len(shape)}")
        if shape[dim + offset] != n:
            raise IndexError(
                f"The shape of the mask {list(mask)} at index {offset} does not match the shape of "
                f"the indexed tensor {list(shape)} at index {dim + offset}"
            )


def _choose(chosen: Tensor, tensors: list[Tensor], dims: tuple[int, ...]) -> Tensor:
    try:
        return index(chosen, tensors, dims)
    except IndexError as error:
        raise _explained(chosen, error) from None


def _put(
    target: Tensor, tensors: list[Tensor], dims: tuple[int, ...], values: Tensor, accumulate: bool
) -> Tensor:
    if (
        values._array.size == 1
        and values._storage is not None
        and values._storage is target._storage
        and tensors[0]._dtype is dtypes.bool_
    ):
        # It is read before anything is written: ``x[x > 1] = x[0]``.
        values = values.clone()
    try:
        return _write_at(target, tensors, dims, values, accumulate)
    except IndexError as error:
        raise _explained(target, error) from None
    except (TypeError, ValueError) as error:
        raise _no_broadcast(target, tensors, dims, values, error) from None


def _no_broadcast(
    target: Tensor, tensors: list[Tensor], dims: tuple[int, ...], values: Tensor, error: Exception
) -> RuntimeError:
    shapes = ", ".join(str(list(t._array.shape)) for t in tensors)
    return RuntimeError(
        f"shape mismatch: value tensor of shape {list(values._array.shape)} cannot be broadcast to "
        f"indexing result (index tensors of shapes {shapes} at dimensions {list(dims)} of a tensor "
        f"of shape {list(target._array.shape)})"
    )


Tensor.__getitem__ = _getitem
Tensor.__setitem__ = _setitem


def _given_indices(
    op_name: str, input: Tensor, indices: Sequence[Any]
) -> tuple[list[Tensor], tuple[int, ...]]:
    if not isinstance(indices, (list, tuple)):
        raise TypeError(
            f"{op_name}(): argument 'indices' must be tuple of Tensors, not "
            f"{type(indices).__name__}"
        )
    parts = tuple(slice(None) if part is None else part for part in indices)
    tensors: list[Tensor] = []
    dims: list[int] = []
    dim = 0
    for part in parts:
        if isinstance(part, slice):
            dim += 1
            continue
        part = _as_index_tensor(input, part)
        if part._dtype is dtypes.uint8:
            part = part.to(dtypes.bool_)
        tensors.append(part)
        dims.append(dim)
        dim += part._array.ndim if part._dtype is dtypes.bool_ else 1
    if dim > input._array.ndim:
        raise IndexError(
            f"too many indices for tensor of dimension {input._array.ndim} (got {dim})"
        )
    return tensors, tuple(dims)


def _check_values(op_name: str, input: Tensor, values: Tensor) -> Tensor:
    if values._dtype is not input._dtype:
        raise RuntimeError(
            f"Index put requires the source and destination dtypes match, got "
            f"{input._dtype.class_name} for the destination and {values._dtype.class_name} for "
            f"the source. ({op_name})"
        )
    return values if values.device == input.device else values.to(input.device)


@composite
def index_put(
    input: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False
) -> Tensor:
    """A copy of ``input`` with ``values`` written at the places that ``indices`` give.

    Args:
        input: the tensor.
        indices: index tensors or masks, one a dimension from the first; None leaves one out.
        values: broadcast to the shape that ``input[indices]`` has; of the type of ``input``.
        accumulate: add to what is there, every time a place is named; otherwise, where a place is
            named twice, one of its values stands.

    Raises:
        IndexError: when an index is out of range.
        RuntimeError: when the types differ or the shapes do not fit.
    """
    tensors, dims = _given_indices("index_put", input, indices)
    values = _check_values("index_put", input, values)
    try:
        return _index_put(input, tensors, dims, values, accumulate)
    except IndexError as error:
        raise _explained(input, error) from None
    except (TypeError, ValueError) as error:
        raise _no_broadcast(input, tensors, dims, values, error) from None


@composite
def index_put_(
    input: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False
) -> Tensor:
    """:func:`index_put` in place; returns the tensor."""
    tensors, dims = _given_indices("index_put_", input, indices)
    return _put(input, tensors, dims, _check_values("index_put_", input, values), accumulate)
