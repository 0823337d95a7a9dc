"""Seeds and states of the generators on CUDA devices."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from lamella.cuda.devices import device_count, index_of, is_available
from lamella_core.device import Device
from lamella_core.generator import _bytes_array, _bytes_tensor, default_of, seeded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lamella_core.tensor import Tensor
    from lamella_core.typing import DeviceLike

__all__ = [
    "get_rng_state", "get_rng_state_all", "initial_seed", "manual_seed", "manual_seed_all", "seed",
    "seed_all", "set_rng_state", "set_rng_state_all",
]  # fmt: skip


def _source(device: DeviceLike | None) -> Any:
    return default_of(Device("cuda", index_of(device)))


def manual_seed(seed: int) -> None:
    """Seeds the current device's generator; without a device nothing happens."""
    if is_available():
        _source(None).manual_seed(int(seed))


def manual_seed_all(seed: int) -> None:
    """Seeds the generators of all devices."""
    if is_available():
        for follow in seeded:
            follow(int(seed))


def seed() -> None:
    """Seeds the current device's generator from the operating system."""
    manual_seed(secrets.randbits(53))


def seed_all() -> None:
    """Seeds the generators of all devices alike from the operating system."""
    manual_seed_all(secrets.randbits(53))


def initial_seed() -> int:
    """The seed of the current device's generator."""
    return _source(None).initial_seed()


def get_rng_state(device: DeviceLike = "cuda") -> Tensor:
    """The state of a device's generator: a uint8 tensor on the CPU."""
    return _bytes_tensor(_source(device).get_state())


def get_rng_state_all() -> list[Tensor]:
    """The states of all devices."""
    return [get_rng_state(i) for i in range(device_count())]


def set_rng_state(new_state: Tensor, device: DeviceLike = "cuda") -> None:
    """Lets a device's generator continue from a state."""
    _source(device).set_state(_bytes_array(new_state))


def set_rng_state_all(new_states: Iterable[Tensor]) -> None:
    """Lets every device's generator continue from its state."""
    for i, state in enumerate(new_states):
        set_rng_state(state, i)
