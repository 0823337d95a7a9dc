"""Calls with odd arguments: the same result as PyTorch's, or an exception of the same type.

``odd_calls.txt`` holds one expression a line, over the tensors below.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import lamella

CALLS = (Path(__file__).parent / "odd_calls.txt").read_text().splitlines()


def names(framework: ModuleType) -> dict[str, Any]:
    x = framework.arange(6.0).reshape(2, 3)
    return {
        "torch": framework,
        "nn": framework.nn,
        "F": framework.nn.functional,
        "np": np,
        "x": x,
        "i": framework.arange(6).reshape(2, 3),
        "b": x > 2,
        "v": framework.arange(3.0),
        "c": x + 1j,
        "e": framework.zeros(0),
        "L": framework.tensor([0, 1]),
        "nanidx": framework.tensor([float("nan")]),
    }


def numbers(values: Any) -> Any:
    if isinstance(values, list):
        return [numbers(each) for each in values]
    if isinstance(values, complex):
        return numbers(values.real), numbers(values.imag)
    if isinstance(values, float):
        return "nan" if math.isnan(values) else float(f"{values:.4g}")
    return values


def described(value: Any) -> Any:
    """What is compared of a result: for a tensor its type, shape and elements."""
    if isinstance(value, (torch.Tensor, lamella.Tensor)):
        name = str(value.dtype).partition(".")[2]
        return name, tuple(value.shape), numbers(value.detach().tolist())
    if isinstance(value, dict):
        return {key: described(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [described(each) for each in value]
    if value is None or isinstance(value, (bool, int, float, complex, str)):
        return numbers(value)
    return type(value).__name__


def outcome(framework: ModuleType, expression: str) -> Any:
    framework.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return described(eval(expression, names(framework)))
        except Exception as error:
            return type(error).__name__


@pytest.mark.parametrize("expression", CALLS)
def test_the_outcome_is_pytorchs(expression: str) -> None:
    expected = outcome(torch, expression)
    if expected == "AttributeError" and expression.startswith("F."):
        # PyTorch's functions in Python ask for attributes of what is no tensor.
        expected = "TypeError"
    assert outcome(lamella, expression) == expected
