"""Programs on ``torch.func``, forward mode and ``Function`` under them: as under PyTorch."""

from __future__ import annotations

import pytest
from autograd.func_programs import NOT_REACHED, PROGRAMS
from autograd.outcomes import Raised, assert_same, outcomes

torch = pytest.importorskip("torch")
lamella = pytest.importorskip("lamella")


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    expected, got = outcomes(PROGRAMS[name], torch), outcomes(PROGRAMS[name], lamella)
    fails = "_fail" in name
    assert isinstance(expected[-1], Raised) == fails, f"not what the program is for: {expected}"
    assert not any(each is NOT_REACHED for each in expected)
    assert_same(got, expected)
