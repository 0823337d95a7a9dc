"""The same elements rearranged: flipped, rolled, repeated, in triangles, on diagonals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core.composite import composite
from lamella_core.conventions.arguments import check_size, read_sizes
from lamella_core.conventions.common import existing_dim, index_of, normalize_dim, normalize_dims
from lamella_core.conventions.results import check_tensors, offering, write_out
from lamella_core.conventions.structural import structural
from lamella_core.declaration import in_place
from lamella_core.formats import contiguous_format
from lamella_core.ops.views import diagonal_backward
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.typing import Ints

__all__ = [
    "as_strided_scatter", "diag", "diag_embed", "diagflat", "diagonal_scatter", "flip", "fliplr",
    "flipud", "repeat_interleave", "roll", "rot90", "select_scatter", "slice_scatter", "tile",
    "tril", "triu",
]  # fmt: skip


_flip = structural()("flip(input: Tensor, dims)")
_roll = structural()("roll(input: Tensor, shifts, dims)")
_tril = structural()("tril(input: Tensor, diagonal: int)")
_triu = structural()("triu(input: Tensor, diagonal: int)")
_repeat = structural()("repeat(input: Tensor, repeats)")


# Each place as often as the number there says.
repeated_places = structural()("repeated_places(repeats: Tensor)")


# ------------ turning


@composite(method=False)
def flip(input: Tensor, dims: Ints) -> Tensor:
    """A copy with the order along the given dimensions reversed.

    Raises:
        RuntimeError: when a dimension is named twice.
        IndexError: when it is out of range.
    """
    if not isinstance(dims, (tuple, list)):
        raise TypeError(f"flip(): argument 'dims' must be tuple of ints, not {type(dims).__name__}")
    found = normalize_dims(dims, input._array.ndim)
    return _flip(input, found if input._array.ndim else ())


def _flip_method(self: Tensor, *each: Any, dims: Ints | None = None) -> Tensor:
    # See :func:`flip`; the dimensions may also be given one by one.
    if dims is None:
        dims = each[0] if len(each) == 1 and not isinstance(each[0], int) else each
    return flip(self, dims)


Tensor.flip = _flip_method


@composite
def fliplr(input: Tensor) -> Tensor:
    """A copy with the order of the columns reversed.

    Raises:
        RuntimeError: for fewer than two dimensions.
    """
    if input._array.ndim < 2:
        raise RuntimeError(f"Input must be >= 2-d. (fliplr: {input._array.ndim}-d)")
    return flip(input, (1,))


@composite
def flipud(input: Tensor) -> Tensor:
    """A copy with the order of the rows reversed.

    Raises:
        RuntimeError: for no dimension.
    """
    if not input._array.ndim:
        raise RuntimeError("Input must be >= 1-d. (flipud: 0-d)")
    return flip(input, (0,))


@composite
def roll(input: Tensor, shifts: Ints, dims: Ints | None = None) -> Tensor:
    """A copy with elements moved along dimensions; what goes over the end comes in at the start.

    Args:
        input: the tensor.
        shifts: by how many places; one number a dimension.
        dims: the dimensions; None moves in row-major order.

    Raises:
        RuntimeError: when the numbers of shifts and dimensions differ.
    """
    moves = tuple(shifts) if isinstance(shifts, (list, tuple)) else (index_of(shifts, "shifts"),)
    axes = () if dims is None else tuple(dims) if isinstance(dims, (list, tuple)) else (dims,)
    if not moves:
        raise RuntimeError("`shifts` required")
    if not axes and len(moves) == 1:
        return _roll(input, moves[0], None)
    if len(moves) != len(axes):
        raise RuntimeError(
            f"shifts and dimensions must align. shifts: {len(moves)}, dims:{len(axes)}"
        )
    found = tuple([existing_dim(d, input._array.ndim) for d in axes])
    return _roll(input, moves, found)


@composite
def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """A copy turned ``k`` times by 90 degrees, from the first of two dimensions to the second.

    Raises:
        RuntimeError: when ``dims`` are not two different dimensions.
    """
    ndim = input._array.ndim
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {ndim}")
    first, second = (normalize_dim(d, ndim) for d in dims)
    if first == second:
        raise RuntimeError(
            f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}"
        )
    turns = index_of(k, "k") % 4
    if turns == 0:
        result = input.clone(memory_format=contiguous_format)
    elif turns == 2:
        result = flip(input, (first, second))
    else:
        result = flip(input, (second if turns == 1 else first,)).transpose(first, second)
    return write_out("rot90", result, None)


# ------------ triangles


def _check_matrix(op_name: str, input: Tensor) -> None:
    if input._array.ndim < 2:
        raise RuntimeError(
            f"{op_name}: input tensor must have at least 2 dimensions, got {input._array.ndim}"
        )


@composite
def tril(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The lower triangle of the matrices in the last two dimensions, zeros above it.

    Args:
        input: at least two dimensions.
        diagonal: the last one kept: 0 the main one, positive above it, negative below.
        out: a tensor to write into.

    Raises:
        RuntimeError: for fewer dimensions.
    """
    _check_matrix("tril", input)
    make = offering(out, _tril)
    return write_out("tril", make(input, index_of(diagonal, "diagonal")), out)


