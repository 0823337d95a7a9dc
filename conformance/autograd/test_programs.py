"""Programs on aliasing, in-place writes and hooks: the same outcomes as under PyTorch."""

from __future__ import annotations

import inspect

import pytest
from autograd.outcomes import Raised, assert_same, outcomes
from autograd.programs import PROGRAMS

torch = pytest.importorskip("torch")
lamella = pytest.importorskip("lamella")


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    expected, got = outcomes(PROGRAMS[name], torch), outcomes(PROGRAMS[name], lamella)
    raises = inspect.getsource(PROGRAMS[name]).rstrip().endswith("yield NOT_REACHED")
    assert isinstance(expected[-1], Raised) == raises, f"not what the program is for: {expected}"
    assert_same(got, expected)
