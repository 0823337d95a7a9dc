"""Which CUDA devices there are, what they can do, and which one is the current."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from lamella_core.device import Device
from lamella_core.dispatch import backend_of, backends, load_backends

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor
    from lamella_core.typing import DeviceLike

__all__ = [
    "can_device_access_peer", "current_device", "device", "device_count", "device_of",
    "get_device_capability", "get_device_name", "get_device_properties", "init", "is_available",
    "is_bf16_supported", "is_initialized", "set_device", "synchronize",
]  # fmt: skip

_CUDA = Device("cuda")


def cupy() -> Any:
    """CuPy, with the backend registered.

    Raises:
        MissingDeviceError: where there is no CUDA device, naming the extras to install.
    """
    backend: Any = backend_of(_CUDA)
    return backend.cupy


def index_of(device: DeviceLike | None) -> int:
    """The index of a device; the current one for None, ``"cuda"`` and -1.

    Raises:
        ValueError: for a device of another type.
        RuntimeError: for a device that does not exist.
    """
    if device is None or (isinstance(device, int) and device < 0):
        return current_device()
    place = Device(device)
    if place.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {place}")
    backend_of(place)
    return current_device() if place.index is None else place.index


def is_available() -> bool:
    """Whether CuPy is installed and sees a device."""
    load_backends()
    return "cuda" in backends


def device_count() -> int:
    """How many devices CuPy sees; 0 without it."""
    return backends["cuda"].device_count() if is_available() else 0


def is_initialized() -> bool:
    """Whether the CUDA backend is in use."""
    return "cuda" in backends


def init() -> None:
    """Brings the CUDA backend into use; the first use does so, too."""
    cupy()


def current_device() -> int:
    """The index of the device that new arrays go to."""
    return int(cupy().cuda.runtime.getDevice())


def set_device(device: DeviceLike) -> None:
    """Makes a device the current one of this thread; a negative index does nothing."""
    if not isinstance(device, int) or device >= 0:
        cupy().cuda.Device(index_of(device)).use()


class device:
    """A context in which another device is the current one.

    Args:
        device: the device; None or a negative index leaves the current one.
    """

    def __init__(self, device: DeviceLike | None) -> None:
        nothing = device is None or (isinstance(device, int) and device < 0)
        self.idx = -1 if nothing else index_of(device)
        self._before: list[int] = []

    def __enter__(self) -> None:
        self._before.append(current_device() if self.idx >= 0 else -1)
        set_device(self.idx)

    def __exit__(self, *exc: object) -> None:
        set_device(self._before.pop())


class device_of(device):
    """:class:`device` of a tensor; on the CPU it does nothing."""

    def __init__(self, obj: Tensor) -> None:
        super().__init__(obj.get_device())


def synchronize(device: DeviceLike | None = None) -> None:
    """Waits until all streams of a device have done their work."""
    cupy().cuda.Device(index_of(device)).synchronize()


# PyTorch's name of a property, and CUDA's.
_PROPERTIES = {
    "name": "name", "major": "major", "minor": "minor", "total_memory": "totalGlobalMem",
    "multi_processor_count": "multiProcessorCount", "warp_size": "warpSize",
    "max_threads_per_multi_processor": "maxThreadsPerMultiProcessor",
    "regs_per_multiprocessor": "regsPerMultiprocessor", "L2_cache_size": "l2CacheSize",
    "shared_memory_per_block": "sharedMemPerBlock", "is_integrated": "integrated",
    "shared_memory_per_multiprocessor": "sharedMemPerMultiprocessor",
    "is_multi_gpu_board": "isMultiGpuBoard",
}  # fmt: skip


class _Properties(SimpleNamespace):
    """What a device is: ``name``, ``major``, ``minor``, ``total_memory`` and so on."""


def get_device_properties(device: DeviceLike | None = None) -> _Properties:
    """What a device is, the current one by default."""
    found = cupy().cuda.runtime.getDeviceProperties(index_of(device))
    values = {ours: found[cudas] for ours, cudas in _PROPERTIES.items()}
    return _Properties(**values | {"name": values["name"].decode()})


def get_device_name(device: DeviceLike | None = None) -> str:
    """The name of a device."""
    return get_device_properties(device).name


def get_device_capability(device: DeviceLike | None = None) -> tuple[int, int]:
    """The compute capability, ``(major, minor)``."""
    found = get_device_properties(device)
    return found.major, found.minor


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether the current device computes in bfloat16; emulated, every device does."""
    return is_available() and (including_emulation or get_device_capability()[0] >= 8)


def can_device_access_peer(device: DeviceLike, peer_device: DeviceLike) -> bool:
    """Whether one device reads the memory of another."""
    first, second = index_of(device), index_of(peer_device)
    return bool(cupy().cuda.runtime.deviceCanAccessPeer(first, second))
