"""Declarations that are lines of text."""

from __future__ import annotations

import inspect

import pytest

import lamella_core as core
from lamella_core import declaration, signature
from lamella_core.conventions import pointwise


def test_a_line_is_read_as_a_function():
    function = signature.read("pick(input: Tensor, other: Tensor | None, places, keep: bool, out)")
    found = inspect.signature(function).parameters
    assert list(found) == ["input", "other", "places", "keep", "out"]
    assert found["out"].kind is inspect.Parameter.KEYWORD_ONLY
    assert function.__name__ == "pick"
    params, has_out = signature.parse(function)
    kinds = [(each.name, each.kind) for each in params]
    assert has_out and kinds == [
        ("input", "tensor"), ("other", "optional tensor"), ("places", "value"), ("keep", "value"),
    ]  # fmt: skip
    assert not any(each.has_default for each in params)
    assert signature.parse(signature.read("one(input: Tensor)"))[1] is False


def test_an_op_of_a_line(forget):
    forget[0].append("times")
    core.register_kernel("times", lambda xp, input, factor, negates: input * factor)
    times = pointwise("float")("times(input: Tensor, factor: float, negates: bool, out)")
    x = core.tensor([1.0, 2.0])
    assert times(x, 3.0, False).tolist() == [3.0, 6.0]
    out = core.empty(0)
    assert times(x, 2.0, False, out=out) is out and out.tolist() == [2.0, 4.0]
    assert not hasattr(core.Tensor, "times") and not hasattr(core.Tensor, "times_")
    assert declaration.in_place(times)(x, 4.0, True) is x and x.tolist() == [4.0, 8.0]
    with pytest.raises(TypeError, match="argument 'input' .position 1. must be Tensor, not list"):
        times([1.0], 2.0, False)
    with pytest.raises(TypeError, match="argument 'negates' .position 3. must be bool, not int"):
        times(x, 2.0, 1)
