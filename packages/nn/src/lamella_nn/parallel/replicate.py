"""Copies of a module on several devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from lamella_core import Tensor
from lamella_core.device import Device
from lamella_nn.modules.module import Module

__all__ = ["replicate"]

Network = TypeVar("Network", bound=Module)


def replicate(
    network: Network, devices: Sequence[Device | str | int], detach: bool = False
) -> list[Network]:
    """A copy of a module for each device, whose gradients arrive at the module.

    The copies' parameters are tensors that were computed from the module's own: a backward pass
    through several copies adds up their gradients. On the device that the module is on they are
    the very tensors, as are the buffers, so that what a forward pass writes into them stays.

    Args:
        network: the module. It is not changed.
        devices: one for each copy.
        detach: copy without a way back for gradients.
    """
    return [_copy(network, Device(device), detach, {}) for device in devices]


def _copy(module: Any, device: Device, detach: bool, made: dict[int, Any]) -> Any:
    """The copy of a tree; what stands in several places of it is copied once."""
    copy = made.get(id(module))
    if copy is not None:
        return copy
    copy = made[id(module)] = module.__class__.__new__(module.__class__)
    members = copy.__dict__ = dict(module.__dict__)
    members["_parameters"] = {
        name: _moved(value, device, detach, made) for name, value in module._parameters.items()
    }
    members["_buffers"] = {
        name: _moved(value, device, True, made) for name, value in module._buffers.items()
    }
    members["_modules"] = {
        name: None if child is None else _copy(child, device, detach, made)
        for name, child in module._modules.items()
    }
    return copy


def _moved(value: Tensor | None, device: Device, detach: bool, made: dict[int, Any]) -> Any:
    if value is None:
        return None
    moved = made.get(id(value))
    if moved is None:
        moved = value.to(device)
        if detach and (moved is not value or value.requires_grad):
            moved = moved.detach()
        made[id(value)] = moved
    return moved
