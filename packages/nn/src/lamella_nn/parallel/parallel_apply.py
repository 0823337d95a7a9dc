"""Modules called at the same time, a thread each."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Thread
from typing import Any

from lamella_core.device import Device
from lamella_core.dispatch import backend_of, modes
from lamella_nn.modules.module import Module

__all__ = ["parallel_apply"]


def parallel_apply(
    modules: Sequence[Module],
    inputs: Sequence[Any],
    kwargs_tup: Sequence[dict[str, Any]] | None = None,
    devices: Sequence[Device | str | int | None] | None = None,
) -> list[Any]:
    """The outputs of modules that are called at the same time, one thread for each.

    Args:
        modules: the modules.
        inputs: for each a tuple of positional arguments, or the only one.
        kwargs_tup: for each its keyword arguments.
        devices: for each the device that its thread works for.

    Returns:
        The outputs in the order of the modules.

    Raises:
        ValueError: there are not as many inputs, arguments or devices as modules.
        Exception: what the first of the modules that failed raised.
    """
    count = len(modules)
    kwargs = [{} for _ in modules] if kwargs_tup is None else kwargs_tup
    places: Sequence[Any] = [None] * count if devices is None else devices
    if not len(inputs) == len(kwargs) == len(places) == count:
        raise ValueError(
            f"parallel_apply: expected {count} inputs, keyword arguments and devices, as many as "
            f"modules, but got {len(inputs)}, {len(kwargs)} and {len(places)}"
        )
    results: list[Any] = [None] * count
    errors: dict[int, BaseException] = {}
    bits = modes.bits

    def call(i: int) -> None:
        # A thread starts without modes; whether to record, for instance, is the caller's choice.
        modes.bits = bits
        given = inputs[i]
        args = given if isinstance(given, (tuple, list)) else (given,)
        try:
            place = places[i]
            if place is None:
                results[i] = modules[i](*args, **kwargs[i])
            else:
                device = Device(place)
                with backend_of(device).using(device.index):
                    results[i] = modules[i](*args, **kwargs[i])
        except BaseException as error:
            error.add_note(f"in replica {i} on device {places[i]}")
            errors[i] = error

    if count == 1:
        call(0)
    else:
        threads = [Thread(target=call, args=(i,)) for i in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if errors:
        raise errors[min(errors)]
    return results
