"""The arrays of the toy device, and the namespace of functions on them."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np


class ToyArray:
    """An array that only the toy device's functions can read.

    It behaves as NumPy's arrays do, as the shared kernels expect; but NumPy itself is kept out, so
    that nothing can compute on the device's memory behind the device's back.
    """

    __slots__ = ("_memory",)
    __array_ufunc__ = None

    def __init__(self, memory: np.ndarray) -> None:
        self._memory = memory

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError("the memory of a toy device is not the host's; copy it with to_numpy")

    def __getattr__(self, name: str) -> Any:
        return device_side(getattr(self._memory, name))

    def __getitem__(self, index: Any) -> Any:
        return device_side(self._memory[host_side(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        self._memory[host_side(index)] = host_side(value)

    def __len__(self) -> int:
        return len(self._memory)

    def __bool__(self) -> bool:
        return bool(self._memory)

    def __int__(self) -> int:
        return int(self._memory)

    def __float__(self) -> float:
        return float(self._memory)

    def __index__(self) -> int:
        return operator.index(self._memory)

    __hash__ = None  # type: ignore[assignment]


def _operator(name: str) -> Any:
    def method(self: ToyArray, *others: Any) -> Any:
        result = getattr(self._memory, name)(*(host_side(o) for o in others))
        return self if result is self._memory else device_side(result)

    return method


for _name in (
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor"),
    *("lshift", "rshift"),
):
    for _form in (f"__{_name}__", f"__r{_name}__", f"__i{_name}__"):
        setattr(ToyArray, _form, _operator(_form))
for _name in ("neg", "pos", "abs", "invert", "lt", "le", "eq", "ne", "gt", "ge"):
    setattr(ToyArray, f"__{_name}__", _operator(f"__{_name}__"))


def host_side(value: Any) -> Any:
    """What the device's own functions work on."""
    if isinstance(value, ToyArray):
        return value._memory
    if isinstance(value, (list, tuple)):
        return type(value)(host_side(v) for v in value)
    return value


def device_side(value: Any) -> Any:
    """Results as arrays of the device; functions as functions on such arrays."""
    if isinstance(value, ToyArray):
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        return ToyArray(np.asarray(value))
    if isinstance(value, tuple) and any(isinstance(v, np.ndarray) for v in value):
        return tuple(device_side(v) for v in value)
    if isinstance(value, list) and any(isinstance(v, np.ndarray) for v in value):
        return [device_side(v) for v in value]
    if isinstance(value, np.ufunc) or (callable(value) and not isinstance(value, type)):
        return ToyFunction(value)
    return value


class ToyFunction:
    """A function on the device's arrays."""

    __slots__ = ("_function",)

    def __init__(self, function: Any) -> None:
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        ToyNamespace.calls += 1
        out = kwargs.get("out")
        result = self._function(
            *(host_side(a) for a in args), **{k: host_side(v) for k, v in kwargs.items()}
        )
        return device_side(result) if out is None else out

    def __getattr__(self, name: str) -> Any:
        return device_side(getattr(self._function, name))


class ToyNamespace:
    """NumPy's names, as functions on the device's arrays.

    Attributes:
        calls: how many device functions have run.
    """

    calls = 0

    def __init__(self, module: Any = np) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        if type(found) is type(np):
            return ToyNamespace(found)
        return device_side(found)
