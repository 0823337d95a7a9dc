"""Programs as users write them, run under PyTorch and under lamella, whose prints must agree."""

from __future__ import annotations

import contextlib
import io
import random
import re
import runpy
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

import lamella

PROGRAMS = sorted((Path(__file__).parent / "whole").glob("*.py"))
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[+-]?\d+)?(?!\w)")

# Training multiplies the last bits of a sum; another random number is far outside of this.
RELATIVE, ABSOLUTE = 1e-3, 1e-5


def for_lamella(source: str) -> str:
    """The program with the imports that lamella's README asks for, and nothing else changed."""

    def renamed(match: re.Match[str]) -> str:
        parts = []
        for part in match[2].split(","):
            name, *alias = part.split()
            if name == "torch" and not alias:
                part = "lamella as torch"
            elif name.startswith("torch.") and not alias:
                part = f"lamella as torch, lamella{name[5:]}"
            elif name.split(".")[0] == "torch":
                part = " ".join(["lamella" + name[5:], *alias])
            parts.append(part.strip())
        return f"{match[1]}import {', '.join(parts)}"

    source = re.sub(r"^(\s*)import (.*\btorch\b.*)$", renamed, source, flags=re.M)
    return re.sub(r"^(\s*)from torch\b", r"\1from lamella", source, flags=re.M)


def printed(source: str, framework: object, place: Path) -> list[str]:
    place.write_text(source)
    random.seed(0)
    np.random.seed(0)
    framework.manual_seed(0)
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            runpy.run_path(str(place), run_name="__main__")
    finally:
        framework.set_printoptions(profile="default")
        framework.set_default_dtype(framework.float32)
    return output.getvalue().splitlines()


def agree(one: str, other: str) -> bool:
    if NUMBER.sub("#", one) != NUMBER.sub("#", other):
        return False
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return all(abs(float(a) - float(b)) <= ABSOLUTE + RELATIVE * abs(float(a)) for a, b in pairs)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_program(program, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = program.read_text()
    renamed = for_lamella(source)
    assert not re.search(r"^\s*(import|from) torch\b", renamed, flags=re.M)
    expected = printed(source, torch, tmp_path / "with_torch.py")
    found = printed(renamed, lamella, tmp_path / "with_lamella.py")
    assert len(expected) > 5
    unlike = [
        f"{one!r} is {other!r} in lamella"
        for one, other in zip(expected, found, strict=False)
        if not agree(one, other)
    ]
    assert not unlike, "\n".join(unlike[:10])
    assert len(found) == len(expected)


def test_another_number_is_seen():
    assert agree("loss 1.23456", "loss 1.23457")
    assert not agree("loss 1.23456", "loss 1.24")
    assert not agree("tensor([1.])", "tensor([1.], requires_grad=True)")
