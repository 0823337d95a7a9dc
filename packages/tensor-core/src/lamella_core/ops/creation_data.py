"""Creation from data: Python numbers and sequences, NumPy arrays, buffers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core import dtype as dtypes
from lamella_core.composite import composite
from lamella_core.conventions.arguments import number_of_type, read_dtype
from lamella_core.device import CPU, Device, get_default_device
from lamella_core.dispatch import backend_of, mark_order
from lamella_core.formats import reach
from lamella_core.ops.creation import as_asked
from lamella_core.promotion import promote_types
from lamella_core.quiet import quiet
from lamella_core.refusal import check_switches
from lamella_core.storage import borrowed_storage
from lamella_core.tensor import Tensor, wrap
from lamella_core.warning import warn, warn_once

if TYPE_CHECKING:
    from lamella_core.dtype import dtype
    from lamella_core.typing import DeviceLike

__all__ = ["as_tensor", "asarray", "from_numpy", "frombuffer", "tensor"]

_NUMBERS = frozenset((bool, int, float, complex))


def tensor(
    data: Any,
    *,
    dtype: dtype | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A new leaf tensor that holds a copy of ``data``.

    Args:
        data: a number, a nested sequence of numbers (of NumPy scalars, of tensors with one
            element), a NumPy array, or a tensor.
        dtype: the element type; when None it is inferred: an array's own type, and for numbers the
            promoted type of all, where a Python float counts as the default floating type.
        device: where the memory is; when None that of a tensor given, else the default device.
        requires_grad: whether autograd records ops on it.
        pin_memory: put it in page-locked memory, for CUDA.

    Raises:
        ValueError: for sequences of unequal lengths, or numbers that do not fit.
        TypeError: for something that is no number.
    """
    dtype = None if dtype is None else read_dtype("tensor", dtype)
    if isinstance(data, Tensor):
        warn("To copy construct from a tensor, use sourceTensor.detach().clone(), not tensor()")
        result = data.detach().to(device=device, dtype=dtype, copy=True)
    else:
        array = _array_from(data, dtype)
        if array is data and not isinstance(data, np.ndarray):
            result = _of_cuda_array(data).to(device=device, dtype=dtype, copy=True)
        else:
            result = _on_device(array, device, owned=array is not data and array.base is None)
    if requires_grad is False is pin_memory:
        return result
    check_switches("tensor", requires_grad=requires_grad, pin_memory=pin_memory)
    return as_asked(result, requires_grad, pin_memory)


def as_tensor(data: Any, dtype: dtype | None = None, device: DeviceLike | None = None) -> Tensor:
    """``data`` as a tensor, without a copy where type and device allow it.

    A tensor is returned as it is, with its graph; a NumPy array and an object with
    ``__cuda_array_interface__`` share their memory.
    """
    dtype = None if dtype is None else read_dtype("as_tensor", dtype)
    if isinstance(data, Tensor):
        return data.to(device=device, dtype=dtype)
    if isinstance(data, np.ndarray):
        result = from_numpy(data)
        target = get_default_device() if device is None else Device(device)
        return result.to(device=target, dtype=dtype)
    array = _array_from(data, dtype)
    if array is data:
        return _of_cuda_array(data).to(device=device, dtype=dtype)
    return _on_device(array, device, owned=True)


