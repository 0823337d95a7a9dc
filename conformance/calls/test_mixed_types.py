"""Types of results, values, and refusals of operands of mixed types are PyTorch's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

import lamella

sys.path.insert(0, str(Path(__file__).parent))

from mixed_types import NAMES, NUMBERS, agree, operands, outcomes, with_number


def makes_complex32(key: tuple[str, ...], expected: object) -> bool:
    """Whether PyTorch computes in complex32, which lamella has not; it has complex64 there."""
    form, left, right = key
    if "float16" not in key:
        return False
    make, other = (with_number, NUMBERS[right]) if right in NUMBERS else (operands, right)
    common = torch.result_type(*make(torch, left, other)[form.split()[-1]])
    return torch.complex32 is common or "complex32" in str(expected)


def excused(name: str, key: tuple[str, ...], expected: object, got: object) -> bool:
    """What is otherwise, each with its reason."""
    _, left, right = key
    kinds = {left, right}
    if name in ("pow", "operator pow") or name.startswith("clamp"):
        # PyTorch's shortcuts for powers 0 and 1 and for one bound take bools, or refuse them,
        # against what the op does elsewhere.
        if kinds <= {"bool", "True"} and "NotImplementedError" in (expected, got):
            return True
    if name.startswith("clamp") or (name == "ldexp" and "bool" in kinds):
        # Both refuse; which of two reasons comes first depends on the form in PyTorch.
        if isinstance(expected, str) and isinstance(got, str):
            return {expected, got} == {"NotImplementedError", "RuntimeError"}
    if name == "ldexp" and "float16" in kinds and "complex" in left:
        # 2 to the power is computed in complex32.
        return expected == "NotImplementedError"
    return makes_complex32(key, expected)


@pytest.mark.parametrize("name", NAMES)
def test_two_operands(name: str) -> None:
    expected, got = outcomes(torch, name), outcomes(lamella, name)
    different = [
        f"{' '.join(key)}: {got[key]}, expected {value}"
        for key, value in expected.items()
        if not agree(value, got[key], "16" in "".join(key))
        and not excused(name, key, value, got[key])
    ]
    assert not different, f"{len(different)} of {len(expected)}: " + "; ".join(different[:20])
