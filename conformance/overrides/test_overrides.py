"""The ``__torch_function__`` protocol: the same calls seen, in the same order, the same classes."""

from __future__ import annotations

import warnings

import pytest
import torch
import torch.overrides
from overrides import programs

import lamella
import lamella.overrides


@pytest.mark.parametrize("expression", programs.EXPRESSIONS)
def test_subclasses(expression: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = programs.logged(torch, expression)
        found = programs.logged(lamella, expression)
    assert found == expected


@pytest.mark.parametrize("name", ["handlers", "order", "disabled"])
def test_programs(name: str) -> None:
    program = getattr(programs, name)
    assert program(lamella) == program(torch)


def test_modes() -> None:
    expected = programs.modes(torch, torch.overrides.TorchFunctionMode)
    assert programs.modes(lamella, lamella.overrides.TorchFunctionMode) == expected


def test_functions_of_overrides() -> None:
    expected = programs.overrides(torch, torch.overrides)
    assert programs.overrides(lamella, lamella.overrides) == expected