def asarray(
    obj: Any,
    *,
    dtype: dtype | None = None,
    device: DeviceLike | None = None,
    copy: bool | None = None,
    requires_grad: bool | None = None,
) -> Tensor:
    """``obj`` as a tensor; shares memory with tensors, NumPy arrays and buffers where it can.

    Args:
        obj: a tensor, an array, an object with the buffer protocol, a number or a nested sequence.
        dtype, device: those of the result.
        copy: True always copies, False never, None where it must.
        requires_grad: whether autograd records ops on it; False detaches a tensor. By default it
            is what it was, with a warning where that is True.

    Raises:
        ValueError: when ``copy`` is False and sharing is not possible.
    """
    dtype = None if dtype is None else read_dtype("asarray", dtype)
    shared: Tensor | None = None
    if isinstance(obj, Tensor):
        shared = obj
    elif isinstance(obj, np.generic):
        shared = from_numpy(np.asarray(obj))
    elif isinstance(obj, np.ndarray):
        shared = from_numpy(obj)
    elif hasattr(obj, "__cuda_array_interface__"):
        shared = _of_cuda_array(obj)
    elif isinstance(obj, (bytes, bytearray, memoryview)) or (
        hasattr(obj, "__buffer__") and not isinstance(obj, (list, tuple))
    ):
        shared = frombuffer(obj, dtype=dtypes.defaults.floating if dtype is None else dtype)
    if shared is None:
        if copy is False:
            raise ValueError(
                f"can't alias arbitrary sequence into a tensor: asarray(copy=False) got a "
                f"{type(obj).__name__}"
            )
        result = tensor(obj, dtype=dtype, device=device)
    else:
        if device is None and not shared.is_cuda and shared is not obj:
            device = get_default_device()
        result = shared.to(device=device, dtype=dtype, copy=bool(copy))
        if copy is False and result._array is not shared._array:
            raise ValueError(
                f"can't alias tensor with dtype {shared._dtype!r} on device {shared.device} as "
                f"dtype {result._dtype!r} on device {result.device}"
            )
        if result.requires_grad and requires_grad is None:
            warn(
                "torch.asarray: without requires_grad the result is of the graph of obj; "
                "requires_grad=False detaches it",
            )
        elif result.requires_grad and not requires_grad:
            result = result.detach()
    return result.requires_grad_(requires_grad) if requires_grad else result


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A CPU tensor that shares the memory of a NumPy array.

    Raises:
        TypeError: when it is not an array, or of a type that tensors have not.
        ValueError: when a stride is negative, or no multiple of the elements' size.
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    _check_array(ndarray)
    if not ndarray.flags.writeable:
        warn_once("The given NumPy array is not writable, and its tensor is: copy the array first")
    if type(ndarray) is not np.ndarray:
        ndarray = ndarray.view(np.ndarray)
    backend = backend_of(CPU)
    result = wrap(ndarray, dtypes.OF_NUMPY[ndarray.dtype], backend.key)
    mark_order(result)
    # The storage begins at the first element, wherever the array's own base may begin.
    result._storage = borrowed_storage(_extent(ndarray), backend.key)
    return result


