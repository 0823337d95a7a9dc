"""DLPack: tensors handed to and taken from other array libraries without a copy.

The format is described at https://dmlc.github.io/dlpack/latest/. NumPy and CuPy make and read the
capsules; bfloat16, which they cannot name, travels as uint16 with the type's code exchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core import dtype as dtypes
from lamella_core.device import Device
from lamella_core.dispatch import REQUIRES_GRAD, backend_of
from lamella_core.ops.creation_data import from_numpy
from lamella_core.tensor import Tensor, wrap

if TYPE_CHECKING:
    from lamella_core.typing import DeviceLike

__all__ = ["from_dlpack", "to_dlpack"]

_CPU, _CUDA = 1, 2
_UINT, _BFLOAT = 1, 4
_VERSION = (1, 0)

# Where the fields of the C structs lie on a 64-bit machine. A versioned capsule begins with the
# version, the producer's context, the deleter and the flags; then, and at once in the other kind,
# come data, device type and number, ndim, and the element type as code, bits and lanes.
_START = {b"dltensor": 0, b"dltensor_versioned": 32}
_DEVICE_TYPE, _DEVICE_ID, _TYPE_CODE, _TYPE_BITS = 8, 12, 20, 21


def _tensor_in(capsule: Any) -> int:
    # The address of the tensor's description in a capsule that nobody has consumed.
    import ctypes

    api = ctypes.pythonapi
    is_valid = api.PyCapsule_IsValid
    is_valid.argtypes = [ctypes.py_object, ctypes.c_char_p]
    pointer = api.PyCapsule_GetPointer
    pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    pointer.restype = ctypes.c_void_p
    for name, start in _START.items():
        if is_valid(capsule, name):
            return pointer(capsule, name) + start
    raise RuntimeError(
        "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only "
        f"once, so you might have already constructed a tensor from it once. (got a "
        f"{type(capsule).__name__})"
    )


def _is_bfloat16(address: int) -> bool:
    import ctypes

    kind = ctypes.string_at(address + _TYPE_CODE, 2)
    return kind == bytes((_BFLOAT, 16))


def _set_code(address: int, code: int) -> None:
    import ctypes

    ctypes.c_uint8.from_address(address + _TYPE_CODE).value = code


class _Producer:
    # What NumPy and CuPy read from: a capsule that was made already, and its device.
    __slots__ = ("_capsule", "_device")

    def __init__(self, capsule: Any, device: tuple[int, int]) -> None:
        self._capsule = capsule
        self._device = device

    def __dlpack__(self, **options: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._device


class _Writable:
    # The memory of an array that says it is read-only where its producer said nothing.
    __slots__ = ("__array_interface__", "_array")

    def __init__(self, array: np.ndarray) -> None:
        self._array = array
        interface = dict(array.__array_interface__)
        interface["data"] = (interface["data"][0], False)
        self.__array_interface__ = interface


def to_dlpack(tensor: Tensor) -> Any:
    """A DLPack capsule over the memory of a tensor; it is to be consumed once.

    Raises:
        BufferError: when the tensor requires grad.
    """
    return tensor.__dlpack__()


def from_dlpack(
    ext_tensor: Any, *, device: DeviceLike | None = None, copy: bool | None = None
) -> Tensor:
    """A tensor over the memory of another library's array.

    Args:
        ext_tensor: an object with ``__dlpack__`` and ``__dlpack_device__``, or a capsule.
        device: the device of the result; where the memory is when None.
        copy: True always copies, False never, None where the device asks for it.

    Raises:
        RuntimeError: for something that is neither, or a capsule that was consumed.
        BufferError: when the producer cannot share its memory.
        ValueError: when ``copy`` is False and the device is another.
    """
    if hasattr(ext_tensor, "__dlpack__"):
        place = ext_tensor.__dlpack_device__()
        if int(place[0]) == _CUDA:
            tensor = _from_cuda(ext_tensor)
        else:
            try:
                capsule = ext_tensor.__dlpack__(max_version=_VERSION)
            except TypeError:
                # The producer is older than version 1 of the standard.
                capsule = ext_tensor.__dlpack__()
            tensor = _from_capsule(capsule)
    else:
        tensor = _from_capsule(ext_tensor)
    target = tensor.device if device is None else Device(device)
    if copy is False and target.type != tensor.device.type:
        raise ValueError(
            f"from_dlpack: the memory is on {tensor.device}, so device {target} needs a copy, "
            "which copy=False forbids"
        )
    return tensor.to(device=target, copy=bool(copy))


def _from_capsule(capsule: Any) -> Tensor:
    import ctypes

    address = _tensor_in(capsule)
    kind = ctypes.c_int32.from_address(address + _DEVICE_TYPE).value
    index = ctypes.c_int32.from_address(address + _DEVICE_ID).value
    producer = _Producer(capsule, (kind, index))
    if kind == _CUDA:
        return _from_cuda(producer)
    bfloat16 = _is_bfloat16(address)
    if bfloat16:
        _set_code(address, _UINT)
    versioned = _is_versioned(capsule)
    array = np.from_dlpack(producer)  # type: ignore[arg-type]
    if not versioned and not array.flags.writeable:
        array = np.asarray(_Writable(array))
    return from_numpy(array.view(dtypes.bfloat16.numpy) if bfloat16 else array)


def _is_versioned(capsule: Any) -> bool:
    import ctypes

    is_valid = ctypes.pythonapi.PyCapsule_IsValid
    is_valid.argtypes = [ctypes.py_object, ctypes.c_char_p]
    return bool(is_valid(capsule, b"dltensor_versioned"))


def _from_cuda(producer: Any) -> Tensor:
    backend = backend_of(Device("cuda"))
    array = backend.xp.from_dlpack(producer)
    return wrap(array, dtypes.of_numpy(array.dtype), backend.key)


def _dlpack(
    self: Tensor,
    *,
    stream: Any = -1,
    max_version: tuple[int, int] | None = None,
    dl_device: tuple[int, int] | None = None,
    copy: bool | None = None,
) -> Any:
    # A DLPack capsule over the tensor's memory.
    #
    # Args:
    # stream: the consumer's CUDA stream, which then waits for the tensor; None on the CPU.
    # max_version: the newest version that the consumer reads; without one the capsule is of
    # the form before version 1.
    # dl_device: the device type and number wanted, which must be the tensor's.
    # copy: whether the capsule holds a copy; None and False share.
    if self._key & REQUIRES_GRAD:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    own = self.__dlpack_device__()
    if dl_device is not None and (int(dl_device[0]), int(dl_device[1])) != own:
        raise BufferError(
            f"can't export a tensor on {self.device} as one on DLPack device {tuple(dl_device)}; "
            "move it with .to() first"
        )
    array = self.clone()._array if copy else self._array
    if own[0] != _CPU:
        return array.__dlpack__(stream=None if stream == -1 else stream, max_version=max_version)
    if stream is not None and stream != -1:
        raise AssertionError("stream should be None on cpu.")
    if self._dtype is not dtypes.bfloat16:
        return array.__dlpack__(max_version=max_version)
    capsule = array.view(np.uint16).__dlpack__(max_version=max_version)
    _set_code(_tensor_in(capsule), _BFLOAT)
    return capsule


def _dlpack_device(self: Tensor) -> tuple[int, int]:
    # The DLPack device type (1 the CPU, 2 CUDA) and number.
    device = self.device
    if device.type == "cpu":
        return _CPU, 0
    if device.type == "cuda":
        return _CUDA, device.index or 0
    raise BufferError(f"DLPack has no device type for {device}")


def _cuda_array_interface(self: Tensor) -> dict[str, Any]:
    # The description by which CUDA libraries share the memory; on a CUDA device only.
    if not self.is_cuda:
        raise AttributeError(
            f"Can't get __cuda_array_interface__ on non-CUDA tensor type: {self.type()} If CUDA "
            "data is required use tensor.cuda() to copy tensor to device memory."
        )
    if self._key & REQUIRES_GRAD:
        raise RuntimeError(
            "Can't get __cuda_array_interface__ on Variable that requires grad. If gradients "
            "aren't required, use var.detach() to get Variable that doesn't require grad."
        )
    return self._array.__cuda_array_interface__


def _attach() -> None:
    Tensor.__dlpack__ = _dlpack
    Tensor.__dlpack_device__ = _dlpack_device
    Tensor.__cuda_array_interface__ = property(_cuda_array_interface)


_attach()
