"""``torch.cpu``: the processor, asked as a device."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from lamella.backends.cpu import get_cpu_capability
from lamella_core.device import Device

if TYPE_CHECKING:
    from lamella_core.typing import DeviceLike

__all__ = [
    "Event", "Stream", "StreamContext", "current_device", "current_stream", "device_count",
    "get_capabilities", "is_available", "is_initialized", "set_device", "stream", "synchronize",
]  # fmt: skip


class Stream:
    """The CPU's stream, for programs that are written for streams: it is always empty.

    Args:
        priority: of no effect.
    """

    def __init__(self, priority: int = -1) -> None:
        pass

    def record_event(self) -> None:
        """Returns at once."""

    def wait_event(self, event: Any) -> None:
        """Returns at once."""

    def wait_stream(self, stream: Any) -> None:
        """Returns at once."""


class Event:
    """A mark in the CPU's stream; all work before it is done."""

    def query(self) -> bool:
        """True."""
        return True

    def record(self, stream: Any = None) -> None:
        """Returns at once."""

    def synchronize(self) -> None:
        """Returns at once."""

    def wait(self, stream: Any = None) -> None:
        """Returns at once."""


class StreamContext(nullcontext[None]):
    """A context that changes nothing, in the place of one that chooses a stream.

    Args:
        stream: a :class:`Stream` or None.
    """

    def __init__(self, stream: Stream | None) -> None:
        super().__init__()
        self.stream = stream


def stream(stream: Stream | None) -> StreamContext:
    """See :class:`StreamContext`."""
    return StreamContext(stream)


def current_stream(device: DeviceLike | None = None) -> Stream:
    """The CPU's stream."""
    return _stream


_stream = Stream()


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

    Args:
        device: the CPU, or any number: a program's own number among its processes.

    Raises:
        ValueError: for another type of device.
    """
    if not isinstance(device, int) and Device(device).type != "cpu":  # type: ignore[arg-type]
        raise ValueError(f"torch.cpu.set_device: expected a CPU device, got {device!r}")


def synchronize(device: DeviceLike | None = None) -> None:
    """Returns at once: what is computed on the CPU is done when its call returns."""


def get_capabilities() -> dict[str, bool]:
    """Which vector instructions NumPy found: ``avx2``, ``avx512_f``."""
    widest = get_cpu_capability()
    return {"avx2": widest != "DEFAULT", "avx512_f": widest == "AVX512"}
