"""The safetensors format, by its own library: named dense tensors and nothing else.

The functions have the names and arguments of ``safetensors.torch``. The library is the extra
``lamella[safetensors]``.
"""

from __future__ import annotations

import os
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core import dtype as dtypes
from lamella_core.device import Device
from lamella_core.dispatch import backend_of, backend_of_tensor
from lamella_core.formats import strided
from lamella_core.serialization.atomic import replacing
from lamella_core.tensor import Tensor, wrap

if TYPE_CHECKING:
    from types import ModuleType

    from lamella_core.typing import DeviceLike

__all__ = ["load", "load_file", "save", "save_file"]

_DTYPES = {
    "BOOL": dtypes.bool_,
    "U8": dtypes.uint8,
    "I8": dtypes.int8,
    "I16": dtypes.int16,
    "I32": dtypes.int32,
    "I64": dtypes.int64,
    "F16": dtypes.float16,
    "BF16": dtypes.bfloat16,
    "F32": dtypes.float32,
    "F64": dtypes.float64,
    "C64": dtypes.complex64,
}


def save(tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """The bytes of a safetensors file.

    Args:
        tensors: contiguous tensors by name, no two of which share memory.
        metadata: text by name, kept beside them.

    Raises:
        ValueError: when ``tensors`` is no dict of tensors, or one is not contiguous.
        RuntimeError: when two share memory; the format cannot say so.
    """
    return _library("numpy").save(_arrays(tensors), metadata)


def save_file(
    tensors: dict[str, Tensor],
    filename: str | os.PathLike[str],
    metadata: dict[str, str] | None = None,
) -> None:
    """Writes a safetensors file, which takes the place of an older one when it is complete.

    Args:
        tensors: contiguous tensors by name, no two of which share memory.
        filename: where to.
        metadata: text by name, kept beside them.

    Raises:
        ValueError: when ``tensors`` is no dict of tensors, or one is not contiguous.
        RuntimeError: when two share memory, or the folder does not exist.
    """
    library = _library("numpy")
    arrays = _arrays(tensors)
    with replacing(os.fspath(filename)) as file:
        library.save_file(arrays, file.name, metadata)


def load(data: bytes) -> dict[str, Tensor]:
    """The tensors, by name, of the bytes of a safetensors file.

    Raises:
        safetensors.SafetensorError: when the bytes are no such file.
        TypeError: for an element type that there is no tensor of.
    """
    key = backend_of(Device("cpu")).key
    tensors = {}
    for name, found in _library().deserialize(data):
        element_type = _DTYPES.get(found["dtype"])
        if element_type is None:
            raise _unknown(name, found["dtype"])
        array = np.empty(0, element_type.numpy)
        if found["data"]:
            array = np.frombuffer(found["data"], element_type.numpy)
        tensors[name] = wrap(array.reshape(found["shape"]), element_type, key)
    return tensors


def load_file(filename: str | os.PathLike[str], device: DeviceLike = "cpu") -> dict[str, Tensor]:
    """The tensors, by name, of a safetensors file.

    Args:
        filename: where it is.
        device: where the tensors go.

    Raises:
        FileNotFoundError: when there is no such file.
        safetensors.SafetensorError: when it is no such file.
        TypeError: for an element type that there is no tensor of.
    """
    place = Device(device)
    backend = backend_of(place)
    tensors = {}
    with _library().safe_open(os.fspath(filename), framework="np") as file:
        for name in file.keys():
            element_type = _DTYPES.get(file.get_slice(name).get_dtype())
            if element_type is None:
                raise _unknown(name, file.get_slice(name).get_dtype())
            array: Any = file.get_tensor(name)
            if place.type != "cpu":
                array = backend.from_numpy(array, place)
            tensors[name] = wrap(array, element_type, backend.key)
    return tensors


def _library(part: str = "") -> ModuleType:
    try:
        import safetensors
        import safetensors.numpy
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "safetensors":
            raise
        raise ModuleNotFoundError(
            "safetensors files are read and written by the safetensors library, which is not "
            "installed; install lamella[safetensors]",
            name=error.name,
        ) from None
    return safetensors.numpy if part else safetensors


def _arrays(tensors: dict[str, Tensor]) -> dict[str, np.ndarray]:
    if not isinstance(tensors, dict):
        raise ValueError(f"Expected a dict of [str, torch.Tensor] but received {type(tensors)}")
    arrays: dict[str, np.ndarray] = {}
    taken: list[tuple[str, Device, int, int]] = []
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise ValueError(
                f"Key `{name}` is invalid, expected torch.Tensor but received {type(tensor)}"
            )
        if tensor.layout is not strided:
            raise ValueError(
                f"the tensor {name!r} has the layout {tensor.layout}, which the format cannot say; "
                "save tensor.to_dense()"
            )
        if not tensor.is_contiguous():
            raise ValueError(
                f"the tensor {name!r} of shape {tuple(tensor.shape)} and strides {tensor.stride()} "
                "is not contiguous, which the format cannot say; save tensor.contiguous()"
            )
        start = tensor.data_ptr()
        taken.append((name, tensor.device, start, start + tensor.nbytes))
        arrays[name] = backend_of_tensor(tensor).to_numpy(tensor._array)
    last: dict[Device, tuple[str, int]] = {}
    for name, device, start, end in sorted(taken, key=itemgetter(2)):
        other, reached = last.get(device, (name, 0))
        if start < reached and start < end:
            raise RuntimeError(
                f"the tensors {other!r} and {name!r} share memory, which the format cannot say; "
                "save one of them, or a clone of one"
            )
        if start < end:
            last[device] = name, end
    return arrays


def _unknown(name: str, found: str) -> TypeError:
    return TypeError(
        f"the tensor {name!r} has the element type {found}, which there is no dtype for; those "
        f"that are read: {', '.join(_DTYPES)}"
    )
