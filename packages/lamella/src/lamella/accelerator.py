"""``torch.accelerator``: the one kind of device that is there beside the CPU, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella import cuda
from lamella_core.device import Device

if TYPE_CHECKING:
    from lamella_core.typing import DeviceLike

__all__ = [
    "current_accelerator", "current_device_index", "current_stream", "device_count",
    "is_available", "set_device_index", "set_stream", "synchronize",
]  # fmt: skip

is_available, device_count = cuda.is_available, cuda.device_count
current_stream, set_stream = cuda.current_stream, cuda.set_stream


def current_accelerator(check_available: bool = False) -> Device | None:
    """The type of the accelerator as a device without an index, None where there is none."""
    return Device("cuda") if cuda.is_available() else None


def current_device_index() -> int:
    """The index of the current device."""
    return cuda.current_device()


def set_device_index(device: DeviceLike, /) -> None:
    """Makes a device the current one."""
    cuda.set_device(device)


def synchronize(device: DeviceLike | None = None, /) -> None:
    """Waits until all work on a device is done."""
    cuda.synchronize(device)
