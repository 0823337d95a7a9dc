"""The CUDA backend: CuPy arrays, with which the kernels of this package are registered."""

from __future__ import annotations

import os
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.backend import Backend, OutOfMemoryError, unavailable
from lamella_core.device import Device
from lamella_core.dispatch import backends, register_backend
from lamella_core.formats import order_of
from lamella_cuda_kernels.namespace import FORKED, Namespace

if TYPE_CHECKING:
    from collections.abc import Callable


# In bytes.
_LARGE = 2**20
_INITIALIZATION_ERROR = 3  # cudaErrorInitializationError


def load() -> None:
    """What the entry point names: registers backend and kernels, where CuPy sees a device.

    CuPy is imported here, when a device type that is not known yet is first named.

    In a process that was forked from one that had CUDA in use the reason is left for those who ask
    for that device type.
    """
    if "cuda" in backends:
        return
    try:
        import cupy
    except ModuleNotFoundError as error:
        if error.name != "cupy":
            raise
        return
    try:
        if not cupy.cuda.runtime.getDeviceCount():
            return
    except cupy.cuda.runtime.CUDARuntimeError as error:
        if error.status == _INITIALIZATION_ERROR:
            unavailable["cuda"] = FORKED
        return
    from cupyx import errstate

    from lamella_cuda_kernels import (
        activation,
        attention,
        convolution,
        copying,
        division,
        dropout,
        fusion,
        gathering,
        host,
        loss,
        normalization,
        pointwise,
        pooling,
        products,
        random,
        recurrent,
        reduction,
        softmax,
        solving,
        sorting,
        special,
    )

    namespace = Namespace(
        cupy,
        errstate,
        dot=products.dot,
        matmul=products.matmul,
        floor_divide=division.floor_divide,
        remainder=division.remainder,
        fmod=division.fmod,
        run_bodies=fusion.run,
    )
    backend = CupyBackend(cupy, namespace)
    register_backend(backend)
    for family in (pointwise, random, solving, special, host):
        family.register(backend.xp)
    for family in (
        activation,
        attention,
        convolution,
        copying,
        dropout,
        gathering,
        loss,
        normalization,
        pooling,
        products,
        recurrent,
        reduction,
        softmax,
        sorting,
    ):
        family.register()
    _watch_memory(cupy, backend.peaks)
    os.register_at_fork(after_in_child=backend.xp.refuse_fork)


def _watch_memory(cupy: Any, peaks: dict[int, dict[str, int]]) -> None:
    """Keeps the most bytes that arrays held, and lets memory that runs out be PyTorch's error.

    CuPy's own memory hooks take several times as long as an allocation.
    """
    allocate = cupy.cuda.get_allocator()
    exhausted = cupy.cuda.memory.OutOfMemoryError
    used_bytes = cupy.get_default_memory_pool().used_bytes

    def counted(size: int) -> Any:
        try:
            memory = allocate(size)
        except exhausted as error:
            raise OutOfMemoryError(f"CUDA out of memory. {error}") from error
        now = used_bytes()
        peak = peaks.get(memory.device_id)
        if peak is None:
            peak = peaks[memory.device_id] = {"allocated": 0, "reserved": 0}
        if now > peak["allocated"]:
            peak["allocated"] = now
        return memory

    cupy.cuda.set_allocator(counted)


def _in_its_order(copy: Callable[[Any], Any], array: Any) -> Any:
    """``copy(array)`` with the dimensions in memory as those of the array, without gaps.

    CuPy's copies to and from the host are row-major, or column-major at best.
    """
    if array.flags.c_contiguous:
        return copy(array)
    order = order_of(array.shape, array.strides)
    return copy(array.transpose(order)).transpose(np.argsort(order).tolist())


