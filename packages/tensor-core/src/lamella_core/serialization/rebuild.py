"""How tensors, and the small objects around them, are put together again from a file."""

from __future__ import annotations

import warnings
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core import formats
from lamella_core.device import Device
from lamella_core.dispatch import backend_of_tensor, mark_order
from lamella_core.dtype import dtype
from lamella_core.generator import Generator
from lamella_core.serialization.keys import check_key, check_keys
from lamella_core.serialization.names import register_type
from lamella_core.serialization.storages import TypedStorage
from lamella_core.size import Size
from lamella_core.storage import Storage
from lamella_core.tensor import Tensor, alias, wrap

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_DIMS = 64


def strided_tensor(
    storage: Storage, element_type: dtype, offset: Any, size: Any, stride: Any
) -> Tensor:
    # A tensor over a storage that was read.
    #
    # Args:
    #     storage: the memory block, shared by all tensors that are built over it.
    #     element_type: the dtype of the elements.
    #     offset: the first element, counted in elements.
    #     size: the shape.
    #     stride: the steps in elements, one for each dimension.
    #
    # Raises:
    #     RuntimeError: when a number is not what it should be, or an element lies outside the
    #         storage.
    numbers = (offset, *size, *stride)
    if len(size) != len(stride) or len(size) > _MAX_DIMS or not _all_counts(numbers):
        raise RuntimeError(
            "the file describes a tensor by sizes, strides and a storage offset that are not "
            f"equally many ({len(size)} and {len(stride)}, at most {_MAX_DIMS}) non-negative "
            "integers"
        )
    last = offset
    for extent, step in zip(size, stride, strict=True):
        last += (extent - 1) * step
    room = storage.nbytes() // element_type.itemsize
    if 0 not in size and last >= room:
        raise RuntimeError(
            f"the file describes a tensor of sizes {list(size)}, strides {list(stride)} and "
            f"storage offset {offset}, which needs a storage of {last + 1} elements of "
            f"{element_type!r}; the storage has {room}"
        )
    if 0 in size:
        # No element is read, so any start will do; the file's may lie beyond the memory.
        offset = 0
    backend = backend_of_tensor(storage)
    try:
        array = backend.as_strided(
            storage.root, element_type.numpy, tuple(size), tuple(stride), offset
        )
    except (ValueError, OverflowError) as error:
        raise RuntimeError(
            f"the file describes a tensor of sizes {list(size)} and strides {list(stride)}, "
            f"which no array can have: {error}"
        ) from None
    tensor = mark_order(wrap(array, element_type, backend.key))
    tensor._storage = storage
    return tensor


def _all_counts(numbers: tuple[Any, ...]) -> bool:
    return all(type(n) is int and 0 <= n < 2**63 for n in numbers)


def rebuild_tensor(storage: Any, storage_offset: int, size: Any, stride: Any) -> Tensor:
    # A tensor over a typed storage (files of PyTorch 0.3 and older).
    if not isinstance(storage, TypedStorage):
        raise RuntimeError(
            f"the file builds a tensor over {type(storage).__name__}; expected a typed storage"
        )
    return strided_tensor(storage.untyped(), storage.dtype, storage_offset, size, stride)


def rebuild_tensor_v2(
    storage: Any,
    storage_offset: int,
    size: Any,
    stride: Any,
    requires_grad: Any,
    backward_hooks: Any,
    metadata: Any = None,
) -> Tensor:
    # A tensor over a typed storage, with what autograd knows of it.
    tensor = rebuild_tensor(storage, storage_offset, size, stride)
    if metadata and not storage.filled:
        raise RuntimeError(
            "the legacy file holds a tensor that was lazily conjugated or negated; save it after "
            "resolve_conj() or resolve_neg(), or in the zip format"
        )
    return _finished(tensor, requires_grad, backward_hooks, metadata)


