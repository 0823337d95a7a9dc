"""The CPU backend: NumPy arrays. Always there, and complete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.backend import Backend
from lamella_core.backends.numpy_blocks import LARGE, by_blocks, casts, converted, reduce_converted
from lamella_core.device import CPU
from lamella_core.dispatch import register_backend

if TYPE_CHECKING:
    from lamella_core.device import Device


class NumpyBackend(Backend):
    """Device type ``cpu``."""

    device_type = "cpu"
    array_type = np.ndarray
    xp = np
    sole_device = CPU
    large = LARGE

    def current_device(self) -> int | None:
        return None

    def device_index(self, array: np.ndarray) -> int | None:
        return None

    def from_numpy(self, array: np.ndarray, device: Device) -> np.ndarray:
        return array.copy(order="K")

    def to_numpy(self, array: np.ndarray) -> np.ndarray:
        return array

    as_array: Any = staticmethod(np.asarray)

    def empty(self, shape: tuple[int, ...], dtype: np.dtype, device: Device) -> np.ndarray:
        return np.empty(shape, dtype)

    by_blocks: Any = staticmethod(by_blocks)
    casts: Any = casts
    converted: Any = staticmethod(converted)
    reduce_converted: Any = staticmethod(reduce_converted)

    def root(self, array: np.ndarray) -> np.ndarray:
        while isinstance(array.base, np.ndarray):
            array = array.base
        if array.ndim == 1 and array.flags.c_contiguous:
            return array
        if array.flags.forc:
            return array.reshape(-1, order="A")
        low, high = np.lib.array_utils.byte_bounds(array)
        size = (high - low) // array.itemsize if array.size else 0
        return np.lib.stride_tricks.as_strided(array, (size,), (array.itemsize,))

    def strides(self, array: np.ndarray) -> tuple[int, ...]:
        itemsize = array.itemsize
        return tuple([s // itemsize for s in array.strides])

    def data_ptr(self, array: np.ndarray) -> int:
        return array.__array_interface__["data"][0]

    def as_strided(
        self,
        root: np.ndarray,
        dtype: np.dtype,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        offset: int,
    ) -> np.ndarray:
        itemsize = dtype.itemsize
        steps = tuple([s * itemsize for s in strides])
        return np.ndarray(shape, dtype, root, offset * itemsize, steps)

    def all_true(self, array: np.ndarray) -> bool:
        # Faster than all() for few elements.
        return int(np.count_nonzero(array)) == array.size

    def copy_into(self, target: np.ndarray, source: np.ndarray) -> None:
        np.copyto(target, source, casting="unsafe")


register_backend(NumpyBackend())
