"""Views: the same memory seen in another shape, order, part or type.

The methods that are called most look their op's table up themselves, as ``dispatch`` would do it
for them: one look-up, whatever way the sizes were written.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core.composite import checked, composite
from lamella_core.conventions.arguments import read_sizes
from lamella_core.conventions.common import index_of, normalize_dim
from lamella_core.conventions.results import write_out
from lamella_core.conventions.structural import structural
from lamella_core.conventions.view import strided_view
from lamella_core.conventions.view import view as view_op
from lamella_core.dispatch import REQUIRES_GRAD, modes
from lamella_core.dtype import dtype as dtype_class
from lamella_core.kernels.views import inferred_size
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.dtype import dtype

__all__ = [
    "alias", "as_strided", "diagonal", "flatten", "narrow", "ravel", "reshape", "select", "squeeze",
    "unflatten", "unsqueeze",
]  # fmt: skip


# ------------ primitives


_view = view_op()("view(input: Tensor, size)")
_view_dtype = view_op(retypes=True)("view_dtype(input: Tensor, dtype)")
_permute = view_op(reorders=True)("permute(input: Tensor, dims)")
_transpose = view_op(reorders=True)("transpose(input: Tensor, dim0: int, dim1: int)")
_expand = view_op()("expand(input: Tensor, size)")
_unsqueeze = view_op()("unsqueeze(input: Tensor, dim: int)")
_squeeze = view_op()("squeeze(input: Tensor, dim)")


# The part that integers, slices, None and ``...`` choose.
basic_index = view_op()("basic_index(input: Tensor, index)")


# Zeros of ``input_shape`` with ``source`` in the part that ``index`` chooses.
basic_index_backward = structural()("basic_index_backward(source: Tensor, input_shape, index)")


_diagonal = view_op()("diagonal(input: Tensor, offset: int, dim1: int, dim2: int)")


# Zeros of ``input_shape`` with ``source`` on a diagonal.
diagonal_backward = structural()(
    "diagonal_backward(source: Tensor, input_shape, offset: int, dim1: int, dim2: int)"
)


_unfold = view_op(reorders=True)("unfold(input: Tensor, dimension: int, size: int, step: int)")


# The sum, at each element of the input, of the windows that it is in.
unfold_backward = structural()(
    "unfold_backward(source: Tensor, input_shape, dimension: int, size: int, step: int)"
)


_as_strided = strided_view()(
    "as_strided(input: Tensor, size, stride, storage_offset: int, geometry)"
)


_view_table = _view.op.table
_expand_table = _expand.op.table
_squeeze_table = _squeeze.op.table
_unsqueeze_table = _unsqueeze.op.table
_basic_index_table = basic_index.op.table


# ------------ shapes


def _view_method(self: Tensor, *sizes: Any, dtype: dtype | None = None, size: Any = None) -> Tensor:
    # The same elements in another shape, or the same bytes as another element type.
    #
    # Args:
    # sizes: the shape, as integers or one sequence; one of them may be -1 and is inferred.
    # dtype: instead of a size, the type to read the bytes as; the last dimension grows or
    # shrinks when the types differ in size.
    if len(sizes) == 1:
        only = sizes[0]
        if only.__class__ is dtype_class:
            return _view_as_dtype(self, only)
        if only.__class__ is not int:
            sizes = only if only.__class__ is tuple else read_sizes("view", sizes)
    elif dtype is not None:
        return _view_as_dtype(self, dtype)
    elif size is not None:
        sizes = read_sizes("view", (size,))
    try:
        return _view_table[modes.bits | self._key](self, sizes)
    except (TypeError, ValueError):
        # What the kernel's array refused is explained here.
        sizes = inferred_size(read_sizes("view", (sizes,)), self._array.size)
    return _view_table[modes.bits | self._key](self, sizes)


def view_as_shape(input: Tensor, size: tuple[int, ...]) -> Tensor:
    """A view of a shape that is known to fit."""
    return _view_table[modes.bits | input._key](input, size)


def _view_as_dtype(self: Tensor, kind: dtype) -> Tensor:
    old, new = self._dtype.itemsize, kind.itemsize
    if old != new:
        array = self._array
        ratio = new // old
        if not array.ndim:
            raise RuntimeError(
                f"self.dim() cannot be 0 to view {self._dtype.class_name} as {kind.class_name} "
                f"(different element sizes)"
            )
        if self.stride(-1) != 1:
            raise RuntimeError(
                f"self.stride(-1) must be 1 to view {self._dtype.class_name} as {kind.class_name} "
                f"(different element sizes), but got {self.stride(-1)}"
            )
        if ratio > 1:
            if array.shape[-1] % ratio:
                raise RuntimeError(
                    f"self.size(-1) must be divisible by {ratio} to view {self._dtype.class_name} "
                    f"as {kind.class_name} (different element sizes), but got {array.shape[-1]}"
                )
            if self.storage_offset() % ratio:
                raise RuntimeError(
                    f"self.storage_offset() must be divisible by {ratio} to view "
                    f"{self._dtype.class_name} as {kind.class_name} (different element sizes), "
                    f"but got {self.storage_offset()}"
                )
            for dim, step in enumerate(self.stride()[:-1]):
                if step % ratio:
                    raise RuntimeError(
                        f"self.stride({dim}) must be divisible by {ratio} to view "
                        f"{self._dtype.class_name} as {kind.class_name} (different element "
                        f"sizes), but got {step}"
                    )
    return _view_dtype(self, kind.numpy)


def _reshape(input: Tensor, size: tuple[Any, ...]) -> Tensor:
    try:
        return _view_table[modes.bits | input._key](input, size)
    except (RuntimeError, TypeError, ValueError):
        size = inferred_size(read_sizes("reshape", (size,)), input._array.size)
        copy = input.contiguous()
    result = _view_table[modes.bits | copy._key](copy, size)
    if copy is not input and result._key & REQUIRES_GRAD:
        result._made_by("reshape")
    return result


@composite(method=False)
def reshape(input: Tensor, shape: Sequence[int]) -> Tensor:
    """The same elements in another shape: a view where that is possible, else a copy.

    Args:
        input: the tensor.
        shape: the new shape; one size may be -1 and is inferred.

    Raises:
        RuntimeError: when the shape does not fit the number of elements.
    """
    return _reshape(input, tuple(shape) if shape.__class__ is not int else (shape,))


def _reshape_method(self: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    # See :func:`reshape`; the sizes may also be given one by one.
    if len(sizes) == 1 and sizes[0].__class__ is not int:
        sizes = tuple(sizes[0])
    elif shape is not None:
        sizes = tuple(shape)
    return _reshape(self, sizes)


@checked
def _view_as(self: Tensor, other: Tensor) -> Tensor:
    """The same elements in the shape of ``other``; see :meth:`view`."""
    return _view_method(self, other._array.shape)


@checked
def _reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """The same elements in the shape of ``other``; see :func:`reshape`."""
    return _reshape(self, other._array.shape)


@composite(quick=True)
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from ``start_dim`` to ``end_dim`` as one, in row-major order.

    Raises:
        RuntimeError: when ``start_dim`` comes after ``end_dim``.
    """
    shape = input._array.shape
    ndim = len(shape)
    if start_dim == 0 and end_dim == -1 and ndim > 1 and input._array.size:
        return _reshape(input, (-1,))
    first, last = normalize_dim(start_dim, ndim), normalize_dim(end_dim, ndim)
    if first > last:
        raise RuntimeError(
            f"flatten() has invalid args: start_dim cannot come after end_dim, got {start_dim} and "
            f"{end_dim} for a tensor with {ndim} dimensions"
        )
    if not ndim:
        return _reshape(input, (1,))
    if first == last:
        return input
    return _reshape(input, (*shape[:first], prod(shape[first : last + 1]), *shape[last + 1 :]))


