"""Copying to new memory or into what is there, and filling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core import dtype as dtypes
from lamella_core.composite import composite
from lamella_core.conventions.arguments import check_size, number_of_type, read_sizes
from lamella_core.conventions.common import broadcast_error
from lamella_core.conventions.results import check_tensors, write_out
from lamella_core.conventions.structural import overwriting, structural
from lamella_core.conventions.transfer import transfer
from lamella_core.conventions.view import strided_array
from lamella_core.declaration import in_place
from lamella_core.device import Device
from lamella_core.dispatch import (
    GRAPH_BITS,
    LIFTED,
    REORDERED,
    backend_of_tensor,
    mark_order,
    modes,
)
from lamella_core.formats import (
    channels_last,
    channels_last_3d,
    channels_last_order,
    contiguous_format,
    dense_strides,
    order_of,
    preserve_format,
    reach,
    suggests_channels_last,
)
from lamella_core.ops.creation import sizes_of
from lamella_core.refusal import check_switches, refuse_size
from lamella_core.storage import Storage, check_not_lifted, new_storage, resize, storage_of
from lamella_core.tensor import Tensor, alias
from lamella_core.warning import warn_once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.dtype import dtype
    from lamella_core.formats import memory_format
    from lamella_core.typing import Number

__all__ = ["clone", "detach", "detach_", "fill", "fill_", "resize_as_", "zero_"]


# ------------ primitives


_clone = structural()("clone(input: Tensor, order)")


# The elements converted to another type.
to_dtype = structural()("to_dtype(input: Tensor, dtype: dtype)")


@transfer
def to_device(input: Tensor, device: Device, source: Device, non_blocking: bool = False) -> Tensor:
    """A copy in the memory of another device; ``source`` is the device of ``input``."""


# ``input`` with its elements replaced by those of ``src``, converted and broadcast.
copy = overwriting(inputs="same")("copy(input: Tensor, src: Tensor)")
_fill = overwriting(repeats=True, inputs="any")("fill(input: Tensor, value: Tensor | Number)")


_clone_table = _clone.op.table
_write = in_place(copy)
_fill_inplace = in_place(_fill)


# ------------ copies


def _order_for(input: Tensor, wanted: memory_format | None) -> Any:
    # The order in memory that a copy of a tensor has, in the clone kernel's terms.
    if wanted is None or wanted is preserve_format:
        array = input._array
        if array.flags.c_contiguous:
            return "C"
        strides = input.stride()
        return tuple(order_of(array.shape, strides))
    if wanted is contiguous_format:
        return "C"
    return channels_last_order(input._array.ndim, wanted)


@composite(quick=True)
def clone(input: Tensor, *, memory_format: memory_format | None = None) -> Tensor:
    """A copy that gradients flow through.

    Args:
        input: the tensor.
        memory_format: the order in memory; ``preserve_format`` (or None) keeps the order of the
            dimensions, ``contiguous_format`` is row-major.
    """
    key = modes.bits | input._key
    if memory_format is not None and memory_format is not contiguous_format:
        key |= REORDERED
    try:
        return _clone_table[key](input, _order_for(input, memory_format))
    except MemoryError as error:
        refuse_size("clone", error)
        raise


def tell_of_loss(source: Tensor, dtype: dtype) -> None:
    """Warns where a conversion discards imaginary parts."""
    if source._dtype.is_complex and not dtype.is_complex and dtype is not dtypes.bool_:
        warn_once("Casting complex values to real discards the imaginary part")


def _contiguous(self: Tensor, memory_format: memory_format = contiguous_format) -> Tensor:
    """The tensor itself where its elements lie in the wanted order, else a copy."""
    if memory_format is contiguous_format and self._array.flags.c_contiguous:
        return self
    if memory_format is preserve_format:
        return self
    return self if _is_contiguous(self, memory_format) else clone(self, memory_format=memory_format)


def _is_contiguous(self: Tensor, memory_format: memory_format = contiguous_format) -> bool:
    """Whether the elements lie in memory in the order of ``memory_format``, without gaps."""
    if memory_format is contiguous_format:
        return self._array.flags.c_contiguous
    if memory_format is not channels_last and memory_format is not channels_last_3d:
        raise RuntimeError(f"is_contiguous: unsupported memory format {memory_format!r}")
    if self._array.ndim != (4 if memory_format is channels_last else 5):
        return False
    order = channels_last_order(self._array.ndim, memory_format)
    return self.permute(order)._array.flags.c_contiguous


def _copy_(self: Tensor, src: Tensor, non_blocking: bool = False) -> Tensor:
    """Replaces the elements by those of ``src``, converted and broadcast; returns the tensor.

    Args:
        src: a tensor of any type on any device.
        non_blocking: accepted; the copy is finished on return.

    Raises:
        RuntimeError: when the shape of ``src`` does not broadcast to this one's.
    """
    if non_blocking.__class__ is not bool:
        check_switches("copy_", non_blocking=non_blocking)
    if not isinstance(src, Tensor):
        if not isinstance(src, (bool, int, float, complex)):
            check_tensors("copy_", other=src)
        src = self.new_tensor(src, dtype=dtypes.complex128 if src.__class__ is complex else None)
    if (src._key ^ self._key) & ~GRAPH_BITS:
        place = self.device
        if src.device != place:
            src = to_device(src, place, src.device)
    shape, given = self._array.shape, src._array.shape
    if shape != given:
        if len(given) > len(shape):
            raise RuntimeError(
                f"output with shape {list(shape)} doesn't match the broadcast shape {list(given)} "
                f"(copy_: the source has more dimensions)"
            )
        for have, new in zip(reversed(shape), reversed(given), strict=False):
            if have != new and new != 1:
                raise broadcast_error("copy_", shape, given)
    if src._dtype is not self._dtype:
        tell_of_loss(src, self._dtype)
    return _write(self, src)


def detach(input: Tensor) -> Tensor:
    """A tensor over the same memory, apart from the graph, that never requires grad."""
    tensor = alias(input)
    if input._key & LIFTED:
        tensor._array = input._array.detached()
    return tensor


def detach_(input: Tensor) -> Tensor:
    """Takes the tensor out of the graph: it becomes a leaf that requires no grad.

    Raises:
        RuntimeError: for a view, which cannot be detached in place.
    """
    if input._view is not None:
        raise RuntimeError(
            "Can't detach views in-place. Use detach() instead. If you are using "
            "DistributedDataParallel (DDP) for training, and gradient_as_bucket_view is set as True"
        )
    input._graph = None
    if input.requires_grad:
        input.requires_grad_(False)
    return input


Tensor.detach = detach
Tensor.detach_ = detach_


# ------------ filling


def _fill_with(input: Tensor, value: Any) -> Any:
    if isinstance(value, Tensor):
        if value._array.ndim:
            raise RuntimeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with "
                f"{value._array.ndim} dimensions."
            )
        if value.device != input.device:
            return to_device(value, input.device, value.device)
        return value
    return number_of_type(value, input._dtype)


@composite(method=False)
def fill(input: Tensor, value: Tensor | Number) -> Tensor:
    """A copy of ``input`` with all elements replaced by ``value``.

    Args:
        input: gives shape and type.
        value: a number, or a tensor without dimensions.

    Raises:
        RuntimeError: when the value does not fit the type, or has dimensions.
    """
    return _fill(input, _fill_with(input, value))


def fill_(input: Tensor, value: Tensor | Number) -> Tensor:
    """Replaces all elements by ``value``; returns the tensor. See :func:`fill`."""
    kind = value.__class__
    if (
        (kind is float or kind is int)
        and input._dtype.category >= dtypes.FLOATING
        # What float16 has, every floating type has.
        and -65504 <= value <= 65504  # type: ignore[operator]
    ):
        return _fill_inplace(input, value)
    return _fill_inplace(input, _fill_with(input, value))


def zero_(input: Tensor) -> Tensor:
    """Replaces all elements by 0; returns the tensor."""
    return write_out("zero_", _fill_inplace(input, 0), None)


# ------------ shape in place


def _resize_(
    self: Tensor,
    *sizes: Any,
    size: Sequence[int] | None = None,
    memory_format: memory_format = contiguous_format,
) -> Tensor:
    """Gives the tensor another size, keeping the storage while it is large enough.

    Elements that the storage did not have before are not set.

    Args:
        sizes, size: the new size, as integers or as one sequence of them.
        memory_format: the order in memory.

    Raises:
        RuntimeError: for a tensor that requires grad, or ``preserve_format``.
    """
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    sizes = sizes or (sizes_of("resize_", sizes, size),)
    shape = check_size("resize_", read_sizes("resize_", sizes))
    if memory_format is preserve_format:
        raise RuntimeError("Unsupported memory format Preserve")
    if shape != self._array.shape:
        try:
            resize(self, shape)
        except MemoryError as error:
            refuse_size("resize_", error)
    if memory_format is not contiguous_format:
        strides = dense_strides(shape, channels_last_order(len(shape), memory_format))
        self._array = self.as_strided(shape, strides)._array
    return self


def resize_as_(
    input: Tensor, the_template: Tensor, memory_format: memory_format = contiguous_format
) -> Tensor:
    """:meth:`Tensor.resize_` to the size of another tensor, and to its format to preserve it."""
    array = the_template._array
    if memory_format is preserve_format:
        memory_format = contiguous_format
        if suggests_channels_last(array):
            memory_format = channels_last if array.ndim == 4 else channels_last_3d
    return _resize_(input, array.shape, memory_format=memory_format)


def _set_(
    self: Tensor,
    source: Tensor | Storage | None = None,
    storage_offset: int = 0,
    size: Sequence[int] | None = None,
    stride: Sequence[int] | None = None,
) -> Tensor:
    """Makes the tensor one over the memory of ``source``: a tensor, or a storage and a place in it.

    Raises:
        RuntimeError: when the element types differ, or inside of a transform.
        TypeError: when ``source`` is neither.
    """
    check_not_lifted("set_", self, RuntimeError)
    if source is None:
        source = self.new_empty(0)
    if isinstance(source, Tensor):
        if source._dtype is not self._dtype:
            raise RuntimeError(
                f"Could not set tensor of type {source._dtype.class_name} to a tensor of type "
                f"{self._dtype.class_name}"
            )
        storage = storage_of(source)
        if size is None:
            self._array, self._storage = source._array, storage
            return mark_order(self)
    else:
        # A typed storage is of a module above this one.
        kind = getattr(source, "dtype", self._dtype)
        if kind is not self._dtype:
            raise RuntimeError(
                f"Expected a Storage of type {self._dtype.class_name} or an UntypedStorage, but "
                f"got type {kind.class_name} for argument 1 'storage'"
            )
        if not hasattr(source, "untyped"):
            raise TypeError(f"set_ expects a tensor or a storage, got {type(source).__name__}")
        storage = source.untyped()
    if size is None:
        size = (storage.nbytes() // self._dtype.itemsize - storage_offset,)
    shape = tuple(size)
    steps = dense_strides(shape, range(len(shape))) if stride is None else tuple(stride)
    if storage_offset < 0 or any(n < 0 for n in (*shape, *steps)):
        raise RuntimeError(
            f"set_: invalid storage offset {storage_offset}, size {shape} or stride {steps}"
        )
    if 0 not in shape:
        needed = (storage_offset + reach(shape, steps)) * self._dtype.itemsize
        if needed > storage.nbytes():
            storage.resize_(needed)
    backend = backend_of_tensor(self)
    self._array = strided_array(storage, backend, self._dtype, shape, steps, storage_offset)
    self._storage = storage
    return mark_order(self)


def _deepcopy(self: Tensor, memo: dict[int, Any]) -> Tensor:
    """A copy for ``copy.deepcopy``; tensors that share a storage share one afterwards, too.

    Raises:
        RuntimeError: for a tensor that an op made, whose graph cannot be copied.
    """
    from copy import deepcopy

    if id(self) in memo:
        return memo[id(self)]
    check_not_lifted("deepcopy", self)
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
            "protocol at the moment. Use tensor.detach().clone() instead."
        )
    backend = backend_of_tensor(self)
    storage = storage_of(self)
    copied = memo.get(id(storage))
    if copied is None:
        root = backend.empty(storage.root.shape, storage.root.dtype, storage.device)
        backend.copy_into(root, storage.root)
        copied = memo[id(storage)] = new_storage(root, self._key)
    result = _over(self.__class__, copied, self._dtype, *_place(self))
    memo[id(self)] = result
    result._key = self._key
    result._grad = None if self._grad is None else deepcopy(self._grad, memo)
    result.__dict__.update({k: deepcopy(v, memo) for k, v in attributes_of(self).items()})
    return result


def attributes_of(tensor: Tensor) -> dict[str, Any]:
    """What the user set on a tensor: of the hooks and the accumulator beside it no copy is made."""
    return {name: value for name, value in tensor.__dict__.items() if name not in _GRAPH_ATTRIBUTES}


_GRAPH_ATTRIBUTES = {"_accumulator", "_backward_hooks", "_post_accumulate_grad_hooks"}


def _place(tensor: Tensor) -> tuple[Any, ...]:
    # Where in its storage a tensor lies: shape, strides and offset.
    offset = tensor.storage_offset() if tensor._array.size else 0
    return tuple(tensor._array.shape), tensor.stride(), offset


def _over(cls: Any, storage: Any, dtype: dtype, shape: Any, stride: Any, offset: int) -> Tensor:
    # A leaf of a class over a part of a storage, without the class's constructor.
    backend = backend_of_tensor(storage)
    result = object.__new__(cls)
    result._dtype, result._key, result._storage = dtype, backend.key, storage
    result._graph = result._view = result._grad = None
    result._array = backend.as_strided(storage.root, dtype.numpy, shape, stride, offset)
    return mark_order(result)


def _reduce_ex(self: Tensor, protocol: Any) -> tuple[Any, ...]:
    """For ``pickle``: tensors that share a storage share one afterwards, too; graphs are left."""
    check_not_lifted("pickle", self)
    attributes = attributes_of(self)
    place = (self.__class__, storage_of(self), self._dtype, *_place(self))
    return _unpickled, (*place, self.requires_grad, attributes)


def _unpickled(
    cls: Any,
    storage: Any,
    dtype: dtype,
    shape: Any,
    stride: Any,
    offset: int,
    requires_grad: bool,
    attributes: dict[str, Any],
) -> Tensor:
    tensor = _over(cls, storage, dtype, shape, stride, offset)
    tensor.__dict__.update(attributes)
    return tensor.requires_grad_() if requires_grad else tensor


def _array_wrap(self: Tensor, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
    """What NumPy's functions of a tensor return: a tensor, of uint8 in the place of bools."""
    from lamella_core.ops.creation_data import from_numpy

    array = np.asarray(array)
    return from_numpy(array.astype(np.uint8) if array.dtype == np.bool_ else array)