class CupyBackend(Backend):
    """Device type ``cuda``."""

    device_type = "cuda"
    half_products = True

    def __init__(self, cupy: Any, namespace: Namespace) -> None:
        super().__init__()
        self.cupy = cupy
        self.xp = namespace
        self.array_type = cupy.ndarray
        # Device index to the most bytes that were allocated and reserved; lamella.cuda.memory.
        self.peaks: dict[int, dict[str, int]] = {}
        self._copy = self.guard(partial(cupy.copyto, casting="unsafe"))

    def device_count(self) -> int:
        return self.cupy.cuda.runtime.getDeviceCount()

    def current_device(self) -> int | None:
        return self.cupy.cuda.runtime.getDevice()

    def device_index(self, array: Any) -> int | None:
        return array.device.id

    def synchronize(self, index: int | None = None) -> None:
        device = self.cupy.cuda.Device(index)
        device.synchronize()

    def using(self, index: int | None) -> Any:
        return self.cupy.cuda.Device(index)

    def guard(self, kernel: Callable[..., Any]) -> Callable[..., Any]:
        if self.device_count() < 2:
            return kernel
        device = self.cupy.cuda.Device

        @wraps(kernel)
        def on_its_device(*args: Any, **kwargs: Any) -> Any:
            with device(self._place_of(args)):
                return kernel(*args, **kwargs)

        return on_its_device

    def _place_of(self, args: Any) -> int | None:
        """The index of the device that a kernel's first array is on, or its Device names."""
        for value in args:
            if isinstance(value, self.array_type):
                return value.device.id
            if isinstance(value, Device):
                return value.index
            if isinstance(value, (list, tuple)) and value:
                found = self._place_of(value)
                if found is not None:
                    return found
        return None

    def move(self, array: Any, device: Device) -> Any:
        with self.using(device.index):
            return self.cupy.array(array)

    def from_numpy(self, array: np.ndarray, device: Device) -> Any:
        with self.using(device.index):
            return _in_its_order(self._send, array)

    def _send(self, array: np.ndarray) -> Any:
        if array.nbytes < _LARGE or not array.flags.c_contiguous:
            return self.cupy.asarray(array, blocking=True)
        # asarray() would fill page-locked memory before.
        result = self.cupy.empty(array.shape, array.dtype)
        result.set(array)
        return result

    def upload(self, array: np.ndarray, device: Device) -> Any:
        with self.using(device.index):
            return _in_its_order(self.cupy.asarray, array)

    def download(self, array: Any) -> np.ndarray:
        return _in_its_order(self._fetch, array)

    def _fetch(self, array: Any) -> np.ndarray:
        host = self.page_locked(array.nbytes).view(array.dtype).reshape(array.shape)
        return self.cupy.asnumpy(array, out=host, blocking=False)

    def to_numpy(self, array: Any) -> np.ndarray:
        return _in_its_order(self.cupy.asnumpy, array)

    def as_array(self, value: Any) -> Any:
        return self.cupy.asarray(value)

    def empty(self, shape: tuple[int, ...], dtype: np.dtype, device: Device) -> Any:
        with self.using(device.index):
            return self.cupy.empty(shape, dtype)

    def root(self, array: Any) -> Any:
        while array.base is not None:
            array = array.base
        if array.ndim == 1 and array.flags.c_contiguous:
            return array
        return self.cupy.ndarray((array.size,), array.dtype, array.data)

    def strides(self, array: Any) -> tuple[int, ...]:
        itemsize = array.itemsize
        return tuple([s // itemsize for s in array.strides])

    def data_ptr(self, array: Any) -> int:
        return array.data.ptr if array.size else 0

    def as_strided(
        self,
        root: Any,
        dtype: np.dtype,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        offset: int,
    ) -> Any:
        itemsize = dtype.itemsize
        start = root.data + offset * itemsize
        return self.cupy.ndarray(shape, dtype, start, tuple([s * itemsize for s in strides]))

    def copy_into(self, target: Any, source: Any) -> None:
        self._copy(target, source)

    def page_locked(self, nbytes: int) -> np.ndarray:
        memory = self.cupy.cuda.alloc_pinned_memory(max(nbytes, 1))
        return np.frombuffer(memory, np.uint8, nbytes)
