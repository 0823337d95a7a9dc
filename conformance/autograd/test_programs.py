"""Programs on aliasing, in-place writes and hooks: the same outcomes as under PyTorch."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from programs import PROGRAMS

torch = pytest.importorskip("torch")
lamella = pytest.importorskip("lamella")


def plain(value: Any) -> Any:
    """An outcome as something that the two frameworks have in common."""
    if hasattr(value, "detach"):
        return np.array(value.detach().numpy())
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    return value


def outcomes(framework: Any, name: str) -> list[Any]:
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for value in PROGRAMS[name](framework):
                found.append(plain(value))
        except Exception as error:
            found.append(("raises", type(error).__name__))
    return found


def same(left: Any, right: Any) -> bool:
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        return left.dtype == right.dtype and np.allclose(left, right, rtol=1e-5, equal_nan=True)
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    expected, got = outcomes(torch, name), outcomes(lamella, name)
    assert len(got) == len(expected), f"{got} instead of {expected}"
    for i, (want, have) in enumerate(zip(expected, got, strict=True)):
        assert same(want, have), f"outcome {i}: {have} instead of {want}"
