"""Arguments of wrong types, put in turn into a sample of every op of the operator database.

Where PyTorch raises TypeError, lamella does, or takes the argument.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.testing._internal.common_methods_invocations import op_db

import lamella

sys.path.insert(0, str(Path(__file__).parent.parent))

import resolve
import samples
from carry import unpack

WRONG = ("a", None, {}, [None], 1j)

# What PyTorch tells by type, and lamella otherwise.
EXCEPTIONS = {
    # An argument that is taken either way: a size or a type, a number or a list.
    **dict.fromkeys(("arange", "expand", "to", "view_copy", "repeat_interleave"), "two signatures"),
    **dict.fromkeys(("expand_copy", "unfold_copy", "positive", "einsum"), "a method of the input"),
    # A mode that is none of the known, of whatever type, is refused by its value.
    **dict.fromkeys(("nn.functional.linear_cross_entropy", "nn.functional.pad"), "a mode"),
    **dict.fromkeys(("meshgrid", "masked.norm", "masked.normalize"), "a mode"),
    **dict.fromkeys(
        ("nn.functional.gaussian_nll_loss", "nn.functional.poisson_nll_loss"), "a mode"
    ),
    # The value is looked at before the type.
    **dict.fromkeys(("clamp", "gradient", "normal", "histogramdd"), "the value first"),
    **dict.fromkeys(("var", "std", "var_mean", "std_mean"), "the value first"),
    **dict.fromkeys(("linalg.multi_dot", "linalg.matrix_norm"), "the value first"),
}

OPS = [
    op
    for op in op_db
    if samples.left_out(op) is None
    and op.name not in samples.UNINITIALIZED
    and not op.name.startswith("__")
    and resolve.has_op(op, lamella)
    and torch.float32 in op.supported_dtypes("cpu")
]


def error_of(function: Any, module: Any, arguments: Any) -> str | None:
    input, args, kwargs = unpack(arguments, module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            function(input, *args, **kwargs)
        except Exception as error:
            return type(error).__name__
    return None


def with_wrong(sample: Any, wrong: Any) -> Any:
    """Where an argument is replaced, and the arguments then, for each of them in turn."""
    input, args, kwargs = sample.arguments
    yield "input", (wrong, args, kwargs)
    for i in range(len(args)):
        yield str(i), (input, (*args[:i], wrong, *args[i + 1 :]), kwargs)
    for name in kwargs:
        yield name, (input, args, {**kwargs, name: wrong})


@pytest.mark.parametrize("op", OPS, ids=samples.label)
def test_wrong_types(op: Any) -> None:
    found, _ = samples.samples(op, "float32", False, 400)
    if not found:
        pytest.skip("no sample that can be carried")
    sample = max(found[:40], key=lambda each: len(each.args) + len(each.kwargs))
    theirs, ours = resolve.function(op, torch), resolve.function(op, lamella)
    # A method is asked of what has it.
    method = resolve.public_path(op).startswith("Tensor.")
    failures = []
    for wrong in WRONG:
        for place, arguments in with_wrong(sample, wrong):
            if place == "input" and method:
                continue
            expected = error_of(theirs, torch, arguments)
            got = error_of(ours, lamella, arguments)
            if expected == "TypeError" and got not in (None, expected):
                failures.append(f"{place}={wrong!r}: {got}, expected {expected}")
    if failures and op.name in EXCEPTIONS:
        pytest.xfail(EXCEPTIONS[op.name])
    assert not failures, "; ".join(failures)