def rebuild_tensor_v3(
    storage: Any,
    storage_offset: int,
    size: Any,
    stride: Any,
    requires_grad: Any,
    backward_hooks: Any,
    element_type: Any,
    metadata: Any = None,
) -> Tensor:
    # A tensor over an untyped storage, with its type beside it.
    if not isinstance(storage, Storage) or not isinstance(element_type, dtype):
        raise RuntimeError(
            f"the file builds a tensor over {type(storage).__name__} with element type "
            f"{type(element_type).__name__}; expected an untyped storage and a dtype"
        )
    tensor = strided_tensor(storage, element_type, storage_offset, size, stride)
    return _finished(tensor, requires_grad, backward_hooks, metadata)


def _finished(tensor: Tensor, requires_grad: Any, backward_hooks: Any, metadata: Any) -> Tensor:
    if metadata:
        # PyTorch marks a lazily conjugated or negated tensor; here the elements are computed.
        if metadata.get("conj"):
            tensor = tensor.conj().resolve_conj()
        if metadata.get("neg"):
            tensor = tensor.neg()
    if requires_grad:
        tensor.requires_grad_(True)
    _warn_of_hooks(backward_hooks)
    return tensor


def _warn_of_hooks(backward_hooks: Any) -> None:
    if backward_hooks:
        warnings.warn(
            "the file holds a tensor with backward hooks; hooks are not restored: register them "
            "again with register_hook",
            stacklevel=2,
        )


def rebuild_parameter(data: Tensor, requires_grad: Any, backward_hooks: Any) -> Tensor:
    # A parameter without a module library: a tensor of its own that may require grad.
    #
    # ``lamella_nn`` registers its own function, which makes an ``nn.Parameter``.
    tensor = alias(_tensor(data))
    if requires_grad:
        tensor.requires_grad_(True)
    _warn_of_hooks(backward_hooks)
    return tensor


def rebuild_parameter_with_state(
    data: Tensor, requires_grad: Any, backward_hooks: Any, state: Any
) -> Tensor:
    # As :func:`rebuild_parameter`, with the attributes that were set on it.
    tensor = rebuild_parameter(data, requires_grad, backward_hooks)
    set_attributes(tensor, state)
    return tensor


def rebuild_from_type(
    function: Callable[..., Tensor], cls: Any, arguments: Any, state: Any
) -> Tensor:
    # A tensor of a subclass, or one that has attributes of its own.
    tensor = _tensor(function(*arguments))
    if not isinstance(cls, type) or not issubclass(cls, Tensor):
        raise RuntimeError(f"the file makes a tensor of a class that is none: {cls!r}")
    if type(tensor) is not cls:
        requires_grad = tensor.requires_grad
        tensor = alias(tensor, cls)
        if requires_grad:
            tensor.requires_grad_(True)
    set_attributes(tensor, state)
    return tensor


def _tensor(value: Any) -> Tensor:
    if not isinstance(value, Tensor):
        raise RuntimeError(f"the file uses {type(value).__name__} where a tensor is expected")
    return value


def set_attributes(target: Any, state: Any) -> None:
    # Sets the attributes that a file keeps for an object, none of which its class may define.
    #
    # Raises:
    #     RuntimeError: when ``state`` is no dict of names, or a name is one of the class's own.
    if isinstance(state, tuple) and len(state) == 2 and not state[1]:
        state = state[0]
    if not state:
        return
    if not isinstance(state, dict):
        raise RuntimeError(
            f"the file sets attributes from {type(state).__name__}; expected a dict of names"
        )
    cls = type(target)
    for name in state:
        if not isinstance(name, str) or hasattr(cls, name):
            shown = name if isinstance(name, str) else type(name).__name__
            raise RuntimeError(
                f"the file sets {shown} on {cls.__name__}, which may not be replaced"
            )
    target.__dict__.update(state)


