"""``torch.accelerator``: the one kind of device that is there beside the CPU, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella import cuda
from lamella_core.device import Device

if TYPE_CHECKING:
    from lamella_core.typing import DeviceLike

__all__ = [
    "current_accelerator", "current_device_index", "current_stream", "device_count",
    "device_index", "empty_cache", "get_memory_info", "is_available", "max_memory_allocated",
    "max_memory_reserved", "memory_allocated", "memory_reserved", "memory_stats",
    "reset_peak_memory_stats", "set_device_index", "set_stream", "synchronize",
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


class device_index:
    """A context in which another device is the current one; None leaves the current one."""

    def __init__(self, device: int | None, /) -> None:
        self.idx = device
        self._entered: list[Any] = []

    def __enter__(self) -> None:
        self._entered.append(cuda.device(self.idx))
        self._entered[-1].__enter__()

    def __exit__(self, *exc: object) -> None:
        self._entered.pop().__exit__(*exc)


def _of_memory(name: str, function: Any) -> Any:
    def statistic(device_index: DeviceLike | None = None, /) -> Any:
        # Without a device CUDA's own would say that nothing is held.
        cuda.init()
        return function(device_index)

    statistic.__name__ = statistic.__qualname__ = name
    statistic.__doc__ = function.__doc__
    return statistic


memory_stats = _of_memory("memory_stats", cuda.memory_stats)
memory_allocated = _of_memory("memory_allocated", cuda.memory_allocated)
memory_reserved = _of_memory("memory_reserved", cuda.memory_reserved)
max_memory_allocated = _of_memory("max_memory_allocated", cuda.max_memory_allocated)
max_memory_reserved = _of_memory("max_memory_reserved", cuda.max_memory_reserved)
reset_peak_memory_stats = _of_memory("reset_peak_memory_stats", cuda.reset_peak_memory_stats)
get_memory_info = _of_memory("get_memory_info", cuda.mem_get_info)


def empty_cache() -> None:
    """Gives memory that no array holds back to the driver."""
    cuda.init()
    cuda.empty_cache()
