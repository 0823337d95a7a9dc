"""Arrays that behave as CuPy's do where those differ from NumPy's, over memory of the host."""

from __future__ import annotations

import ctypes
import operator
from types import SimpleNamespace
from typing import Any

import numpy as np


class Pointer:
    """``cupy.cuda.MemoryPointer``: a place in a block of memory."""

    def __init__(self, block: np.ndarray, offset: int) -> None:
        self.block = block
        self.offset = offset

    @property
    def ptr(self) -> int:
        return int(self.block.ctypes.data) + self.offset

    def __add__(self, count: int) -> Pointer:
        return Pointer(self.block, self.offset + count)

    def copy_from_device_async(self, src: Pointer, size: int) -> None:
        ctypes.memmove(self.ptr, src.ptr, size)


class ndarray:
    """``cupy.ndarray``: NumPy cannot read it, and its functions cannot read NumPy's arrays.

    CuPy lets NumPy's functions dispatch to its own; here they raise, so that none is called by
    accident.
    """

    __slots__ = ("_host",)
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self, shape: Any, dtype: Any = float, memptr: Any = None, strides: Any = None
    ) -> None:
        if memptr is None or 0 in shape:
            self._host = np.empty(shape, dtype)
            if strides is not None:
                self._host = np.lib.stride_tricks.as_strided(self._host, shape, strides)
        else:
            self._host = np.ndarray(shape, dtype, memptr.block, memptr.offset, strides)

    @classmethod
    def over(cls, host: np.ndarray) -> ndarray:
        made = cls.__new__(cls)
        made._host = host
        return made

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to "
            "construct a NumPy array explicitly."
        )

    def _block(self) -> np.ndarray:
        """The bytes of the whole block of memory that the array is a view of."""
        host = self._host
        while (base := _base_of(host)) is not None:
            host = base
        low, high = np.lib.array_utils.byte_bounds(host)
        block = (ctypes.c_uint8 * (high - low)).from_address(low)
        block.owner = host  # type: ignore[attr-defined]
        return np.frombuffer(block, np.uint8) if high > low else np.empty(0, np.uint8)

    @property
    def base(self) -> ndarray | None:
        base = _base_of(self._host)
        return None if base is None else ndarray.over(base)

    @property
    def data(self) -> Pointer:
        block = self._block()
        return Pointer(block, int(self._host.ctypes.data - block.ctypes.data))

    @property
    def device(self) -> Any:
        return SimpleNamespace(id=0)

    @property
    def real(self) -> ndarray:
        return ndarray.over(self._host.real)

    @real.setter
    def real(self, value: Any) -> None:
        self._host.real = host_side(check(value))

    @property
    def imag(self) -> ndarray:
        return ndarray.over(self._host.imag)

    @imag.setter
    def imag(self, value: Any) -> None:
        self._host.imag = host_side(check(value))

    def get(self) -> np.ndarray:
        return self._host.copy()

    def set(self, arr: np.ndarray) -> None:
        self._host[...] = arr

    def __getattr__(self, name: str) -> Any:
        from lamella_cupy_stand_in.names import ARRAY

        if name not in ARRAY:
            raise AttributeError(f"'cupy.ndarray' object has no attribute {name!r}")
        found = getattr(self._host, name)
        return method(name, found) if callable(found) else device_side(found)

    def __getitem__(self, index: Any) -> Any:
        return device_side(self._host[host_side(checked_index(index))])

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(value, np.ndarray) and value.ndim:
            raise TypeError("Unsupported type <class 'numpy.ndarray'>")
        self._host[host_side(checked_index(index))] = host_side(value)

    def __len__(self) -> int:
        return len(self._host)

    def __bool__(self) -> bool:
        return bool(self._host)

    def __int__(self) -> int:
        return int(self._host)

    def __float__(self) -> float:
        return float(self._host)

    def __complex__(self) -> complex:
        return complex(self._host)


def _base_of(host: np.ndarray) -> np.ndarray | None:
    base = host.base
    # NumPy's own broadcasting puts an object of its own between an array and its base.
    while not isinstance(base, np.ndarray) and hasattr(base, "base"):
        base = base.base
    return base if isinstance(base, np.ndarray) else None


def _operator(name: str, function: Any) -> None:
    def forward(self: ndarray, other: Any) -> Any:
        return binary(function, self, other)

    def backward(self: ndarray, other: Any) -> Any:
        return binary(function, other, self)

    def in_place(self: ndarray, other: Any) -> Any:
        self._host[...] = function(self._host, host_side(check(other)))
        return self

    setattr(ndarray, f"__{name}__", forward)
    setattr(ndarray, f"__r{name}__", backward)
    setattr(ndarray, f"__i{name}__", in_place)


def binary(function: Any, left: Any, right: Any) -> Any:
    return device_side(function(host_side(check(left)), host_side(check(right))))


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor",
              "lshift", "rshift", "matmul"):  # fmt: skip
    _plain = {"and": "and_", "or": "or_"}.get(_name, _name)
    _operator(_name, getattr(operator, _plain))
for _name in ("lt", "le", "eq", "ne", "gt", "ge"):
    _compare = getattr(operator, _name)
    setattr(ndarray, f"__{_name}__", lambda a, b, f=_compare: binary(f, a, b))
for _name in ("neg", "pos", "abs", "invert"):
    _unary = getattr(operator, _name)
    setattr(ndarray, f"__{_name}__", lambda a, f=_unary: device_side(f(a._host)))


def check(value: Any) -> Any:
    """What CuPy's functions take: its arrays and numbers, but no arrays of NumPy's."""
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")
    if isinstance(value, (list, tuple)):
        for each in value:
            check(each)
    return value


def checked_index(index: Any) -> Any:
    """CuPy makes an array of a sequence, and of an empty one an array of numbers with a point."""
    for each in index if isinstance(index, tuple) else (index,):
        if isinstance(each, (list, range)) and not len(each):
            raise IndexError("arrays used as indices must be of integer or boolean type.")
    return index


def host_side(value: Any) -> Any:
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, (list, tuple)):
        return type(value)(host_side(each) for each in value)
    return value


def device_side(value: Any) -> Any:
    """Results as arrays: CuPy's reductions give 0-dim arrays, not numbers."""
    if isinstance(value, (np.ndarray, np.generic)):
        return ndarray.over(np.asarray(value))
    if isinstance(value, (list, tuple)) and any(isinstance(v, np.ndarray) for v in value):
        made = [device_side(v) for v in value]
        return made if isinstance(value, list) else tuple(made)
    return value


def method(name: str, found: Any) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        result = found(
            *(host_side(check(a)) for a in args),
            **{k: host_side(check(v)) for k, v in kwargs.items()},
        )
        return result if name in ("item", "tolist") else device_side(result)

    return call