@composite
def triu(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The upper triangle of the matrices in the last two dimensions, zeros below it.

    The arguments are those of :func:`tril`; ``diagonal`` is the first one kept.
    """
    _check_matrix("triu", input)
    make = offering(out, _triu)
    return write_out("triu", make(input, index_of(diagonal, "diagonal")), out)


_tril_into, _triu_into = in_place(_tril), in_place(_triu)


@composite
def tril_(input: Tensor, diagonal: int = 0) -> Tensor:
    """:func:`tril` in place; returns the tensor."""
    _check_matrix("tril_", input)
    return _tril_into(input, diagonal)


@composite
def triu_(input: Tensor, diagonal: int = 0) -> Tensor:
    """:func:`triu` in place; returns the tensor."""
    _check_matrix("triu_", input)
    return _triu_into(input, diagonal)


# ------------ repetition


def _repeat_method(self: Tensor, *each: Any, repeats: Sequence[int] | None = None) -> Tensor:
    # A copy with the tensor repeated along each dimension; new dimensions go in front.
    #
    # Args:
    # each, repeats: how often, as integers or one sequence; at least one a dimension.
    times = read_sizes("repeat", each if repeats is None else (repeats,), "repeats")
    shape = self._array.shape
    if len(times) < len(shape):
        raise RuntimeError(
            f"Number of dimensions of repeat dims can not be smaller than number of dimensions of "
            f"tensor (repeats {list(times)}, shape {list(shape)})"
        )
    check_size("repeat", times)
    return _repeat(self, times)


Tensor.repeat = _repeat_method


@composite(method=False)
def tile(input: Tensor, dims: Sequence[int]) -> Tensor:
    """:meth:`Tensor.repeat` with ones put in front where ``dims`` are fewer than the dimensions."""
    times = read_sizes("tile", (dims,), "dims")
    return _repeat_method(input, (1,) * (input._array.ndim - len(times)) + times)


def _tile_method(self: Tensor, *each: Any, dims: Sequence[int] | None = None) -> Tensor:
    # See :func:`tile`; the numbers may also be given one by one.
    return tile(self, read_sizes("tile", each, "dims") if dims is None else dims)


Tensor.tile = _tile_method


@composite
def repeat_interleave(
    input: Tensor | None = None,
    repeats: int | Tensor | None = None,
    dim: int | None = None,
    *,
    output_size: int | None = None,
) -> Tensor:
    """A copy with each slice along a dimension repeated in place.

    Args:
        input: the tensor.
        repeats: how often: one number for all, or an integer tensor with one a slice. Alone, under
            either name, it repeats the places.
        dim: the dimension; None flattens first.
        output_size: the size of the result along ``dim``, when known.

    Raises:
        RuntimeError: when the numbers do not fit, or one is negative.
    """
    if input is None or repeats is None:
        return _places(repeats if input is None else input, output_size)
    if dim is None:
        input, dim = input.reshape(-1), 0
    dim = normalize_dim(dim, input._array.ndim)
    if not input._array.ndim:
        input = input.reshape(1)
    size = input._array.shape[dim]
    if not isinstance(repeats, Tensor):
        repeats = index_of(repeats, "repeats")
    elif repeats._array.size == 1:
        repeats = int(repeats.item())
    if isinstance(repeats, int):
        if repeats < 0:
            raise RuntimeError(f"Repeats must be non-negative, got {repeats}")
        _check_output_size(output_size, size * repeats)
        shape = input._array.shape
        wide = input.unsqueeze(dim + 1).expand((*shape[: dim + 1], repeats, *shape[dim + 1 :]))
        return wide.clone(memory_format=contiguous_format).flatten(dim, dim + 1)
    if repeats._array.shape != (size,):
        raise RuntimeError(
            f"repeats must have the same size as input along dim, but got repeats.size(0) = "
            f"{repeats._array.size} and input.size({dim}) = {size}"
        )
    return input.index_select(dim, _places(repeats, output_size).to(input.device))


def _places(repeats: Any, output_size: int | None) -> Tensor:
    check_tensors("repeat_interleave", repeats=repeats)
    if repeats._array.ndim != 1:
        raise RuntimeError(
            f"repeat_interleave only accept 1D vector as repeat, got shape "
            f"{list(repeats._array.shape)}"
        )
    if repeats._dtype not in (dtypes.int64, dtypes.int32):
        raise RuntimeError(f"repeats has to be Long or Int tensor, got {repeats._dtype!r}")
    if repeats._array.size and int(repeats._array.min()) < 0:
        raise RuntimeError("repeats can not be negative")
    result = repeated_places(repeats)
    _check_output_size(output_size, result._array.size)
    return result


def _check_output_size(given: int | None, found: int) -> None:
    if given is not None and given != found:
        raise RuntimeError(
            f"allocated size does not match required size (repeat_interleave: output_size="
            f"{given}, required {found})"
        )


# ------------ diagonals


@composite
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices with the last dimension of ``input`` on a diagonal and zeros elsewhere.

    Args:
        input: at least one dimension.
        offset: the diagonal: 0 the main one, positive above it, negative below.
        dim1, dim2: the dimensions of the result that the matrices have.

    Raises:
        RuntimeError: when the two are the same dimension.
    """
    ndim = input._array.ndim + 1
    first, second = normalize_dim(dim1, ndim), normalize_dim(dim2, ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    shape = list(input._array.shape)
    size = shape.pop() + abs(offset)
    for dim in sorted((first, second)):
        shape.insert(dim, size)
    return diagonal_backward(input, tuple(shape), offset, first, second)


@composite
def diag(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """A matrix with a vector on its diagonal; of a matrix, the diagonal.

    Raises:
        RuntimeError: for other numbers of dimensions.
    """
    ndim = input._array.ndim
    if ndim not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {ndim}D")
    if ndim == 1:
        return write_out("diag", diag_embed(input, diagonal), out)
    part = input.diagonal(diagonal)
    return write_out("diagonal_copy", part.clone() if out is None else part, out)


@composite
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """A matrix with all elements, in row-major order, on a diagonal."""
    return diag_embed(input.reshape(-1), offset)


# ------------ parts written to


def _with_part(op_name: str, input: Tensor, src: Tensor, choose: Any) -> Tensor:
    result = input.clone()
    part = choose(result)
    if part._array.shape != src._array.shape:
        raise RuntimeError(
            f"expected src to have a size equal to the slice of self. src size = "
            f"{list(src._array.shape)}, slice size = {list(part._array.shape)}"
        )
    part.copy_(src)
    return write_out(op_name, result, None)


@composite
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy with ``select(dim, index)`` replaced by ``src``."""
    return _with_part("select_scatter", input, src, lambda x: x.select(dim, index))


@composite
def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """A copy with the slice ``start:end:step`` along a dimension replaced by ``src``."""
    dim = normalize_dim(dim, input._array.ndim)
    place = (*(slice(None),) * dim, slice(start, end, step))
    result = _with_part("slice_scatter", input, src, lambda x: x[place])
    return write_out("slice_scatter", result, out)


@composite
def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """A copy with ``diagonal(offset, dim1, dim2)`` replaced by ``src``."""
    return _with_part("diagonal_scatter", input, src, lambda x: x.diagonal(offset, dim1, dim2))


@composite
def as_strided_scatter(
    input: Tensor,
    src: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int | None = None,
) -> Tensor:
    """A copy with ``as_strided(size, stride, storage_offset)`` replaced by ``src``."""
    return _with_part(
        "as_strided_scatter", input, src, lambda x: x.as_strided(size, stride, storage_offset)
    )
