"""Against Python's own functions, and PyTorch 2.13 where it makes a choice."""

from __future__ import annotations

import pytest

import lamella as torch


def test_numbers() -> None:
    assert torch.sym_not(False) is True and torch.sym_float(2) == 2.0
    assert [torch.sym_int(a) for a in (2.7, -2.7, 3)] == [2, -2, 3]
    assert torch.sym_sqrt(16) == 4.0 and torch.sym_sum([1, 2, 3]) == 6
    assert torch.sym_ite(True, 1, 2) == 1 and torch.sym_ite(False, 1, 2) == 2
    with pytest.raises(AssertionError):
        torch.sym_ite(1, 1, 2)
    with pytest.raises(AssertionError):
        torch.sym_ite(True, 1, 2.0)


def test_the_larger_of_an_integer_and_a_float_is_a_float() -> None:
    for result, expected in (
        (torch.sym_max(2, 1.5), 2.0),
        (torch.sym_min(1, 1.5), 1.0),
        (torch.sym_max(2, 3), 3),
        (torch.sym_min(2, 3), 2),
    ):
        assert result == expected and type(result) is type(expected)