@composite
def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension, in row-major order: a view where that is possible."""
    return _reshape(input.contiguous(), (-1,) if input._array.size else (0,))


@composite
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One dimension as several, whose sizes multiply to its size; one may be -1.

    Raises:
        RuntimeError: when they do not.
    """
    shape = input._array.shape
    dim = normalize_dim(dim, len(shape))
    sizes = tuple(sizes)
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    try:
        parts = inferred_size(sizes, shape[dim])
    except RuntimeError:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} "
            f"({shape[dim]}) in the input tensor"
        ) from None
    return _reshape(input, (*shape[:dim], *parts, *shape[dim + 1 :]))


# ------------ sizes of 1


@composite(method=False)
def alias(input: Tensor) -> Tensor:
    """A view of the whole tensor."""
    return _basic_index_table[modes.bits | input._key](input, (...,))


def needed(op_name: str, axis: int | None) -> int:
    """``dim`` under NumPy's name.

    Raises:
        TypeError: when it was given under neither.
    """
    if axis is None:
        raise TypeError(f"{op_name}() missing 1 required positional argument: 'dim'")
    return axis


@composite(quick=True)
def unsqueeze(input: Tensor, dim: int | None = None, *, axis: int | None = None) -> Tensor:
    """A view with a dimension of size 1 put in at ``dim``.

    Raises:
        IndexError: when ``dim`` is not in ``[-ndim - 1, ndim]``.
    """
    if dim is None:
        dim = needed("unsqueeze", axis)
    if dim.__class__ is not int:
        dim = index_of(dim)
    bound = input._array.ndim + 1
    if not -bound <= dim < bound:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-bound}, {bound - 1}], but got "
            f"{dim})"
        )
    return _unsqueeze_table[modes.bits | input._key](input, dim + bound if dim < 0 else dim)


