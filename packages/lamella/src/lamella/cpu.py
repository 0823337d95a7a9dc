"""``torch.cpu``: the processor, asked as a device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella.backends.cpu import get_cpu_capability
from lamella_core.device import Device

if TYPE_CHECKING:
    from lamella_core.typing import DeviceLike

__all__ = [
    "current_device", "device_count", "get_capabilities", "is_available", "is_initialized",
    "set_device", "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """True."""
    return True


def is_initialized() -> bool:
    """True: there is nothing to set up."""
    return True


def device_count() -> int:
    """1: all cores are one device."""
    return 1


def current_device() -> str:
    """``"cpu"``."""
    return "cpu"


def set_device(device: DeviceLike) -> None:
    """Checks that the device is the processor, which is always the current one.

    Raises:
        ValueError: for another type of device.
    """
    if Device(device).type != "cpu":  # type: ignore[arg-type]
        raise ValueError(f"torch.cpu.set_device: expected a CPU device, got {device!r}")


def synchronize(device: DeviceLike | None = None) -> None:
    """Returns at once: what is computed on the CPU is done when its call returns."""


def get_capabilities() -> dict[str, bool]:
    """Which vector instructions NumPy found: ``avx2``, ``avx512_f``."""
    widest = get_cpu_capability()
    return {"avx2": widest != "DEFAULT", "avx512_f": widest == "AVX512"}
