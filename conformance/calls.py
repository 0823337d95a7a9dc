"""Calls a function of one side with a sample's arguments, and keeps what it did."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import ModuleType
from typing import Any

import resolve
import torch
from carry import PackedName, PackedTensor, bfloat16_values, unpack
from compare import Mismatch
from samples import Sample

WIDER = {
    "float16": "float64",
    "bfloat16": "float64",
    "float32": "float64",
    "complex64": "complex128",
}


class Raised:
    """An exception that a call ended with."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error

    @property
    def kind(self) -> str:
        # PyTorch's public torch.linalg.LinAlgError is named _LinAlgError inside.
        return type(self.error).__name__.lstrip("_")

    def __str__(self) -> str:
        return f"{self.kind}: {' '.join(str(self.error).split())}"


@dataclasses.dataclass(slots=True)
class Call:
    """What a callable did with fresh arguments of one side."""

    arguments: Any
    result: Any
    out: Any = None

    @property
    def raised(self) -> bool:
        return isinstance(self.result, Raised)


def run_call(func: Callable[..., Any], sample: Sample, module: ModuleType, out: Any = None) -> Call:
    """Calls ``func`` on the sample carried to ``module``, with a packed ``out`` if given."""
    shared: dict[Any, Any] = {}
    given = unpack(sample.arguments, module, shared)
    input, args, kwargs = given
    target = None
    if out is not None:
        target = unpack(out, module, shared)
        kwargs = {**kwargs, "out": target}
    resolve.seed(module)
    try:
        result = func(input, *args, **kwargs)
    except Exception as error:
        result = Raised(error)
    return Call(given, result, target)


def in_double_precision(run: Callable[..., Call], func: Callable[..., Any], sample: Sample) -> Call:
    """What PyTorch's ``func`` does with the sample where all floating numbers are double ones."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        return run(func, widened(sample), torch)
    finally:
        torch.set_default_dtype(usual)


def hold_raised(expected: Call, actual: Call) -> bool:
    """Whether both calls raised the same type; raises Mismatch where only one did."""
    if not expected.raised:
        if actual.raised:
            raise Mismatch(f"raised {actual.result}")
        return False
    if not actual.raised:
        raise Mismatch(f"raised nothing, expected {expected.result}")
    if actual.result.kind != expected.result.kind:
        raise Mismatch(f"raised {actual.result}, expected {expected.result}")
    return True


def widened(value: Any) -> Any:
    """A packed value with half and single precision turned into double throughout."""
    if isinstance(value, Sample):
        input, args, kwargs = widened(value.arguments)
        return Sample(value.index, input, args, kwargs, value.process)
    if isinstance(value, PackedTensor) and value.dtype in WIDER:
        name = WIDER[value.dtype]
        key = (value.key, name) if value.key is not None else None
        storage = bfloat16_values(value.storage) if value.dtype == "bfloat16" else value.storage
        return dataclasses.replace(value, storage=storage.astype(name), dtype=name, key=key)
    if isinstance(value, PackedName):
        return PackedName(WIDER.get(value.name, value.name))
    if isinstance(value, (list, tuple)):
        return type(value)(widened(item) for item in value)
    if isinstance(value, dict):
        return {name: widened(item) for name, item in value.items()}
    return value
