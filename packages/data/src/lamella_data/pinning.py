"""Pinned memory: host memory from which an accelerator copies without a detour."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import lamella_core
from lamella_core import Tensor


def pins(wanted: bool, device: str) -> bool:
    """Whether batches are to be pinned; warns where that is asked for and there is no CUDA."""
    if not wanted:
        return False
    if device:
        warnings.warn(
            "pin_memory_device is deprecated: memory is pinned for the current accelerator, "
            f"pin_memory_device={device!r} is ignored",
            stacklevel=4,
        )
    lamella_core.load_backends()
    if "cuda" not in lamella_core.backends:
        warnings.warn(
            "'pin_memory' argument is set as true but no accelerator is found, then device pinned "
            "memory won't be used.",
            stacklevel=4,
        )
        return False
    return True


def pin_memory(data: Any) -> Any:
    """A copy of ``data`` whose tensors, within containers too, lie in pinned memory.

    An object of another type with a method ``pin_memory`` is replaced by what that returns; all
    else stays as it is.
    """
    if isinstance(data, Tensor):
        return data.pin_memory()
    if hasattr(data, "pin_memory"):
        return data.pin_memory()
    if isinstance(data, (str, bytes)):
        return data
    if isinstance(data, Mapping):
        pinned = {key: pin_memory(value) for key, value in data.items()}
        if not isinstance(data, MutableMapping):
            return type(data)(pinned)  # type: ignore[call-arg]
        mapping = copy.copy(data)
        mapping.update(pinned)
        return mapping
    if isinstance(data, tuple):
        items = (pin_memory(value) for value in data)
        return type(data)(*items) if hasattr(data, "_fields") else tuple(items)
    if isinstance(data, MutableSequence):
        sequence = copy.copy(data)
        for position, value in enumerate(data):
            sequence[position] = pin_memory(value)
        return sequence
    if isinstance(data, Sequence):
        return [pin_memory(value) for value in data]
    return data
