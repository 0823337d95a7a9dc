"""Stopping and resuming exactly: who keeps a state, and the random state of a process."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from lamella_core import Generator, default_generator

State = dict[str, Any]


def keeps_state(thing: Any) -> bool:
    """Whether ``thing`` has both ``state_dict`` and ``load_state_dict``."""
    return callable(getattr(thing, "state_dict", None)) and callable(
        getattr(thing, "load_state_dict", None)
    )


def keeps_order(sampler: Any) -> bool:
    """Whether the state that ``sampler`` keeps is that of its own order.

    A subclass that overrides ``__iter__`` and inherits ``state_dict`` has another order than the
    one whose state it inherits. A class whose order is that of others says by a method
    ``_keeps_order`` whether they keep it.
    """
    if not keeps_state(sampler):
        return False
    for cls in type(sampler).__mro__:
        if "state_dict" in cls.__dict__:
            return cls.__dict__.get("_keeps_order", _always)(sampler)
        if "__iter__" in cls.__dict__:
            return False
    return True


def _always(sampler: Any) -> bool:
    return True


def check_state(state: Any, owner: Any, keys: tuple[str, ...]) -> None:
    """Raise ValueError where ``state`` is none that ``owner.state_dict()`` could have returned."""
    name = type(owner).__name__
    if not isinstance(state, Mapping):
        raise TypeError(
            f"{name}.load_state_dict expects the dict that state_dict() returned, got "
            f"{type(state).__name__}"
        )
    missing = [key for key in keys if key not in state]
    if missing:
        raise ValueError(
            f"this is no state of a {name}: it lacks {missing} and has {sorted(map(str, state))}"
        )


def plain_index(index: Any) -> Any:
    """An index, or a list of them, with Python's numbers for NumPy's, which no file of plain data
    may hold."""
    if isinstance(index, np.generic):
        return index.item()
    if type(index) in (list, tuple):
        return type(index)(map(plain_index, index))
    return index


def generators_of(*owners: Any) -> list[Generator]:
    """The generators that ``owners`` hold as ``generator``, each once."""
    found: dict[int, Generator] = {}
    for owner in owners:
        generator = getattr(owner, "generator", None)
        if isinstance(generator, Generator):
            found[id(generator)] = generator
    return list(found.values())


def random_state(generators: list[Generator] | None = None) -> State:
    """The state of the process's generators, lamella's, Python's and NumPy's, as plain data.

    Args:
        generators: others whose states are added.
    """
    return {
        "lamella": default_generator.get_state(),
        "python": random.getstate(),
        "numpy": _without_arrays(np.random.get_state(legacy=False)),
        "others": [generator.get_state() for generator in generators or ()],
    }


def _without_arrays(value: Any) -> Any:
    """The state of NumPy's generator, of whatever kind it is, with bytes for its arrays."""
    if isinstance(value, np.ndarray):
        return {"dtype": value.dtype.str, "bytes": value.tobytes()}
    if isinstance(value, dict):
        return {key: _without_arrays(one) for key, one in value.items()}
    return value.item() if isinstance(value, np.generic) else value


def _with_arrays(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    if "bytes" in value:
        return np.frombuffer(value["bytes"], value["dtype"]).copy()
    return {key: _with_arrays(one) for key, one in value.items()}


def set_random_state(state: State, generators: list[Generator] | None = None) -> None:
    """Set what :func:`random_state` returned."""
    default_generator.set_state(state["lamella"])
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    np.random.set_state(_with_arrays(state["numpy"]))
    for generator, one in zip(generators or (), state["others"], strict=True):
        generator.set_state(one)


@contextmanager
def under_random_state(
    state: State | None, generators: list[Generator] | None = None
) -> Iterator[None]:
    """Run a block under ``state``, and go on afterwards as if it had drawn nothing."""
    if state is None:
        yield
        return
    before = random_state(generators)
    set_random_state(state, generators)
    try:
        yield
    finally:
        set_random_state(before, generators)
