"""Memory of CUDA devices, as CuPy's pool keeps it: what arrays hold, and what is held free."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella.cuda.devices import cupy, index_of, is_available, is_initialized
from lamella.cuda.devices import device as device_context
from lamella_core.dispatch import backends

if TYPE_CHECKING:
    from lamella_core.typing import DeviceLike

__all__ = [
    "empty_cache", "max_memory_allocated", "max_memory_reserved", "mem_get_info",
    "memory_allocated", "memory_reserved", "memory_stats", "memory_summary",
    "reset_max_memory_allocated", "reset_peak_memory_stats", "set_per_process_memory_fraction",
]  # fmt: skip


def memory_stats(device: DeviceLike | None = None) -> dict[str, Any]:
    """Bytes that arrays hold (``allocated_bytes``) and that the pool holds (``reserved_bytes``).

    The keys are ``<kind>.all.current`` and ``<kind>.all.peak``; empty without a device.
    """
    if not is_available():
        return {}
    backend: Any = backends["cuda"]
    index = index_of(device)
    with device_context(index):
        pool = cupy().get_default_memory_pool()
        current = {"allocated": pool.used_bytes(), "reserved": pool.total_bytes()}
    peaks = backend.peaks.setdefault(index, {"allocated": 0, "reserved": 0})
    stats = {}
    for kind, size in current.items():
        peaks[kind] = max(peaks[kind], size)
        stats[f"{kind}_bytes.all.current"] = size
        stats[f"{kind}_bytes.all.peak"] = peaks[kind]
    return stats


def _statistic(name: str, device: DeviceLike | None) -> int:
    return memory_stats(device).get(name, 0)


def memory_allocated(device: DeviceLike | None = None) -> int:
    """Bytes that arrays hold; 0 without a device."""
    return _statistic("allocated_bytes.all.current", device)


def max_memory_allocated(device: DeviceLike | None = None) -> int:
    """The most bytes that arrays held since the start or :func:`reset_peak_memory_stats`."""
    return _statistic("allocated_bytes.all.peak", device)


def memory_reserved(device: DeviceLike | None = None) -> int:
    """Bytes that the pool holds, used or free."""
    return _statistic("reserved_bytes.all.current", device)


def max_memory_reserved(device: DeviceLike | None = None) -> int:
    """The most bytes that the pool held."""
    return _statistic("reserved_bytes.all.peak", device)


def reset_peak_memory_stats(device: DeviceLike | None = None) -> None:
    """Lets peaks start again from what is held now."""
    index = index_of(device)
    backend: Any = backends["cuda"]
    backend.peaks.pop(index, None)
    memory_stats(index)


reset_max_memory_allocated = reset_peak_memory_stats


def empty_cache() -> None:
    """Gives memory that no array holds back to the driver; without a device nothing happens."""
    if is_initialized():
        cupy().get_default_memory_pool().free_all_blocks()
        cupy().get_default_pinned_memory_pool().free_all_blocks()


def mem_get_info(device: DeviceLike | None = None) -> tuple[int, int]:
    """Bytes of a device that are free, and all of them, as the driver counts."""
    with device_context(index_of(device)):
        free, total = cupy().cuda.runtime.memGetInfo()
    return int(free), int(total)


def set_per_process_memory_fraction(fraction: float, device: DeviceLike | None = None) -> None:
    """Bounds the pool to a part of the device's memory.

    Raises:
        TypeError: when ``fraction`` is not a float.
        ValueError: when it is not from 0 to 1.
    """
    if not isinstance(fraction, float):
        raise TypeError("Invalid type for fraction argument, must be `float`")
    if not 0 <= fraction <= 1:
        raise ValueError(f"Invalid fraction value: {fraction}. Allowed range: 0~1")
    with device_context(index_of(device)):
        cupy().get_default_memory_pool().set_limit(fraction=fraction)


def memory_summary(device: DeviceLike | None = None, abbreviated: bool = False) -> str:
    """:func:`memory_stats` as a table."""
    stats = memory_stats(index_of(device))
    lines = [f"CUDA memory of device {index_of(device)}, MiB", f"{'':12}{'now':>12}{'peak':>12}"]
    for kind in ("allocated", "reserved"):
        now, peak = (stats[f"{kind}_bytes.all.{which}"] / 2**20 for which in ("current", "peak"))
        lines.append(f"{kind:12}{now:12.1f}{peak:12.1f}")
    return "\n".join(lines)