@composite(quick=True)
def squeeze(input: Tensor, dim: int | Sequence[int] | None = None, *, axis: Any = None) -> Tensor:
    """A view without the dimensions of size 1.

    Args:
        input: the tensor.
        dim: the dimensions to look at; those that have another size stay. None for all.

    Raises:
        IndexError: when a dimension is out of range.
    """
    shape = input._array.shape
    dim = axis if dim is None else dim
    found: int | tuple[int, ...]
    if dim is None:
        found = tuple([d for d, n in enumerate(shape) if n == 1]) if 1 in shape else ()
    elif dim.__class__ is int and -len(shape) <= dim < len(shape) and shape[dim] == 1:
        found = dim
    else:
        dims = dim if isinstance(dim, (tuple, list)) else (dim,)
        normal = [normalize_dim(d, len(shape)) for d in dims]
        if len(set(normal)) != len(normal):
            raise RuntimeError(
                f"dim {next(d for d in normal if normal.count(d) > 1)} appears multiple times in "
                f"the list of dims"
            )
        found = tuple([d for d in normal if shape and shape[d] == 1])
        result = _squeeze_table[modes.bits | input._key](input, found)
        return write_out("squeeze" if dims is dim else "squeeze_dim", result, None)
    return _squeeze_table[modes.bits | input._key](input, found)


def _expand_method(self: Tensor, *sizes: Any, size: Any = None, implicit: bool = False) -> Tensor:
    # A view with dimensions of size 1 repeated, and new ones put in front; no copy is made.
    #
    # Args:
    # sizes: the shape, as integers or one sequence; -1 keeps a size.
    if size is not None:
        sizes = tuple(size)
    elif len(sizes) == 1 and sizes[0].__class__ is not int:
        sizes = tuple(sizes[0])
    if len(sizes) < self._array.ndim:
        sizes = _expanded_size(self, sizes)
    try:
        return _expand_table[modes.bits | self._key](self, sizes)
    except (TypeError, ValueError):
        # What the kernel's array refused is explained here.
        sizes = _expanded_size(self, sizes)
    return _expand_table[modes.bits | self._key](self, sizes)


def _expanded_size(self: Tensor, size: tuple[Any, ...]) -> tuple[int, ...]:
    # What :meth:`expand` makes of a size, or the error that says what is wrong with it.
    wanted = list(read_sizes("expand", size))
    shape = self._array.shape
    missing = len(size) - len(shape)
    if missing < 0:
        raise RuntimeError(
            f"expand(torch.{self._dtype.class_name}Tensor{{{list(shape)}}}, size={list(size)}): "
            f"the number of sizes provided ({len(size)}) must be greater or equal to the number of "
            f"dimensions in the tensor ({len(shape)})"
        )
    for i, n in enumerate(wanted):
        have = shape[i - missing] if i >= missing else 1
        if n == -1 and i >= missing:
            wanted[i] = have
        elif n < 0:
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) isn't allowed in a leading, non-existing "
                f"dimension {i}"
            )
        elif n != have and have != 1:
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({have}) at "
                f"non-singleton dimension {i}.  Target sizes: {list(size)}.  Tensor sizes: "
                f"{list(shape)}"
            )
    return tuple(wanted)


@checked
def _expand_as(self: Tensor, other: Tensor) -> Tensor:
    """A view expanded to the shape of ``other``; see :meth:`expand`."""
    return _expand_method(self, other._array.shape)


# ------------ parts


