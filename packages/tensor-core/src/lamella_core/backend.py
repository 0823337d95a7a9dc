"""What a device must offer, and how devices are found.

A backend is one Python object that a package offers in the entry-point group
``lamella.backends``. The NumPy backend, device type ``cpu``, is always there. Entry points are
read when a device type is first named that is not known yet; a plugin that improves on the CPU
(not a device of its own) is named with ``lamella_core.load_backends()``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from lamella_core.device import Device

ENTRY_POINT_GROUP = "lamella.backends"


class MissingDeviceError(AssertionError, RuntimeError):
    """A device type that no backend serves; PyTorch raises AssertionError for CUDA."""


# Device types whose package is there and cannot serve them now, with the reason.
unavailable: dict[str, str] = {
    "meta": "there are no tensors without data (device 'meta'); torch.empty on the CPU takes its "
    "memory when it is written to"
}


class OutOfMemoryError(RuntimeError):
    """A device has no room for an array."""


class Backend(ABC):
    """Base class of backends: a device type, its arrays and its kernels.

    A subclass sets the attributes and overrides the methods below. Strides here are in elements.

    Attributes:
        device_type: ``"cpu"``, ``"cuda"``, the name used in ``device("...")``.
        array_type: the class of the backend's arrays. An array has ``shape``, ``ndim``, ``size``
            and ``dtype`` (a NumPy dtype).
        xp: the array namespace that shared kernels are written over: NumPy's names for what the
            backend can do. None when the backend brings a kernel of its own for every op.
        half_products: whether ``matmul`` and ``dot`` of xp sum products of float16 and bfloat16 in
            float32; where not, such arrays are made float32 before.
        sole_device: the device of all arrays, for a type without indices; else None.
        large: from how many elements on arrays are cut up.
        key: the backend's bit in a tensor's key; set when the backend is registered.
    """

    device_type: str
    array_type: type[Any]
    xp: Any = None
    half_products: bool = False
    sole_device: Device | None = None
    large: float = float("inf")
    casts: Any = ()
    converted: Any = None
    reduce_converted: Any = None
    key: int = 0

    def __init__(self) -> None:
        self.kernels: dict[str, Callable[..., Any]] = {}
        self.overrides: dict[str, Callable[..., Any]] = {}

    def device_count(self) -> int:
        """How many devices of this type there are."""
        return 1

    def current_device(self) -> int | None:
        """The index that ``device(type)`` means now; None for a type without indices."""
        return 0

    def device_index(self, array: Any) -> int | None:
        """The index of the device that holds ``array``; None for a type without indices."""
        return 0

    def using(self, index: int | None) -> AbstractContextManager[Any]:
        """A context in which this thread's work is for the device of an index."""
        return nullcontext()

    def synchronize(self, index: int | None = None) -> None:  # noqa: B027  (often nothing to do)
        """Waits until all work on the device is done."""

    def guard(self, kernel: Callable[..., Any]) -> Callable[..., Any]:
        """What stands around a kernel; where there are several devices, it chooses the one."""
        return kernel

    def by_blocks(
        self, kernel: Callable[..., Any], takes_out: bool, count: int
    ) -> Callable[..., Any]:
        """A pointwise kernel that makes no temporary arrays of the operands' size, if it can.

        ``takes_out`` says whether the kernel takes ``out=``; what comes back may do so in any case.
        ``count`` is how many arguments it takes.
        """
        return kernel

    def move(self, array: Any, device: Device) -> Any:
        """A copy of an array on another device of this type."""
        return self.from_numpy(self.to_numpy(array), device)

    def upload(self, array: np.ndarray, device: Device) -> Any:
        """As :meth:`from_numpy`; may return before page-locked memory is read."""
        return self.from_numpy(array, device)

    def download(self, array: Any) -> np.ndarray:
        """As :meth:`to_numpy`; may return before the memory is filled."""
        return self.to_numpy(array)

    @abstractmethod
    def from_numpy(self, array: np.ndarray, device: Device) -> Any:
        """A new array on ``device`` with the contents of a NumPy array."""

    @abstractmethod
    def to_numpy(self, array: Any) -> np.ndarray:
        """A NumPy array with the contents of ``array``; may share memory on the host."""

    @abstractmethod
    def as_array(self, value: Any) -> Any:
        """Turns what a kernel of this backend returned (a scalar, say) into an array."""

    @abstractmethod
    def empty(self, shape: tuple[int, ...], dtype: np.dtype, device: Device) -> Any:
        """A new array whose contents are not set."""

    @abstractmethod
    def root(self, array: Any) -> Any:
        """The flat array over the whole memory block that ``array`` is a view of."""

    @abstractmethod
    def strides(self, array: Any) -> tuple[int, ...]:
        """Strides of ``array`` in elements."""

    @abstractmethod
    def data_ptr(self, array: Any) -> int:
        """Address of the first element."""

    @abstractmethod
    def as_strided(
        self,
        root: Any,
        dtype: np.dtype,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        offset: int,
    ) -> Any:
        """A view of the memory block ``root``; strides and offset in elements of ``dtype``."""

    @abstractmethod
    def copy_into(self, target: Any, source: Any) -> None:
        """Copies with broadcasting and conversion: ``target[...] = source``."""

    def all_true(self, array: Any) -> bool:
        """Whether all elements of a bool array are true."""
        return bool(array.all())

    def page_locked(self, nbytes: int) -> np.ndarray:
        """New page-locked memory of the host, uint8 (nbytes,), which this device copies fast.

        Raises:
            RuntimeError: when the device has no use for it.
        """
        raise RuntimeError(f"page-locked memory is not there for device type {self.device_type!r}")