def _extent(array: np.ndarray) -> np.ndarray:
    # The flat array from the first to the last element of ``array``.
    if array.flags.c_contiguous:
        return array.reshape(-1)
    count = reach(array.shape, [stride // array.itemsize for stride in array.strides])
    return np.lib.stride_tricks.as_strided(array, (count,), (array.itemsize,))


def _check_array(array: np.ndarray) -> None:
    if not array.dtype.isnative:
        raise ValueError(
            "given numpy array has byte order different from the native byte order. Conversion "
            "between byte orders is currently not supported; array.astype(array.dtype."
            "newbyteorder('=')) converts it."
        )
    if array.dtype not in dtypes.OF_NUMPY:
        names = ", ".join(d.name for d in dtypes.ALL if d is not dtypes.bfloat16)
        raise TypeError(
            f"can't convert np.ndarray of type {array.dtype.type.__module__}."
            f"{array.dtype.type.__name__}. The only supported types are: {names}."
        )
    if any(s < 0 for s in array.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative "
            "strides are not currently supported. (You can probably work around this by making a "
            "copy of your array  with array.copy().) "
        )
    if any(s % array.itemsize for s in array.strides):
        raise ValueError(
            "given numpy array strides not a multiple of the element byte size. Copy the numpy "
            "array to reallocate the memory."
        )


def frombuffer(
    buffer: Any,
    *,
    dtype: dtype,
    count: int = -1,
    offset: int = 0,
    requires_grad: bool = False,
) -> Tensor:
    """A 1-dim tensor over the memory of an object with the buffer protocol.

    Args:
        buffer: a bytearray, a memoryview, an array, …
        dtype: the type to read it as.
        count: how many elements; -1 for all.
        offset: how many bytes to skip at the start.

    Raises:
        ValueError: when the buffer is empty, or too short, or of no whole number of elements.
    """
    try:
        view = memoryview(buffer)
    except TypeError:
        raise ValueError(f"{type(buffer).__name__} has no Python buffer protocol") from None
    length, size = view.nbytes, dtype.itemsize
    if length == 0 or count == 0:
        raise ValueError(f"both buffer length ({length}) and count ({count}) must not be 0")
    if not 0 <= offset < length:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length "
            f"({length} bytes) minus 1"
        )
    if count < 0:
        if (length - offset) % size:
            raise ValueError(
                f"buffer length ({length - offset} bytes) after offset ({offset} bytes) must be a "
                f"multiple of element size ({size})"
            )
        count = (length - offset) // size
    elif count * size > length - offset:
        raise ValueError(
            f"requested buffer length ({count} * {size} bytes) after offset ({offset} bytes) must "
            f"not be greater than actual buffer length ({length} bytes)"
        )
    if view.readonly:
        warn_once("The given buffer is not writable, and its tensor is: copy the buffer first")
    array = np.frombuffer(buffer, np.uint8, count * size, offset).view(dtype.numpy)
    result = wrap(array, dtype, backend_of(CPU).key)
    return result if requires_grad is False else result.requires_grad_(requires_grad)


def _on_device(array: np.ndarray, device: DeviceLike | None, owned: bool) -> Tensor:
    # A tensor with the contents of a NumPy array; on the host an owned array is taken over.
    place = get_default_device() if device is None else Device(device)
    backend = backend_of(place)
    kind = dtypes.OF_NUMPY[array.dtype]
    if not (owned and place == CPU):
        array = backend.from_numpy(array, place)
    return wrap(array, kind, backend.key)


def _of_cuda_array(data: Any) -> Tensor:
    # A tensor on the memory that ``__cuda_array_interface__`` describes.
    backend = backend_of(Device("cuda"))
    array = backend.as_array(data)
    return wrap(array, dtypes.OF_NUMPY[array.dtype], backend.key)


def _array_from(data: Any, wanted: dtype | None) -> np.ndarray:
    # A NumPy array of ``data``; a new one, or ``data`` itself.
    #
    # What is in CUDA's memory is given back as it is.
    kind = data.__class__
    if kind in _NUMBERS:
        return _from_number(data, wanted)
    if isinstance(data, np.ndarray):
        _check_array(data)
        return data if wanted is None else data.astype(wanted.numpy, copy=False)
    if isinstance(data, np.generic):
        return _array_from(np.array(data), wanted)
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    if isinstance(data, (set, frozenset, dict)) or not _is_sequence(data):
        if isinstance(data, (bool, int, float, complex)):
            return _from_number(data, wanted)
        if hasattr(data, "__array__"):
            return _array_from(np.asarray(data), wanted)
        raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")
    if kind is not list and hasattr(data, "__cuda_array_interface__"):
        return data
    return _from_sequence(data, wanted)


def _is_sequence(data: Any) -> bool:
    return hasattr(data, "__len__") and hasattr(data, "__getitem__")


def _from_number(number: Any, wanted: dtype | None) -> np.ndarray:
    kind = dtypes.of_number(number) if wanted is None else wanted
    if wanted is not None and isinstance(number, complex) and kind.category < dtypes.COMPLEX:
        raise TypeError("must be real number, not complex")
    if kind.category <= dtypes.INTEGER:
        if isinstance(number, int) and kind is not dtypes.uint64 and not -(2**63) <= number < 2**63:
            raise ValueError(f"Overflow when unpacking long long: {number}")
        number = number_of_type(number, kind)
    return _as_array(number, kind.numpy)


def _from_sequence(data: Any, wanted: dtype | None) -> np.ndarray:
    shape: list[int] = []
    kinds: set[Any] = set()
    _survey(data, 0, shape, kinds)
    if kinds <= _NUMBERS:
        found = _type_of_numbers(kinds)
        rows = data
    else:
        leaves: list[Any] = []
        _leaves(data, len(shape), leaves)
        found = _common([_leaf_dtype(leaf) for leaf in leaves])
        rows = np.empty(len(leaves), object)
        rows[:] = [leaf.item() if hasattr(leaf, "item") else leaf for leaf in leaves]
    kind = found if wanted is None else wanted
    if found.category == dtypes.COMPLEX and kind.category < dtypes.COMPLEX:
        raise TypeError("must be real number, not complex")
    if kind.category == dtypes.INTEGER and found.category <= dtypes.INTEGER:
        array = _whole_numbers(rows, kind)
    elif kind.category == dtypes.INTEGER:
        array = np.array(rows, np.float64)
        _check_in_range(array, kind)
        array = array.astype(kind.numpy)
    else:
        array = _as_array(rows, kind.numpy)
    return array if array.ndim == len(shape) else array.reshape(shape)


@quiet
def _as_array(rows: Any, dtype: np.dtype) -> np.ndarray:
    # The numbers as an array; those that are too large become infinite without a warning.
    try:
        return np.array(rows, dtype)
    except TypeError:
        # bfloat16 takes no integers of more than 63 bits.
        return np.array(rows, np.float64).astype(dtype)


def _type_of_numbers(kinds: set[type]) -> dtype:
    # The promoted type of Python numbers of these types.
    if complex in kinds:
        return dtypes.defaults.complex
    if float in kinds or not kinds:
        return dtypes.defaults.floating
    return dtypes.int64 if int in kinds else dtypes.bool_


def _survey(data: Any, dim: int, shape: list[int], kinds: set[Any]) -> None:
    # Finds the shape of nested sequences and the types of their leaves.
    length = len(data)
    if dim == len(shape):
        shape.append(length)
    elif shape[dim] != length:
        raise ValueError(f"expected sequence of length {shape[dim]} at dim {dim} (got {length})")
    here = set(map(type, data))
    nested = [] if here <= _NUMBERS else [kind for kind in here if _is_nested(kind)]
    if not nested:
        leaf_dim = dim + 1
        if length and leaf_dim < len(shape):
            raise TypeError(f"not a sequence: {next(iter(here)).__name__} at dim {leaf_dim}")
        if not here <= _NUMBERS:
            for each in data:
                if isinstance(each, str):
                    if each is data[0]:
                        raise ValueError("too many dimensions 'str'")
                    raise TypeError("new(): invalid data type 'str'")
                if isinstance(each, Tensor) and each.numel() == 1:
                    continue
                if isinstance(each, (Tensor, np.ndarray)) and each.ndim:
                    break
            else:
                kinds |= here
                return
            for each in data:
                _survey_array(each, dim + 1, shape)
        kinds |= here
        return
    if len(nested) < len(here):
        wrong = next(kind for kind in here if kind not in nested)
        if wrong is np.ndarray:
            kinds.add(wrong)
        elif _is_nested(type(data[0])):
            raise TypeError(f"not a sequence: {wrong.__name__} beside a sequence at dim {dim}")
        else:
            raise TypeError(f"'{nested[0].__name__}' object cannot be interpreted as an integer")
    for each in data:
        if isinstance(each, np.ndarray):
            _survey_array(each, dim + 1, shape)
        else:
            _survey(each, dim + 1, shape, kinds)


def _is_nested(kind: type) -> bool:
    return kind is list or (
        kind not in _NUMBERS
        and not issubclass(kind, (Tensor, np.ndarray, np.generic, str))
        and hasattr(kind, "__len__")
        and hasattr(kind, "__getitem__")
    )


def _survey_array(each: Any, dim: int, shape: list[int]) -> None:
    # The part that a NumPy array inside a list has in the shape.
    if isinstance(each, Tensor) or not isinstance(each, np.ndarray):
        raise ValueError("only one element tensors can be converted to Python scalars")
    if len(shape) == dim:
        shape.extend(each.shape)
    elif tuple(shape[dim:]) != each.shape:
        raise ValueError(
            f"expected sequence of length {shape[dim]} at dim {dim} (got {each.shape[0]})"
        )


def _leaves(data: Any, ndim: int, found: list[Any]) -> None:
    if isinstance(data, np.ndarray):
        found.extend(data.reshape(-1))
    elif ndim == 0:
        found.append(data)
    else:
        for each in data:
            _leaves(each, ndim - 1, found)


def _leaf_dtype(leaf: Any) -> dtype:
    if isinstance(leaf, Tensor):
        return leaf._dtype
    if isinstance(leaf, np.generic):
        return dtypes.of_numpy(leaf.dtype)
    try:
        return dtypes.of_number(leaf)
    except TypeError:
        raise RuntimeError(f"Could not infer dtype of {type(leaf).__name__}") from None


def _common(kinds: list[dtype]) -> dtype:
    if not kinds:
        return dtypes.defaults.floating
    found = kinds[0]
    for kind in kinds[1:]:
        found = promote_types(found, kind)
    return found


def _whole_numbers(rows: Any, kind: dtype) -> np.ndarray:
    # Integers of type ``kind``; below zero an unsigned type wraps around.
    if kind is dtypes.uint64:
        return np.array(rows, np.uint64)
    try:
        array = np.array(rows, np.int64)
    except OverflowError:
        raise ValueError("Overflow when unpacking long long") from None
    if kind is not dtypes.int64:
        _check_in_range(array, kind)
        array = array.astype(kind.numpy)
    return array


def _check_in_range(array: np.ndarray, kind: dtype) -> None:
    info = np.iinfo(kind.numpy)
    low = info.min if kind.is_signed else -info.max
    fits = (array >= low) & (array <= info.max)
    if not fits.all():
        worst = array[~fits].flat[0]
        raise RuntimeError(
            f"value cannot be converted to type {kind.name} without overflow: {worst}"
        )


def _new_tensor(
    self: Tensor,
    data: Any,
    *,
    dtype: dtype | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    # A copy of ``data`` as a tensor of this one's type and device, unless others are given.
    kind = self._dtype if dtype is None else dtype
    place = self.device if device is None else device
    return tensor(
        data, dtype=kind, device=place, requires_grad=requires_grad, pin_memory=pin_memory
    )


_new_tensor.__name__ = "new_tensor"
composite(_new_tensor)