def make_size(dims: Any = ()) -> Size:
    # A shape from a sequence of integers.
    if not isinstance(dims, (tuple, list)) or not _all_counts(tuple(dims)):
        raise RuntimeError("the file makes a torch.Size of something that is no list of sizes")
    return Size(dims)


def layout_by_name(name: Any) -> formats.layout:
    # The layout of that name, ``"torch.strided"``.
    for each in (formats.strided, formats.sparse_coo):
        if name == f"torch.{each.name}":
            return each
    raise RuntimeError(f"the file names the layout {name!r}; strided and sparse_coo are here")


def make_generator(device: Any = "cpu") -> Generator:
    # A generator, whose state a file sets next.
    return Generator(Device(device))


def set_generator_state(generator: Generator, state: Any) -> None:
    # Continues from the seed, offset and state tensor that a file keeps.
    if not isinstance(state, tuple) or len(state) != 3:
        raise RuntimeError("the file sets a generator's state from something that is no state")
    generator.set_state(_tensor(state[2]))


def make_set(items: Any = ()) -> set[Any]:
    # A set of the items of a list.
    return set(check_keys(items))


def make_ordered_dict(pairs: Any = ()) -> OrderedDict[Any, Any]:
    # An ordered dict of a list of pairs.
    result: OrderedDict[Any, Any] = OrderedDict()
    for key, value in pairs:
        check_key(key)
        result[key] = value
    return result


def make_counter(counts: Any = ()) -> Counter[Any]:
    # A counter of a dict of counts.
    if not isinstance(counts, dict):
        check_keys(counts)
    return Counter(counts)


def make_complex(real: Any = 0.0, imag: Any = 0.0) -> complex:
    # A complex number of two real ones.
    if type(real) not in (int, float) or type(imag) not in (int, float):
        raise RuntimeError("the file makes a complex number of something that is no number")
    return complex(real, imag)


def encode_latin(text: Any, encoding: Any = "latin1") -> bytes:
    # Bytes that were written as text, a character a byte.
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise RuntimeError("the file encodes text otherwise than with latin1")
    return text.encode("latin1")


def make_bytes() -> bytes:
    # No bytes at all: a pickle of protocol 2 makes them by a call without arguments.
    return b""


def make_bytearray(contents: Any = b"", encoding: Any = "latin1") -> bytearray:
    # A bytearray of bytes, or of text with a character a byte; never of a length.
    if isinstance(contents, str):
        contents = encode_latin(contents, encoding)
    if not isinstance(contents, bytes):
        raise RuntimeError(f"the file makes a bytearray of {type(contents).__name__}, not of bytes")
    return bytearray(contents)


register_type("torch._utils", "_rebuild_tensor_v2", rebuild_tensor_v2)
register_type("torch._utils", "_rebuild_tensor_v3", rebuild_tensor_v3)
register_type("torch._utils", "_rebuild_tensor", rebuild_tensor)
register_type("torch._utils", "_rebuild_parameter", rebuild_parameter)
register_type("torch._utils", "_rebuild_parameter_with_state", rebuild_parameter_with_state)
register_type("torch._tensor", "_rebuild_from_type_v2", rebuild_from_type)
register_type("torch.serialization", "_get_layout", layout_by_name)
register_type("torch", "Tensor", Tensor)
register_type("torch", "Size", make_size)
register_type("torch", "device", Device)
register_type("torch._C", "Generator", make_generator)
register_type("torch", "Generator", make_generator)
for _dtype in dtypes.ALL:
    register_type("torch", _dtype.name, _dtype)

GUARDED = {
    ("collections", "OrderedDict"): make_ordered_dict,
    ("collections", "Counter"): make_counter,
    ("builtins", "set"): make_set,
    ("builtins", "complex"): make_complex,
    ("builtins", "bytearray"): make_bytearray,
    ("builtins", "bytes"): make_bytes,
    ("_codecs", "encode"): encode_latin,
}
"""Python's own globals that a file of weights may call, each held to what a pickle needs of it."""
