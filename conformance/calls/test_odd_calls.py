"""Calls with odd arguments: the same result as PyTorch's, or an exception of the same type.

``odd_calls.txt`` holds one expression a line, over the tensors of ``evaluation.names``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

import lamella

sys.path.insert(0, str(Path(__file__).parent))

from evaluation import outcome

CALLS = (Path(__file__).parent / "odd_calls.txt").read_text().splitlines()


@pytest.mark.parametrize("expression", CALLS)
def test_the_outcome_is_pytorchs(expression: str) -> None:
    expected = outcome(torch, expression)
    if expected == "AttributeError" and expression.startswith("F."):
        # PyTorch's functions in Python ask for attributes of what is no tensor.
        expected = "TypeError"
    assert outcome(lamella, expression) == expected
