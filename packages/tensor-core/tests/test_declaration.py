"""What a declaration makes: callers, their variants, and operands that are none."""

from __future__ import annotations

import enum

import numpy as np
import pytest

import lamella_core as core


def test_an_op_is_a_function_a_method_and_an_inplace_method(double_it):
    x = core.tensor([1.0, 2.0])
    assert double_it(x).tolist() == x.double_it().tolist() == [2.0, 4.0]
    assert x.double_it_() is x and x.tolist() == [2.0, 4.0]
    out = core.empty(0)
    assert double_it(x, out=out) is out and out.tolist() == [4.0, 8.0]
    assert double_it.__doc__ == "Twice the input." and double_it.__name__ == "double_it"


def test_what_is_no_operand():
    x = core.ones(2)
    with pytest.raises(TypeError, match="must be Tensor, not str"):
        core.add("a", x)
    with pytest.raises(TypeError, match="must be Tensor, not list"):
        core.exp([1.0])


def test_numbers_of_other_kinds_count_as_numbers():
    class Three(enum.IntEnum):
        THREE = 3

    x = core.ones(2)
    assert (x + np.float64(2)).tolist() == [3.0, 3.0]
    assert (x + np.float64(2)).dtype is core.float32
    assert core.add(x, Three.THREE).tolist() == [4.0, 4.0]
