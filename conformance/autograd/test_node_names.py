"""Names of nodes, as ``repr`` prints them: those of PyTorch for the same expression.

``node_names.txt`` holds one expression a line, over the tensors below; statements may come before
it, with a semicolon behind each. Of several results the first is looked at.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

import lamella

EXPRESSIONS = (Path(__file__).parent / "node_names.txt").read_text().splitlines()


def _tensors(framework: ModuleType) -> dict[str, Any]:
    framework.manual_seed(0)

    def leaf(*shape: int) -> Any:
        return framework.rand(shape).requires_grad_()

    return {
        "torch": framework,
        "nn": framework.nn,
        "F": framework.nn.functional,
        "s": leaf(),
        "v": leaf(3),
        "u": leaf(3),
        "x": leaf(3, 3),
        "y": leaf(3, 3),
        "t": framework.rand(3, 3),
        "I": framework.eye(3),
        "c": framework.rand(3, 3).to(framework.complex64).requires_grad_(),
        "w": leaf(5, 3),
        "b": leaf(5),
        "p": leaf(2, 3, 4),
        "q": leaf(2, 4, 5),
        "im1": leaf(2, 4, 8),
        "im": leaf(2, 4, 8, 8),
        "im3": leaf(2, 4, 6, 6, 6),
        "lab": framework.tensor([0, 2, 1]),
        "idx": framework.tensor([0, 2]),
        "tok": framework.tensor([[1, 2, 0], [0, 1, 1]]),
        "mask": framework.tensor([[True, False, True]] * 3),
    }


def _printed(framework: ModuleType, line: str) -> str:
    names = _tensors(framework)
    *statements, expression = line.split(";")
    for statement in statements:
        exec(statement.strip(), names)
    result = eval(expression.strip(), names)
    while isinstance(result, tuple | list):
        result = result[0]
    name = result.grad_fn.name()
    assert repr(result).endswith(f"grad_fn=<{name.rpartition(':')[2]}>)")
    return name


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_name(expression: str) -> None:
    assert _printed(lamella, expression) == _printed(torch, expression)