@composite(quick=True)
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """A view of the slice number ``index`` along a dimension, which goes away.

    Raises:
        IndexError: when ``dim`` or ``index`` is out of range, or there is no dimension.
    """
    shape = input._array.shape
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = normalize_dim(dim, len(shape))
    if index.__class__ is not int:
        index = index_of(index, "index")
    if not -shape[dim] <= index < shape[dim]:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(shape)} at dimension "
            f"{dim}"
        )
    place = (*(slice(None),) * dim, index, ...)
    return _basic_index_table[modes.bits | input._key](input, place)


@composite(quick=True)
def narrow(input: Tensor, dim: int, start: int | Tensor, length: int) -> Tensor:
    """A view of ``length`` slices along a dimension, from ``start`` on.

    Raises:
        RuntimeError: when they reach over the end, or ``length`` is negative.
        IndexError: when ``dim`` or ``start`` is out of range.
    """
    shape = input._array.shape
    if not shape:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if isinstance(start, Tensor):
        if start._array.ndim or start._dtype.category != dtypes.INTEGER:
            raise RuntimeError("start must be an 0-dim integral Tensor.")
        start = start.item()
    dim = normalize_dim(dim, len(shape))
    if not (start.__class__ is length.__class__ is int):
        start, length = index_of(start, "start"), index_of(length, "length")
    if length < 0:
        raise RuntimeError(f"narrow(): length must be non-negative, got {length}")
    size = shape[dim]
    if not -size <= start <= size:
        raise IndexError(
            f"start out of range (expected to be in range of [{-size}, {size}], but got {start})"
        )
    first = start + size if start < 0 else start
    if first + length > size:
        raise RuntimeError(f"start ({first}) + length ({length}) exceeds dimension size ({size}).")
    place = (*(slice(None),) * dim, slice(first, first + length))
    return _basic_index_table[modes.bits | input._key](input, place)


@composite
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A view of the diagonals of the matrices in two dimensions, as the last dimension.

    Args:
        input: at least two dimensions.
        offset: which diagonal: 0 the main one, positive above it, negative below.
        dim1, dim2: the two dimensions.

    Raises:
        RuntimeError: when they are the same dimension.
        IndexError: when a dimension is out of range.
    """
    ndim = input._array.ndim
    first, second = normalize_dim(dim1, ndim), normalize_dim(dim2, ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return _diagonal(input, index_of(offset, "offset"), first, second)


def _unfold_method(self: Tensor, dimension: int, size: int, step: int) -> Tensor:
    # A view of the windows of ``size`` along a dimension, ``step`` apart.
    #
    # The dimension counts the windows; a new last dimension goes along each.
    shape = self._array.shape
    dimension = normalize_dim(dimension, len(shape))
    have = shape[dimension] if shape else 1
    if size > have:
        raise RuntimeError(
            f"maximum size for tensor at dimension {dimension} is {have} but size is {size}"
        )
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    step = index_of(step, "step")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    return _unfold(self, dimension, size, step)


@composite
def as_strided(
    input: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int | None = None,
) -> Tensor:
    """A view of the storage with the given size, strides and offset, all in elements.

    Args:
        input: any tensor over the storage.
        size, stride: of equal length.
        storage_offset: the place of the first element; that of ``input`` when None.

    Raises:
        RuntimeError: when a place lies outside of the storage, or a stride is negative.
    """
    size, stride = read_sizes("as_strided", (size,)), read_sizes("as_strided", (stride,), "stride")
    if len(size) != len(stride):
        raise RuntimeError(
            f"mismatch in length of strides and shape: as_strided got size {list(size)} and "
            f"stride {list(stride)}"
        )
    if any(n < 0 for n in size):
        raise RuntimeError(f"as_strided: a size must not be negative, got sizes {list(size)}")
    if any(s < 0 for s in stride):
        raise RuntimeError(
            f"as_strided: Negative strides are not supported at the moment, got strides: "
            f"{list(stride)}"
        )
    offset = input.storage_offset()
    if storage_offset is None:
        storage_offset = offset
    elif storage_offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {storage_offset}")
    geometry = (input._array.shape, input.stride(), offset)
    return _as_strided(input, size, stride, storage_offset, geometry)


def _attach() -> None:
    methods = {
        "view": _view_method,
        "view_as": _view_as,
        "reshape": _reshape_method,
        "reshape_as": _reshape_as,
        "expand": _expand_method,
        "expand_as": _expand_as,
        "unfold": _unfold_method,
    }
    for name, function in methods.items():
        setattr(Tensor, name, function)


_attach()
