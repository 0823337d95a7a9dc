"""What an expression gives in PyTorch or lamella, in a form that can be compared."""

from __future__ import annotations

import math
import warnings
from types import ModuleType
from typing import Any

import numpy as np
import torch

import lamella


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
