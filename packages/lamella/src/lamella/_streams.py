"""``torch.Stream``, ``torch.Event`` and the module of a device, for a device of any type."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lamella import cuda
from lamella.accelerator import current_accelerator
from lamella_core.device import Device
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from types import ModuleType

    from lamella_core.typing import DeviceLike

__all__ = ["Event", "Stream", "get_device_module"]

_MODULES = ("cpu", "cuda")


def _place(device: DeviceLike | None) -> Device:
    if device is None:
        return current_accelerator() or Device("cpu")
    if isinstance(device, int) and not cuda.is_available():
        raise RuntimeError("Cannot access accelerator device when none is available.")
    place = Device(device)
    if place.type not in _MODULES:
        raise RuntimeError(
            f"there are no streams and events on device type {place.type!r}; expected one of "
            f"{', '.join(_MODULES)}"
        )
    return place


def _no_events() -> RuntimeError:
    return RuntimeError(
        "cpu backend doesn't support events: what is computed on the CPU is done when its call "
        "returns; time.perf_counter() takes the time"
    )


class Stream:
    """A queue of work on a device: :class:`torch.cuda.Stream` on CUDA.

    What is computed on the CPU is done when its call returns, so its only stream is always empty.

    Args:
        device: the device; when None the accelerator, the CPU where there is none.
        priority: negative numbers go first; of no effect on the CPU.

    Raises:
        RuntimeError: for a device that is not there, or of another type.
    """

    device_index = -1
    device_type = stream_id = 0

    def __new__(cls, device: DeviceLike | None = None, *, priority: int = 0) -> Any:
        place = _place(device)
        return object.__new__(cls) if place.type == "cpu" else cuda.Stream(place, priority)

    @property
    def device(self) -> Device:
        """The CPU."""
        return Device("cpu")

    def query(self) -> bool:
        """True: all work is done."""
        return True

    def synchronize(self) -> None:
        """Returns at once."""

    def wait_event(self, event: Event) -> None:
        """Returns at once: no event of the CPU's has been recorded."""

    def record_event(self, event: Event | None = None) -> Event:
        """Raises RuntimeError: there are no events on the CPU."""
        raise _no_events()

    def wait_stream(self, stream: Stream) -> None:
        """Raises RuntimeError: there are no events on the CPU."""
        raise _no_events()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream)

    def __hash__(self) -> int:
        return hash(Stream)

    def __repr__(self) -> str:
        return "torch.Stream device_type=cpu, device_index=-1, stream_id=0"


class Event:
    """A mark in a stream: :class:`torch.cuda.Event` on CUDA. On the CPU none can be recorded.

    Args:
        device: the device; when None the accelerator, the CPU where there is none.
        enable_timing: whether :meth:`elapsed_time` may be asked.
        blocking, interprocess: as for CUDA's; of no effect on the CPU.

    Raises:
        RuntimeError: for a device that is not there, or of another type.
    """

    event_id = 0

    def __new__(
        cls,
        device: DeviceLike | None = None,
        *,
        enable_timing: bool = False,
        blocking: bool = False,
        interprocess: bool = False,
    ) -> Any:
        if _place(device).type != "cpu":
            return cuda.Event(enable_timing, blocking, interprocess)
        event = object.__new__(cls)
        event._timed = bool(enable_timing)
        return event

    _timed: bool

    @property
    def device(self) -> Device:
        """The CPU."""
        return Device("cpu")

    def query(self) -> bool:
        """True: there is nothing to wait for."""
        return True

    def synchronize(self) -> None:
        """Returns at once."""

    def wait(self, stream: Stream | None = None) -> None:
        """Returns at once."""

    def record(self, stream: Stream | None = None) -> None:
        """Raises RuntimeError: there are no events on the CPU."""
        raise _no_events()

    def elapsed_time(self, end_event: Event) -> float:
        """Raises ValueError: no event of the CPU's was recorded, or it was made without timing."""
        if not (self._timed and end_event._timed):
            raise ValueError("Both events must be created with argument 'enable_timing=True'.")
        raise ValueError("Both events must be recorded before calculating elapsed time.")

    def __repr__(self) -> str:
        flag = int(self._timed)
        return f"torch.Event device_type=cpu, device_index=-1, event_flag={flag}, event_id=0"


def get_device_module(device: Device | str | None = None) -> ModuleType:
    """The module of a device's type, ``torch.cpu`` or ``torch.cuda``.

    Args:
        device: when None the accelerator, the CPU where there is none.

    Raises:
        RuntimeError: for another type, or what is no device.
    """
    if device is not None and not isinstance(device, (str, Device)):
        raise RuntimeError(f"Invalid value of device '{device}', expect torch.device, str, or None")
    place = _place(None) if device is None else Device(device)
    if place.type not in _MODULES:
        raise RuntimeError(
            f"Device '{device}' does not have a corresponding module registered as "
            f"'torch.{place.type}'."
        )
    return import_module(f"lamella.{place.type}")


def _record_stream(self: Tensor, stream: Any) -> None:
    """Raises NotImplementedError: memory is not kept from being used again by a mark.

    On the CPU there are no streams. On CUDA let the stream that made the tensor wait for the one
    that uses it (``wait_stream``) before the last reference to the tensor goes.
    """
    raise NotImplementedError(
        f"record_stream of a tensor on {self.device}: let the stream that it was made in wait for "
        "the one that uses it (wait_stream) instead, before the tensor is freed"
    )


Tensor.record_stream = _record_stream
