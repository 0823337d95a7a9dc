"""Calls that leave a tensor as it is: its very self, a view of it or a copy, as in PyTorch.

``aliases.txt`` holds one expression a line, with ``@`` for the tensor.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

import lamella

CALLS = (Path(__file__).parent / "aliases.txt").read_text().splitlines()


def tensors(framework: ModuleType) -> list[Any]:
    image = framework.arange(32.0).reshape(1, 2, 4, 4)
    return [
        framework.arange(6.0).reshape(2, 3),
        framework.arange(6.0).reshape(3, 2).t(),
        image,
        image.contiguous(memory_format=framework.channels_last),
        framework.tensor(1.0),
    ]


def relation(result: Any, tensor: Any) -> Any:
    if result is tensor:
        return "itself"
    shares = result.untyped_storage().data_ptr() == tensor.untyped_storage().data_ptr()
    return shares, tuple(result.shape), tuple(result.stride()), str(result.dtype)[-7:]


def relations(framework: ModuleType, expression: str) -> list[Any]:
    found: list[Any] = []
    scope = {"torch": framework, "nn": framework.nn, "F": framework.nn.functional}
    for tensor in tensors(framework):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                result = eval(expression.replace("@", "tensor"), {**scope, "tensor": tensor})
            except Exception:
                result = None
        found.append(None if result is None else relation(result, tensor))
    return found


@pytest.mark.parametrize("expression", CALLS)
def test_results_share_memory_as_pytorchs_do(expression: str) -> None:
    expected = relations(torch, expression)
    assert any(expected)
    ours = relations(lamella, expression)
    assert [o for o, e in zip(ours, expected, strict=True) if e] == [e for e in expected if e]
