"""Pinned memory: host memory from which an accelerator copies without a detour."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import lamella_core
from lamella_core import Tensor
from lamella_data.collate import rebuild_mapping, rebuild_sequence


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
        return rebuild_mapping(data, {key: pin_memory(value) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(pin_memory(value) for value in data))
    if isinstance(data, Sequence):
        return rebuild_sequence(data, [pin_memory(value) for value in data])
    return data
