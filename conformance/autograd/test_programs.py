"""Programs on aliasing, in-place writes and hooks: the same outcomes as under PyTorch."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
import pytest
from autograd.programs import PROGRAMS

torch = pytest.importorskip("torch")
lamella = pytest.importorskip("lamella")


class Raised:
    """The outcome of a program that was ended by an exception."""

    def __init__(self, error: Exception) -> None:
        self.kind = type(error)

    def __repr__(self) -> str:
        return f"raised {self.kind.__name__}"


def plain(value: Any) -> Any:
    """An outcome as something that the two frameworks have in common."""
    if hasattr(value, "detach"):
        return np.array(value.detach().numpy())
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    return value


def outcomes(framework: Any, name: str) -> list[Any]:
    found: list[Any] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for value in PROGRAMS[name](framework):
                found.append(plain(value))
        except Exception as error:
            found.append(Raised(error))
    return found


def same(left: Any, right: Any) -> bool:
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        fits = left.dtype == right.dtype and left.shape == right.shape
        return fits and np.allclose(left, right, rtol=1e-5, equal_nan=True)
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, Raised) and isinstance(right, Raised):
        return left.kind is right.kind
    return type(left) is type(right) and left == right


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    expected, got = outcomes(torch, name), outcomes(lamella, name)
    raises = inspect.getsource(PROGRAMS[name]).rstrip().endswith("yield NOT_REACHED")
    assert isinstance(expected[-1], Raised) == raises, f"not what the program is for: {expected}"
    assert len(got) == len(expected), f"{got} instead of {expected}"
    for i, (want, have) in enumerate(zip(expected, got, strict=True)):
        assert same(want, have), f"outcome {i}: {have} instead of {want}"
