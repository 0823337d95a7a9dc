"""Programs on ``torch.func``, forward mode and ``Function`` under them: as under PyTorch."""

from __future__ import annotations

import runpy
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
lamella = pytest.importorskip("lamella")

_NAMES = runpy.run_path(str(Path(__file__).with_name("func_programs.py")))
PROGRAMS, NOT_REACHED = _NAMES["PROGRAMS"], _NAMES["NOT_REACHED"]


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
        return fits and np.allclose(left, right, rtol=1e-6, atol=1e-9, equal_nan=True)
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, Raised) and isinstance(right, Raised):
        return left.kind is right.kind
    return type(left) is type(right) and left == right


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    expected, got = outcomes(torch, name), outcomes(lamella, name)
    fails = "_fail" in name
    assert isinstance(expected[-1], Raised) == fails, f"not what the program is for: {expected}"
    assert not any(each is NOT_REACHED for each in expected)
    assert len(got) == len(expected), f"{got} instead of {expected}"
    for i, (want, have) in enumerate(zip(expected, got, strict=True)):
        assert same(want, have), f"outcome {i}: {have} instead of {want}"
