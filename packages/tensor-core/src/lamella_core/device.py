"""Device objects: a type and, for types with several, an index."""

from __future__ import annotations

import threading

# Not empty as long as any thread may have chosen another device than the CPU.
MODES: list[Device] = []
_by_text: dict[object, Device] = {}


class Device:
    """Where a tensor's memory is: ``device("cuda", 1)``, ``device("cuda:1")``, ``device("cpu")``.

    Args:
        type: the device type, with an optional ``:index``; or an index of the accelerator; or
            another device.
        index: the ordinal of the device, or None for the current one.

    Raises:
        RuntimeError: when the text is not ``type`` or ``type:index``.
    """

    __slots__ = ("bit", "index", "type")

    type: str
    index: int | None
    bit: int  # the backend's bit in keys, once the dispatcher has looked it up

    def __new__(cls, type: str | int | Device, index: int | None = None) -> Device:
        if isinstance(type, Device):
            return type
        if index is None and type in _by_text:
            return _by_text[type]  # type: ignore[index]
        if isinstance(type, int):
            index = type
            type = "cuda"
        if not isinstance(type, str):
            raise TypeError(
                f"device(): argument 'type' must be str, int or device, not "
                f"{type.__class__.__name__}"
            )
        name, colon, ordinal = type.partition(":")
        if colon:
            if index is not None:
                raise RuntimeError(f"type (string) must not include an index, got {type!r}")
            if not ordinal.isdecimal():
                raise RuntimeError(f"Invalid device string: {type!r}")
            index = int(ordinal)
        if not name.isidentifier():
            raise RuntimeError(f"Invalid device string: {type!r}")
        if index is not None and index < 0:
            raise RuntimeError(f"Device index must not be negative, got {index}")
        self = object.__new__(cls)
        self.type = name
        self.index = index
        if index is None:
            _by_text[type] = self
        return self

    def __repr__(self) -> str:
        if self.index is None:
            return f"device(type={self.type!r})"
        return f"device(type={self.type!r}, index={self.index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Device):
            return NotImplemented
        return self.type == other.type and self.index == other.index

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> tuple[object, tuple[str, int | None]]:
        return Device, (self.type, self.index)

    def __enter__(self) -> Device:
        MODES.append(self)
        _chosen.devices.append(self)
        return self

    def __exit__(self, *exc: object) -> None:
        MODES.pop()
        _chosen.devices.pop()


CPU = Device("cpu")


class _Chosen(threading.local):
    # What the calling thread chose for new tensors; ``with`` blocks last.
    def __init__(self) -> None:
        self.devices = [CPU]


_chosen = _Chosen()

_known: dict[tuple[str, int | None], Device] = {}


def device_of(type: str, index: int | None) -> Device:
    """The device of a type and index that are known to be right; made once."""
    device = _known.get((type, index))
    if device is None:
        device = _known[type, index] = Device(type, index)
    return device


def get_default_device() -> Device:
    """The device of new tensors that are given none, in this thread."""
    return _chosen.devices[-1] if MODES else CPU


def set_default_device(device: Device | str | int | None) -> None:
    """Sets the device of new tensors of this thread that are given none; None: the CPU."""
    chosen = CPU if device is None else Device(device)
    if _chosen.devices[0] is not CPU:
        MODES.pop()
    if chosen is not CPU:
        MODES.append(chosen)
    _chosen.devices[0] = chosen
