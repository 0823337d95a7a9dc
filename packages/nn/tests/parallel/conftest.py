"""Three devices that are all the CPU: NumPy arrays that know which of them they are on."""

from __future__ import annotations

import threading
from types import ModuleType

import numpy as np
import pytest

from lamella_core.backend import Backend
from lamella_core.dispatch import backends, register_backend


class FakeArray(np.ndarray):
    """An array on one of the devices; what is computed from it is there too."""

    index = 0

    def __array_finalize__(self, source):
        self.index = getattr(source, "index", 0)


class Namespace:
    """NumPy, whose functions give arrays on the device that their first array is on."""

    def __init__(self, module=np):
        self.module = module

    def __getattr__(self, name):
        found = getattr(self.module, name)
        if isinstance(found, ModuleType):
            return Namespace(found)
        if not callable(found) or isinstance(found, (type, np.ufunc)):
            return found

        def call(*args, **kwargs):
            flat = [x for each in args for x in (each if isinstance(each, list) else [each])]
            place = next((each for each in flat if isinstance(each, FakeArray)), None)
            return on_device_of(found(*args, **kwargs), place)

        return call


def on_device_of(result, place):
    if isinstance(result, (tuple, list)):
        return type(result)(on_device_of(each, place) for each in result)
    if isinstance(result, np.ndarray) and not isinstance(result, FakeArray):
        result = result.view(FakeArray)
        result.index = 0 if place is None else place.index
    return result


class FakeBackend(Backend):
    """Device type ``fake``, three of them. It notes which thread worked for which."""

    device_type = "fake"
    array_type = FakeArray
    xp = Namespace()

    def __init__(self):
        super().__init__()
        self.used = []

    def device_count(self):
        return 3

    def device_index(self, array):
        return array.index

    def using(self, index):
        self.used.append((threading.get_ident(), index))
        return super().using(index)

    def from_numpy(self, array, device):
        result = array.copy().view(FakeArray)
        result.index = device.index or 0
        return result

    def to_numpy(self, array):
        return np.array(array, subok=False)

    def as_array(self, value):
        return value if isinstance(value, FakeArray) else np.asarray(value).view(FakeArray)

    def empty(self, shape, dtype, device):
        return self.from_numpy(np.empty(shape, dtype), device)

    def root(self, array):
        while isinstance(array.base, np.ndarray):
            array = array.base
        return array.reshape(-1, order="A").view(FakeArray)

    def strides(self, array):
        return tuple(step // array.itemsize for step in array.strides)

    def data_ptr(self, array):
        return array.ctypes.data

    def as_strided(self, root, dtype, shape, strides, offset):
        steps = tuple(step * dtype.itemsize for step in strides)
        view = np.ndarray(shape, dtype, root, offset * dtype.itemsize, steps).view(FakeArray)
        view.index = root.index
        return view

    def copy_into(self, target, source):
        np.copyto(target, source, casting="unsafe")


@pytest.fixture
def fake():
    """The backend, registered once."""
    if "fake" not in backends:
        register_backend(FakeBackend())
    return backends["fake"]
