"""What a program yields under a framework, and whether two frameworks agree on it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np


class Raised:
    """The outcome of a program that was ended by an exception."""

    def __init__(self, error: Exception) -> None:
        self.kind = type(error)
        self.text = str(error)

    def __repr__(self) -> str:
        return f"raised {self.kind.__name__}: {self.text:.300}"


def plain(value: Any) -> Any:
    """An outcome as something that the two frameworks have in common."""
    if hasattr(value, "detach"):
        return np.array(value.detach().resolve_conj().numpy())
    if isinstance(value, (tuple, list)):
        return tuple(map(plain, value))
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return value


def outcomes(program: Callable[[Any], Iterator[Any]], framework: Any) -> list[Any]:
    """Everything that a program yields, and last the exception that ended it."""
    found: list[Any] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for value in program(framework):
                found.append(plain(value))
        except Exception as error:
            found.append(Raised(error))
    return found


def same(left: Any, right: Any) -> bool:
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        fits = left.dtype == right.dtype and left.shape == right.shape
        return fits and np.allclose(left, right, rtol=1e-5, atol=1e-8, equal_nan=True)
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, Raised) and isinstance(right, Raised):
        return left.kind is right.kind
    return type(left) is type(right) and left == right


def assert_same(got: list[Any], expected: list[Any]) -> None:
    """Fails at the first outcome that differs."""
    assert len(got) == len(expected), f"{got} instead of {expected}"
    for i, (want, have) in enumerate(zip(expected, got, strict=True)):
        assert same(want, have), f"outcome {i}: {have} instead of {want}"
