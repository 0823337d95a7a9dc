"""Streams, which order work on a device, and events in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella.cuda.devices import cupy, index_of, set_device
from lamella.cuda.devices import device as device_context
from lamella_core.device import Device

if TYPE_CHECKING:
    from lamella_core.typing import DeviceLike

__all__ = [
    "Event", "ExternalStream", "Stream", "current_stream", "default_stream", "set_stream", "stream",
]  # fmt: skip


class Stream:
    """A queue of work on a device, in order within and apart from other streams.

    Args:
        device: the device, the current one by default.
        priority: negative numbers go first; 0 by default.
    """

    def __init__(self, device: DeviceLike | None = None, priority: int = 0, **more: Any) -> None:
        index = index_of(device)
        with device_context(index):
            self._fill(cupy().cuda.Stream(non_blocking=True, priority=priority), index)

    def _fill(self, stream: Any, index: int) -> Stream:
        self._stream = stream
        self.device = Device("cuda", index)
        self.device_index = index
        return self

    @property
    def cuda_stream(self) -> int:
        """The address of the ``cudaStream_t``."""
        return int(self._stream.ptr)

    @property
    def priority(self) -> int:
        """Negative numbers go first."""
        return int(getattr(self._stream, "priority", None) or 0)

    def query(self) -> bool:
        """Whether all work is done."""
        return bool(self._stream.done)

    def synchronize(self) -> None:
        """Waits until all work is done."""
        self._stream.synchronize()

    def record_event(self, event: Event | None = None) -> Event:
        """Records an event, a new one by default, and returns it."""
        event = Event() if event is None else event
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        """Lets work that is queued from now on wait for an event."""
        event.wait(self)

    def wait_stream(self, stream: Stream) -> None:
        """Lets work that is queued from now on wait for what another stream has queued."""
        self.wait_event(stream.record_event())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Stream):
            return NotImplemented
        return self.cuda_stream == other.cuda_stream and self.device == other.device

    def __hash__(self) -> int:
        return hash((self.cuda_stream, self.device))

    def __repr__(self) -> str:
        return f"<torch.cuda.Stream device={self.device} cuda_stream={self.cuda_stream:#x}>"


def _over(stream: Any, index: int) -> Stream:
    return Stream.__new__(Stream)._fill(stream, index)


class ExternalStream(Stream):
    """A stream that another library made.

    Args:
        stream_ptr: its address.
        device: its device, the current one by default.
    """

    def __init__(self, stream_ptr: int, device: DeviceLike | None = None) -> None:
        index = index_of(device)
        self._fill(cupy().cuda.ExternalStream(stream_ptr, index), index)


class Event:
    """A mark in a stream, to wait for and to take the time between two.

    Args:
        enable_timing: whether :meth:`elapsed_time` may be asked.
        blocking: let :meth:`synchronize` sleep instead of spinning.
        interprocess: let other processes open it.
    """

    def __init__(
        self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False
    ) -> None:
        self._event = cupy().cuda.Event(
            block=blocking, disable_timing=not enable_timing, interprocess=interprocess
        )
        self._recorded = False

    def record(self, stream: Stream | None = None) -> None:
        """Marks the present end of a stream, of the current one by default."""
        self._event.record((stream or current_stream())._stream)
        self._recorded = True

    def wait(self, stream: Stream | None = None) -> None:
        """Lets later work of a stream, the current one by default, wait for the mark."""
        if self._recorded:
            (stream or current_stream())._stream.wait_event(self._event)

    def query(self) -> bool:
        """Whether all work before the mark is done."""
        return not self._recorded or bool(self._event.done)

    def synchronize(self) -> None:
        """Waits until all work before the mark is done."""
        if self._recorded:
            self._event.synchronize()

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds from this mark to another.

        Raises:
            ValueError: when one of them was not recorded.
        """
        if not (self._recorded and end_event._recorded):
            raise ValueError("Both events must be recorded before calculating elapsed time.")
        return float(cupy().cuda.get_elapsed_time(self._event, end_event._event))


def current_stream(device: DeviceLike | None = None) -> Stream:
    """The stream that ops on a device go to."""
    index = index_of(device)
    return _over(cupy().cuda.get_current_stream(index), index)


def default_stream(device: DeviceLike | None = None) -> Stream:
    """The stream that ops on a device go to unless another is chosen."""
    return _over(cupy().cuda.Stream.null, index_of(device))


def set_stream(stream: Stream | None) -> None:
    """Lets ops of this thread go to a stream; None does nothing."""
    if stream is not None:
        set_device(stream.device_index)
        stream._stream.use()


class stream:
    """A context in which ops go to a stream; None leaves things as they are."""

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        if self.stream is not None:
            self._source = current_stream()
            self._there = current_stream(self.stream.device)
            set_stream(self.stream)

    def __exit__(self, *exc: object) -> None:
        if self.stream is not None:
            set_stream(self._there)
            set_stream(self._source)
