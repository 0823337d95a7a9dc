"""Splitting into views, and bringing tensors to a common shape or number of dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core.composite import composite
from lamella_core.conventions.arguments import read_sizes
from lamella_core.conventions.common import broadcast_error, existing_dim, index_of, normalize_dim
from lamella_core.conventions.results import write_out
from lamella_core.conventions.view import view as view_op
from lamella_core.ops.creation import sizes_of
from lamella_core.size import Size
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_shapes", "broadcast_tensors",
    "broadcast_to", "chunk", "dsplit", "hsplit", "split", "split_with_sizes", "tensor_split",
    "unbind", "unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes", "vsplit",
]  # fmt: skip


_unbind = view_op()("unbind(input: Tensor, dim: int)")
_split_with_sizes = view_op()("split_with_sizes(input: Tensor, split_sizes, dim: int)")


@composite
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of the slices along a dimension, without it.

    Raises:
        IndexError: when there is no such dimension.
    """
    return _unbind(input, existing_dim(dim, input._array.ndim))


@composite(quick=True)
def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of parts of the given sizes along a dimension.

    Raises:
        RuntimeError: when the sizes are negative or do not sum to the dimension's.
    """
    shape = input._array.shape
    if not shape:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim = normalize_dim(dim, len(shape))
    sizes = tuple(split_sizes)
    if any(n < 0 for n in sizes):
        raise RuntimeError(
            f"split_with_sizes expects split_sizes have only non-negative entries, but got "
            f"split_sizes={list(sizes)}"
        )
    if sum(sizes) != shape[dim]:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {shape[dim]} (input tensor's "
            f"size at dimension {dim}), but got split_sizes={list(sizes)}"
        )
    return _split_with_sizes(input, sizes, dim)


def _even_sizes(size: int, part: int) -> tuple[int, ...]:
    # ``part`` again and again, the last one what is left; a single part of nothing for nothing.
    if not size:
        return (0,)
    whole, rest = divmod(size, part)
    return (part,) * whole + ((rest,) if rest else ())


@composite(method=False)
def split(
    tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """Views of parts along a dimension.

    Args:
        tensor: at least one dimension.
        split_size_or_sections: the size of each part, the last one being smaller where it does
            not divide; or a list of sizes.
        dim: the dimension.

    Raises:
        RuntimeError: for sizes that do not fit.
    """
    if isinstance(split_size_or_sections, (list, tuple)):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    part = index_of(split_size_or_sections, "split_size")
    shape = tensor._array.shape
    if not shape:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    if part < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={part}")
    dim = normalize_dim(dim, len(shape))
    if not part and shape[dim]:
        raise RuntimeError(
            f"split_size can only be 0 if dimension size is 0, but got dimension size of "
            f"{shape[dim]}"
        )
    return _split_with_sizes(tensor, _even_sizes(shape[dim], part), dim)


def _split_method(
    self: Tensor, split_size: int | Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    # See :func:`split`.
    return split(self, split_size, dim)


Tensor.split = _split_method


@composite
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of at most ``chunks`` parts along a dimension, of size ``ceil(size / chunks)``.

    Raises:
        RuntimeError: when ``chunks`` is not positive, or there is no dimension.
    """
    shape = input._array.shape
    if not shape:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    chunks = index_of(chunks, "chunks")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    dim = normalize_dim(dim, len(shape))
    size = shape[dim]
    sizes = _even_sizes(size, -(-size // chunks)) if size else (0,) * chunks
    return _split_with_sizes(input, sizes, dim)


@composite
def tensor_split(
    input: Tensor, indices_or_sections: int | Sequence[int] | Tensor, dim: int = 0
) -> tuple[Tensor, ...]:
    """Views of parts along a dimension, cut at the given places or into parts of nearly one size.

    Args:
        input: at least one dimension.
        indices_or_sections: how many parts, the first ones larger by one where it does not
            divide; or the places to cut at, as a sequence or a 1-dim integer tensor.
        dim: the dimension.

    Raises:
        RuntimeError: when the number of parts is not positive.
    """
    shape = input._array.shape
    if not shape:
        raise RuntimeError(
            "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims"
        )
    dim = normalize_dim(dim, len(shape))
    size = shape[dim]
    given: Any = indices_or_sections
    if isinstance(given, Tensor):
        if given._dtype is not dtypes.int64 or given._array.ndim > 1:
            raise RuntimeError(
                f"tensor_split expected tensor_indices_or_sections to be a zero-dimensional or "
                f"one-dimensional int64 tensor, but got {given._dtype!r} with "
                f"{given._array.ndim} dims"
            )
        given = given.tolist()
    if given.__class__ is int:
        if not 0 < given < 2**63:
            raise (RuntimeError if given <= 0 else ValueError)(
                f"number of sections must be larger than 0, got {given}"
            )
        part, more = divmod(size, given)
        ends = [part * (i + 1) + min(i + 1, more) for i in range(given - 1)]
    else:
        ends = list(given)
    parts = []
    start: int | None = None
    before = (slice(None),) * dim
    for end in (*ends, None):
        parts.append(input[(*before, slice(start, end))])
        start = end
    return tuple(parts)


def _nth_split(name: str, input: Tensor, given: Any, dim: int, needed: int) -> tuple[Tensor, ...]:
    shape = input._array.shape
    if len(shape) < needed:
        raise RuntimeError(
            f"torch.{name} requires a tensor with at least {needed} dimension, but got a tensor "
            f"with {len(shape)} dimensions!"
        )
    if isinstance(given, int) and given > 0 and shape[dim] % given:
        raise RuntimeError(
            f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension "
            f"{shape[dim]} is not divisible by the split_size {given}!"
        )
    return tensor_split(input, given, dim)


@composite
def hsplit(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """:func:`tensor_split` along dimension 1, or 0 for one dimension; equal parts only."""
    dim = 0 if input._array.ndim == 1 else 1
    return _nth_split("hsplit", input, indices_or_sections, dim, 1)


@composite
def vsplit(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """:func:`tensor_split` along dimension 0 of a matrix; equal parts only."""
    return _nth_split("vsplit", input, indices_or_sections, 0, 2)


@composite
def dsplit(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """:func:`tensor_split` along dimension 2; equal parts only."""
    return _nth_split("dsplit", input, indices_or_sections, 2, 3)


@composite
def unsafe_split(tensor: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """:func:`split` into parts that are not views of the tensor for autograd."""
    return tuple(_not_a_view(part) for part in split(tensor, split_size, dim))


@composite
def unsafe_split_with_sizes(
    input: Tensor, split_sizes: Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """:func:`split_with_sizes` into parts that are not views of the tensor for autograd."""
    return tuple(_not_a_view(part) for part in split_with_sizes(input, split_sizes, dim))


@composite
def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """:func:`chunk` into parts that are not views of the tensor for autograd."""
    return tuple(_not_a_view(part) for part in chunk(input, chunks, dim))


def _not_a_view(part: Tensor) -> Tensor:
    part._view = None
    return write_out("unsafe_split", part, None)


# ------------ broadcasting


def broadcast_shapes(*shapes: int | Sequence[int]) -> Size:
    """The shape that tensors of the given shapes have together.

    Raises:
        RuntimeError: when they do not broadcast.
    """
    as_tuples = [(shape,) if isinstance(shape, int) else tuple(shape) for shape in shapes]
    ndim = max(map(len, as_tuples), default=0)
    result = [1] * ndim
    for number, shape in enumerate(as_tuples):
        for dim in range(-1, -len(shape) - 1, -1):
            n = shape[dim]
            if n < 0:
                raise RuntimeError(
                    f"Trying to create tensor with negative dimension ({n}): ({shape})"
                )
            if n == 1 or n == result[dim]:
                continue
            if result[dim] != 1:
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {n} at {dim}! Mismatching "
                    f"argument at index {number} had {shape}; but expected shape should be "
                    f"broadcastable to {result}"
                )
            result[dim] = n
    return Size(result)


def tensors_in(op_name: str, tensors: Any) -> list[Tensor]:
    """The tensors in an argument; TypeError for anything else."""
    if not isinstance(tensors, (list, tuple)):
        raise TypeError(
            f"{op_name}(): argument 'tensors' (position 1) must be tuple of Tensors, not "
            f"{type(tensors).__name__}"
        )
    for i, each in enumerate(tensors):
        if not isinstance(each, Tensor):
            raise TypeError(
                f"{op_name}(): expected Tensor as element {i} in argument 0, but got "
                f"{type(each).__name__}"
            )
    return list(tensors)


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Views of the tensors, expanded to their common shape.

    Raises:
        RuntimeError: when the shapes do not broadcast.
    """
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    shapes = [each._array.shape for each in tensors_in("broadcast_tensors", tensors)]
    try:
        common = broadcast_shapes(*shapes)
    except RuntimeError:
        raise broadcast_error("broadcast_tensors", *shapes) from None
    shape = tuple(common)
    return tuple(each if each._array.shape == shape else each.expand(shape) for each in tensors)


@composite
def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """A view expanded to ``size``; see :meth:`Tensor.expand`."""
    return input.expand(tuple(size))


def _broadcast_to(self: Tensor, *each: Any, **size: Any) -> Tensor:
    return self.expand(*each, **size)


Tensor.broadcast_to = _broadcast_to  # type: ignore[attr-defined]


def _sum_to_size(self: Tensor, *sizes: Any, size: Sequence[int] | None = None) -> Tensor:
    # The sum over the dimensions along which a tensor of ``size`` would be broadcast to this one.
    wanted = read_sizes("sum_to_size", sizes or (sizes_of("sum_to_size", sizes, size),))
    shape = self._array.shape
    added = len(shape) - len(wanted)
    if added < 0 or any(
        n not in (1, m) for n, m in zip(wanted, shape[max(added, 0) :], strict=False)
    ):
        raise RuntimeError(f"size {{{list(wanted)}}} is not expandable to size {{{list(shape)}}}.")
    if not wanted:
        return self.sum()
    dims = [d for d, m in enumerate(shape) if d < added or (wanted[d - added] == 1 and m != 1)]
    summed = self.sum(tuple(dims), keepdim=True) if dims else self
    return summed.reshape(wanted) if added else summed


Tensor.sum_to_size = _sum_to_size


def _several(name: str, tensors: Any, change: Any) -> Any:
    # Applies a change to one tensor, or to each of several.
    if len(tensors) == 1:
        if isinstance(tensors[0], Tensor):
            return change(tensors[0])
        tensors = tensors[0]
    return tuple(map(change, tensors_in(name, tensors)))


def atleast_1d(*tensors: Tensor) -> Any:
    """Tensors of no dimension as views of one; others as they are."""
    return _several("atleast_1d", tensors, lambda x: x if x._array.ndim else x.reshape(1))


def atleast_2d(*tensors: Tensor) -> Any:
    """Views with at least two dimensions, the new ones in front."""
    return _several(
        "atleast_2d",
        tensors,
        lambda x: x if x._array.ndim > 1 else x.reshape(1, 1) if not x._array.ndim else x[None],
    )


def atleast_3d(*tensors: Tensor) -> Any:
    """Views with at least three dimensions: one after a matrix, one on each side of a vector."""

    def grow(x: Tensor) -> Tensor:
        ndim = x._array.ndim
        if ndim >= 3:
            return x
        if ndim == 2:
            return x.unsqueeze(-1)
        return x.reshape(1, 1, 1) if not ndim else x.unsqueeze(0).unsqueeze(-1)

    return _several("atleast_3d", tensors, grow)


# ------------ work in parts


def fill_in_parts(
    result: Tensor, step: int, function: Callable[..., Tensor], *operands: Tensor
) -> Tensor:
    """Fills ``result`` with a function of the operands, ``step`` of their rows at a time."""
    parts = [each.split(step) for each in (result, *operands)]
    for place, *some in zip(*parts, strict=True):
        place.copy_(function(*some))
    return result
