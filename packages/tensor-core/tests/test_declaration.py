"""What a declaration makes: callers, their variants, and operands that are none."""

from __future__ import annotations

import enum
import threading

import numpy as np
import pytest

import lamella_core as core
from lamella_core import declaration


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


def test_the_first_call_is_as_the_others():
    """A caller is compiled when it is called: by names, in a thread, under a guard."""
    template = core.hypot.__wrapped__
    for call in (
        lambda op: op(core.tensor(3.0), core.tensor(4.0)),
        lambda op: op(other=core.tensor(4.0), input=core.tensor(3.0)),
        lambda op: op(core.tensor(3.0), core.tensor(4.0), out=core.empty(())),
        lambda op: declaration.complete(op)(core.tensor(3.0), core.tensor(4.0)),
    ):
        op = declaration._make_caller(core.hypot.op, template, has_out=True)
        assert op.__name__ == op.__qualname__ == "hypot"
        assert [call(op).item(), call(op).item()] == [5.0, 5.0]
    op = declaration._make_caller(core.hypot.op, template, has_out=True)
    for _ in range(2):
        with pytest.raises(TypeError, match="'other' .position 2. must be Tensor, not float"):
            op(core.tensor(3.0), 4.0)
        with pytest.raises(TypeError, match="unexpected keyword argument 'another'"):
            op(core.tensor(3.0), another=1)


def test_threads_that_call_first():
    op = declaration._make_caller(core.hypot.op, core.hypot.__wrapped__, has_out=True)
    ready = threading.Barrier(8)
    found = []

    def call():
        ready.wait()
        found.append(op(core.tensor(3.0), core.tensor(4.0)).item())

    threads = [threading.Thread(target=call) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == [5.0] * 8
