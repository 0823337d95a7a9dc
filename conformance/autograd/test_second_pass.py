"""Whether a second backward pass without ``retain_graph`` is refused, on the operator database.

PyTorch refuses it where a node of the graph saved a tensor, and allows it where none did.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
lamella = pytest.importorskip("lamella")

from carry import tensors_in, unpack  # noqa: E402
from derivatives import cotangents, requiring_grad  # noqa: E402
from resolve import SEED, function, has_op, seed  # noqa: E402
from samples import Sample, differentiable, label, left_out, samples  # noqa: E402
from torch.testing._internal.common_methods_invocations import op_db  # noqa: E402

DTYPES = ("float64", "complex128")
SAMPLES = 6
PARTS = 4

# Ops that differ, each with the reason.
DIFFER = {
    "masked.mean": "without a mask it is the mean, which saves nothing; PyTorch makes a mask",
    "nn.functional.linear_cross_entropy/chunked": "the chunks are computed again in the backward "
    "pass; PyTorch computes their gradients in the forward pass",
    "ormqr": "of nothing it is a copy, which saves nothing",
}

OPS = [
    op
    for op in op_db
    if left_out(op) is None
    and has_op(op, lamella)
    and any(differentiable(op, dtype) for dtype in DTYPES)
]


def outcome(op: Any, sample: Sample, module: Any) -> str | None:
    """What a second pass does, or None where there is not even a first."""
    arguments = unpack(sample.arguments, module)
    input, args, kwargs = arguments
    seed(module)
    try:
        result = sample.process(function(op, module)(input, *args, **kwargs))
        results = requiring_grad(tensors_in(result, module.Tensor))
        inputs = requiring_grad(tensors_in(arguments, module.Tensor))
        seeds = cotangents(results, np.random.default_rng(SEED), module)
        module.autograd.grad(results, inputs, seeds, allow_unused=True)
    except Exception:
        return None
    try:
        module.autograd.grad(results, inputs, seeds, allow_unused=True)
    except RuntimeError as error:
        assert "backward through the graph a second time" in str(error)
        return "refused"
    return "allowed"


def differences(op: Any) -> tuple[list[str], int]:
    """The samples on which the two differ, a line each, and how many were compared."""
    found, ran = [], 0
    for dtype in DTYPES:
        if not differentiable(op, dtype):
            continue
        for sample in samples(op, dtype, True, SAMPLES)[0]:
            theirs = outcome(op, sample, torch)
            if theirs is None:
                continue
            ran += 1
            ours = outcome(op, sample, lamella)
            if ours != theirs:
                where = f"{label(op)}, {dtype}, sample {sample.index}"
                found.append(f"{where}: {ours}, in PyTorch {theirs}")
    return found, ran


@pytest.mark.parametrize("part", range(PARTS))
def test_database(part: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = [differences(op) for op in OPS[part::PARTS] if label(op) not in DIFFER]
    found = [line for lines, _ in results for line in lines]
    assert not found, "\n".join(found)
    assert sum(ran for _, ran in results) > 500


def test_what_differs_does() -> None:
    same = [label(op) for op in OPS if label(op) in DIFFER and not differences(op)[0]]
    assert not same, f"no longer different: {same}"
