"""The toy backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.backend import Backend
from lamella_toy_backend.array import ToyArray, ToyNamespace

if TYPE_CHECKING:
    from lamella_core import device


class ToyBackend(Backend):
    """Device type ``toy``: one device, index 0."""

    device_type = "toy"
    array_type = ToyArray
    xp = ToyNamespace()

    def from_numpy(self, array: np.ndarray, device: device) -> ToyArray:
        return ToyArray(array.copy())

    def to_numpy(self, array: ToyArray) -> np.ndarray:
        return array._memory.copy()

    def as_array(self, value: Any) -> ToyArray:
        return value if isinstance(value, ToyArray) else ToyArray(np.asarray(value))

    def empty(self, shape: tuple[int, ...], dtype: np.dtype, device: device) -> ToyArray:
        return ToyArray(np.empty(shape, dtype))

    def root(self, array: ToyArray) -> ToyArray:
        memory = array._memory
        while isinstance(memory.base, np.ndarray):
            memory = memory.base
        return ToyArray(memory.reshape(-1, order="A"))

    def strides(self, array: ToyArray) -> tuple[int, ...]:
        return tuple(s // array._memory.itemsize for s in array._memory.strides)

    def data_ptr(self, array: ToyArray) -> int:
        return array._memory.__array_interface__["data"][0] if array._memory.size else 0

    def as_strided(
        self,
        root: ToyArray,
        dtype: np.dtype,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        offset: int,
    ) -> ToyArray:
        size = dtype.itemsize
        steps = tuple(s * size for s in strides)
        return ToyArray(np.ndarray(shape, dtype, root._memory, offset * size, steps))

    def copy_into(self, target: ToyArray, source: ToyArray) -> None:
        np.copyto(target._memory, source._memory, casting="unsafe")
