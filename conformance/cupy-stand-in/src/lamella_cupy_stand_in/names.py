"""The names that CuPy has, from ``names.json``, as functions over the stand-in's arrays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from lamella_cupy_stand_in.arrays import check, device_side, host_side, ndarray

FACTS = json.loads(Path(__file__).with_name("names.json").read_text())
ARRAY = frozenset(FACTS["array"])
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
# CuPy's own conversions take NumPy's arrays.
_CONVERSIONS = ("array", "asarray", "asanyarray", "ascontiguousarray")


def _dtype(char: str) -> np.dtype:
    return BFLOAT16 if char == "E" else np.dtype(char)


class Ufunc:
    """One of CuPy's universal functions: its element types and forms, with NumPy's numbers."""

    def __init__(self, name: str, facts: dict[str, Any], host: Any) -> None:
        self.name = name
        self.facts = facts
        self.host = host
        self.loops = [
            ([_dtype(c) for c in ins], [_dtype(c) for c in outs])
            for ins, outs in (loop.split("->") for loop in facts["types"])
        ]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        dtype, casting = kwargs.pop("dtype", None), kwargs.pop("casting", "same_kind")
        if kwargs:
            raise TypeError(f"Wrong arguments {kwargs}")
        count = len(self.loops[0][0])
        if len(args) > count:
            args, out = args[:count], args[count:]
            if all(each is None for each in out):
                out = None
            elif len(out) == 1:
                (out,) = out
        if out is not None and not isinstance(out, (ndarray, tuple)):
            raise TypeError(f"return arrays must be of ArrayType, not {type(out)}")
        operands = [host_side(check(each)) for each in args]
        outputs = self._outputs(operands, dtype)
        results = self.host(*operands)
        results = results if isinstance(results, tuple) else (results,)
        made = tuple(
            np.asarray(each).astype(kind, copy=False)
            for each, kind in zip(results, outputs, strict=True)
        )
        if out is not None:
            targets = out if isinstance(out, tuple) else (out,)
            for target, each in zip(targets, made, strict=True):
                np.copyto(target._host, each, casting=casting)
            return out
        return device_side(made if len(made) > 1 else made[0])

    def _outputs(self, operands: list[Any], dtype: Any) -> list[np.dtype]:
        """The types of the first loop that the operands can be cast to, as CuPy chooses it."""
        arrays = [each.dtype for each in operands if isinstance(each, (np.ndarray, np.generic))]
        weak = [each for each in operands if not isinstance(each, (np.ndarray, np.generic))]
        common = np.result_type(*arrays, *weak) if arrays else np.result_type(*weak)
        for ins, outs in self.loops:
            if dtype is not None:
                if outs[0] == np.dtype(dtype):
                    return outs
                continue
            given = [
                each.dtype if isinstance(each, (np.ndarray, np.generic)) else common
                for each in operands
            ]
            if all(np.can_cast(a, b) for a, b in zip(given, ins, strict=True)):
                return outs
        raise TypeError(f"Wrong type ({common}) of arguments for cupy_{self.name}")

    def _form(self, form: str, array: Any) -> None:
        check(array)
        held = self.facts.get(form, "")
        if not held:
            raise NotImplementedError(f"`cupy_{self.name}.{form}` is not supported yet")
        if array.dtype.char not in held:
            raise TypeError(f"cupy.{self.name}.{form} does not take {array.dtype}")

    def reduce(
        self, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False
    ) -> Any:
        self._form("reduce", array)
        result = self.host.reduce(array._host, axis, dtype, None, keepdims)
        if out is None:
            return device_side(result)
        out._host[...] = result
        return out

    def accumulate(self, array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        self._form("accumulate", array)
        result = self.host.accumulate(array._host, axis, dtype)
        if out is None:
            return device_side(result)
        out._host[...] = result
        return out

    def reduceat(self, array: Any, indices: Any, axis: int = 0) -> Any:
        self._form("reduceat", array)
        return device_side(self.host.reduceat(array._host, host_side(indices), axis))

    def at(self, a: Any, indices: Any, b: Any = None) -> None:
        self._form("at", a)
        self.host.at(a._host, host_side(check(indices)), host_side(check(b)))


def _function(name: str, parameters: list[str] | None, host: Any) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        if parameters is not None and not any(p.startswith("*") for p in parameters):
            if len(args) > len(parameters):
                raise TypeError(f"{name}() takes {len(parameters)} arguments, got {len(args)}")
            unknown = [key for key in kwargs if key not in parameters]
            if unknown:
                raise TypeError(f"{name}() got an unexpected keyword argument {unknown[0]!r}")
        if name not in _CONVERSIONS:
            check(args)
            check(list(kwargs.values()))
        out = kwargs.get("out")
        result = host(*(host_side(a) for a in args), **{k: host_side(v) for k, v in kwargs.items()})
        return device_side(result) if out is None else out

    call.__name__ = name
    return call


class Names:
    """The namespace of one of CuPy's modules; a name that CuPy lacks is an AttributeError."""

    def __init__(self, module: str, host: Any, **own: Any) -> None:
        self._module = module
        self._facts = FACTS[module]
        self._host = host
        for name, value in own.items():
            setattr(self, name, value)

    def __getattr__(self, name: str) -> Any:
        facts = self._facts.get(name)
        if facts is None:
            raise AttributeError(f"module {self._module!r} has no attribute {name!r}")
        host = getattr(self._host, name)
        if "types" in facts:
            made: Any = Ufunc(name, facts, host)
        elif "parameters" in facts:
            made = _function(name, facts["parameters"], host)
        else:
            made = host
        setattr(self, name, made)
        return made
