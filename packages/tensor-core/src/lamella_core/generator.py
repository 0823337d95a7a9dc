"""Generators of random numbers as users hold them, and the state of the default one.

``lamella_core.random`` makes the CPU's numbers on arrays; here are ``torch.Generator`` and the
functions of ``torch.random``.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lamella_core import random as arrays
from lamella_core.device import CPU, Device
from lamella_core.dispatch import backend_of, backends
from lamella_core.tensor import Tensor, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lamella_core.typing import DeviceLike

__all__ = [
    "Generator", "default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed",
    "seed", "set_rng_state",
]  # fmt: skip


class Generator:
    """A source of random numbers with a state of its own.

    Args:
        device: where the numbers are made. The CPU's generator gives PyTorch's numbers: MT19937,
            seeded and transformed alike.

    Raises:
        RuntimeError: for a device whose backend offers no generator.
    """

    __slots__ = ("__weakref__", "source")

    source: Any

    def __init__(self, device: DeviceLike = "cpu") -> None:
        device = Device(device)
        if device.type not in makers:
            backend_of(device)
        make = makers.get(device.type)
        if make is None:
            raise RuntimeError(
                f"Generator: no generator for device type {device.type!r}; there are some for "
                f"{', '.join(makers)}"
            )
        self.source = make(device)

    @property
    def device(self) -> Device:
        """Where the numbers are made."""
        return Device(self.source.device)

    def manual_seed(self, seed: int) -> Generator:
        """Restarts the stream from ``seed`` and returns the generator.

        Args:
            seed: in [-2^63, 2^64 - 1]; a negative one stands for ``seed + 2^64``.
        """
        self.source.manual_seed(seed)
        return self

    def seed(self) -> int:
        """Restarts from a seed of the operating system's entropy and returns it."""
        return self.source.seed()

    def initial_seed(self) -> int:
        """The seed that the stream was started from."""
        return self.source.initial_seed()

    def get_state(self) -> Tensor:
        """The state: a uint8 tensor on the CPU, byte for byte PyTorch's."""
        return _bytes_tensor(self.source.get_state())

    def set_state(self, new_state: Tensor) -> Generator:
        """Continues from a state that :meth:`get_state` returned; returns the generator.

        Raises:
            TypeError: when it is not a uint8 tensor on the CPU.
            RuntimeError: when it is not a state.
        """
        self.source.set_state(_bytes_array(new_state))
        return self

    def clone_state(self) -> Generator:
        """A generator of its own that continues as this one would."""
        return _over(self.source.clone_state())

    def __reduce__(self) -> tuple[Any, ...]:
        return _over, (self.source,)


def _over(source: Any) -> Generator:
    generator = Generator.__new__(Generator)
    generator.source = source
    return generator


def _bytes_tensor(state: Any) -> Tensor:
    from lamella_core.dtype import uint8

    return wrap(state, uint8, backend_of(CPU).key)


def _bytes_array(state: Any) -> Any:
    if not isinstance(state, Tensor) or not state.is_cpu or state._dtype.name != "uint8":
        what = (
            f"{state.device} {state._dtype!r}"
            if isinstance(state, Tensor)
            else type(state).__name__
        )
        raise TypeError(f"RNG state must be a torch.ByteTensor (on the CPU), got {what}")
    return state._array


def source_of(generator: Generator | None, at: Any = None) -> Any:
    """What a kernel is given for a generator argument; None means the device's default one.

    Raises:
        TypeError: when it is no generator.
        RuntimeError: when it is for another type of device than ``at``, a tensor or a device.
    """
    if generator is None:
        return None
    if not isinstance(generator, Generator):
        raise TypeError(
            f"argument 'generator' must be torch.Generator, not {type(generator).__name__}"
        )
    if at is not None:
        own, place = generator.device.type, getattr(at, "device", at).type
        if own != place:
            raise RuntimeError(f"Expected a '{place}' device type for generator but found '{own}'")
    return generator.source


makers: dict[str, Callable[[Device], Any]] = {"cpu": lambda device: arrays.Generator(device)}
"""Device type to a function of a device that makes a source of random numbers: an object with the
methods of ``lamella_core.random.Generator``. A backend with random kernels adds its own."""

seeded: list[Callable[[int], Any]] = []
"""Functions that :func:`manual_seed` calls with the seed; a backend adds one for its devices."""

latest: list[int] = []
"""The seed that all default generators were given last, for devices that come into use later."""

default_generator = _over(arrays.default_generator)


def manual_seed(seed: int) -> Generator:
    """Seeds the default generators of all devices and returns the CPU's."""
    seed = int(seed)
    default_generator.manual_seed(seed)
    _seed_others(seed)
    return default_generator


def _seed_others(seed: int) -> None:
    latest[:] = [seed]
    for follow in seeded:
        follow(seed)


def seed() -> int:
    """Seeds the default generators of all devices from the operating system; returns the seed."""
    value = default_generator.seed()
    _seed_others(value)
    return value


def initial_seed() -> int:
    """The seed of the CPU's default generator."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the CPU's default generator: a uint8 tensor."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Lets the CPU's default generator continue from ``new_state``."""
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(
    devices: Iterable[Any] | None = None, enabled: bool = True, device_type: str = "cuda"
) -> Iterator[None]:
    """A context after which the default generators continue as if it had not been.

    Args:
        devices: the devices besides the CPU whose state is kept; by default all of the type.
        enabled: whether the context does anything.
        device_type: the type of ``devices``.

    Raises:
        RuntimeError: when ``devices`` are given whose backend keeps no state of its own.
    """
    if not enabled:
        yield
        return
    if devices is None:
        known = device_type in defaults and device_type in backends
        devices = range(backends[device_type].device_count()) if known else ()
    others = [
        default_of(Device(device_type, d) if isinstance(d, int) else Device(d)) for d in devices
    ]
    kept = [(each, each.get_state()) for each in (default_generator.source, *others)]
    try:
        yield
    finally:
        for each, state in kept:
            each.set_state(state)


defaults: dict[str, Callable[[Device], Any]] = {"cpu": lambda device: arrays.default_generator}
"""Device type to a function of a device that returns its default source of random numbers."""


def default_of(device: Device) -> Any:
    """The default source of random numbers of a device.

    Raises:
        RuntimeError: when its backend offers none.
    """
    if device.type not in defaults:
        backend_of(device)
    if device.type not in defaults:
        raise RuntimeError(
            f"no generator for device type {device.type!r}; there are some for "
            f"{', '.join(defaults)}"
        )
    return defaults[device.type](device)