def _as_subclass(self: Tensor, cls: type[Tensor]) -> Tensor:
    """The tensor as an instance of a class derived from Tensor, over the same memory.

    Raises:
        TypeError: for a class that is not.
    """
    if not (isinstance(cls, type) and issubclass(cls, Tensor)):
        raise TypeError(f"cls must be a subclass of Tensor, got {cls!r}")
    tensor = self.view_as(self)
    tensor.__class__ = cls
    return tensor


def _resized(self: Tensor, *size: Any) -> Tensor:
    """As ``reshape``: PyTorch's old name.

    Raises:
        RuntimeError: where the number of elements would change.
    """
    return self.reshape(*size)


def _attach() -> None:
    methods: dict[str, Any] = {
        "__array_wrap__": _array_wrap,
        "__deepcopy__": _deepcopy,
        "__reduce_ex__": _reduce_ex,
        "__reversed__": lambda self: self.flip(0) if self._array.ndim else self,
        "as_subclass": _as_subclass,
        "const_data_ptr": Tensor.data_ptr,
        "contiguous": _contiguous,
        "copy_": _copy_,
        "fill_": fill_,
        "is_contiguous": _is_contiguous,
        "resize": _resized,
        "resize_": _resize_,
        "resize_as": lambda self, tensor: _resized(self, tensor._array.shape),
        "resize_as_": resize_as_,
        "set_": _set_,
        "zero_": zero_,
    }
    for name, function in methods.items():
        setattr(Tensor, name, function)


_attach()
