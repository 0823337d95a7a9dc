"""Calls warn where PyTorch's do, in the same category; the words are their own.

``warning_calls.txt`` holds one expression a line, over the tensors of ``evaluation.names``.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from types import ModuleType

import pytest
import torch

import lamella

sys.path.insert(0, str(Path(__file__).parent))

from evaluation import names

CALLS = (Path(__file__).parent / "warning_calls.txt").read_text().splitlines()


def categories(framework: ModuleType, expression: str) -> set[str]:
    framework.set_warn_always(True)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                eval(expression, names(framework))
            except Exception:
                return {"an error"}
        return {each.category.__name__ for each in caught}
    finally:
        framework.set_warn_always(False)


@pytest.mark.parametrize("expression", CALLS)
def test_the_categories_are_pytorchs(expression: str) -> None:
    assert categories(lamella, expression) == categories(torch, expression)
