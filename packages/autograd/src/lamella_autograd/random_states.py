"""The states of the random generators that a function draws from: the CPU's and its devices'."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.device import Device
from lamella_core.generator import default_of, defaults
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable


class RandomStates:
    """The states now of the default generators of some devices."""

    def __init__(self, devices: Iterable[Device]) -> None:
        self.states = {each: default_of(each).get_state() for each in devices}

    def set(self) -> None:
        """Puts the generators into these states."""
        for each, state in self.states.items():
            default_of(each).set_state(state)

    def restored(self) -> _Restored:
        """In the block, the generators start from these states; after it, they are as before."""
        return _Restored(self)


class _Restored:
    def __init__(self, states: RandomStates) -> None:
        self.states = states

    def __enter__(self) -> None:
        self.before = RandomStates(self.states.states)
        self.states.set()

    def __exit__(self, *exc: object) -> None:
        self.before.set()


def devices_of(values: Iterable[Any]) -> list[Device]:
    """The devices with a generator of the tensors among some values and in their containers.

    The CPU is always one of them.
    """
    found: dict[Device, None] = {Device("cpu"): None}
    stack = list(values)
    while stack:
        value = stack.pop()
        if isinstance(value, Tensor):
            if value.device.type in defaults:
                found[value.device] = None
        elif isinstance(value, (tuple, list)):
            stack.extend(value)
        elif isinstance(value, dict):
            stack.extend(value.values())
    return list(found)
