"""Batches cut up for several devices, and put together again."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from lamella_core import Tensor, cat
from lamella_core.device import Device

__all__ = ["gather", "scatter", "scatter_kwargs"]

DeviceLike = Device | str | int


def scatter(inputs: Any, target_gpus: Sequence[DeviceLike], dim: int = 0) -> Any:
    """The parts of tensors for each device, in the structure that they came in.

    Args:
        inputs: a tensor, or tuples, lists, dicts and named tuples of tensors; everything else goes
            to each device as it is.
        target_gpus: the devices.
        dim: the dimension that is cut, into parts of one length but for the last.

    Returns:
        One structure a device; fewer where a tensor is too short for all devices.
    """
    return _parts(inputs, [Device(each) for each in target_gpus], dim)


def _parts(value: Any, devices: list[Device], dim: int) -> Sequence[Any]:
    if isinstance(value, Tensor):
        chunks = value.chunk(len(devices), dim)
        return [part.to(device) for part, device in zip(chunks, devices, strict=False)]
    if isinstance(value, (tuple, list)) and value:
        each = zip(*[_parts(item, devices, dim) for item in value], strict=False)
        if hasattr(value, "_fields"):
            return [type(value)(*items) for items in each]
        return [tuple(items) if isinstance(value, tuple) else list(items) for items in each]
    if isinstance(value, dict) and value:
        values = zip(*[_parts(item, devices, dim) for item in value.values()], strict=False)
        kind: Any = type(value)
        return [kind(zip(value, items, strict=True)) for items in values]
    return [value] * len(devices)


def scatter_kwargs(
    inputs: tuple[Any, ...],
    kwargs: dict[str, Any] | None,
    target_gpus: Sequence[DeviceLike],
    dim: int = 0,
) -> tuple[tuple[Any, ...], tuple[dict[str, Any], ...]]:
    """``scatter`` of positional and keyword arguments; as many of the ones as of the others."""
    positional = list(scatter(inputs, target_gpus, dim)) if inputs else []
    named = list(scatter(kwargs, target_gpus, dim)) if kwargs else []
    count = max(len(positional), len(named))
    positional += [()] * (count - len(positional))
    named += [{}] * (count - len(named))
    return tuple(positional), tuple(named)


def gather(outputs: Any, target_device: DeviceLike, dim: int = 0) -> Any:
    """The outputs of all devices as one, on one device, in the structure that they have.

    Args:
        outputs: one a device: tensors, or tuples, lists, dicts and named tuples of tensors.
        target_device: where the result is.
        dim: the dimension along which tensors are joined. Those without dimensions become a
            vector, with a warning.

    Raises:
        ValueError: dicts with different keys.
    """
    outputs = list(outputs)
    first = outputs[0]
    if isinstance(first, Tensor):
        if not any(output.ndim for output in outputs) and dim == 0:
            warnings.warn(
                "Was asked to gather along dimension 0, but all input tensors were scalars; will "
                "instead unsqueeze and return a vector.",
                stacklevel=2,
            )
            outputs = [output.unsqueeze(0) for output in outputs]
        return cat([output.to(Device(target_device)) for output in outputs], dim)
    if first is None:
        return None
    if isinstance(first, dict):
        if any(output.keys() != first.keys() for output in outputs):
            raise ValueError("All dicts must have the same number of keys, and the same keys")
        kind: Any = type(first)
        return kind(
            (key, gather([output[key] for output in outputs], target_device, dim)) for key in first
        )
    joined = [gather(items, target_device, dim) for items in zip(*outputs, strict=True)]
    return type(first)(*joined) if hasattr(first, "_fields") else type(first)(joined)
