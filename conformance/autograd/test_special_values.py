"""Values, first and second derivatives at NaN, infinities, zeros, ties and bounds."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from autograd.special_values import CASES, FIRST_ONLY

torch = pytest.importorskip("torch")
lamella = pytest.importorskip("lamella")

PARTS = 4


def derivatives(module: Any, expression: str, inputs: tuple[np.ndarray, ...], second: bool) -> Any:
    """The value, the gradients by x and y, and the gradients of these by x, y and cotangent."""
    tensors = [module.tensor(each, requires_grad=True) for each in inputs]
    names = dict(zip("xy", tensors, strict=False))
    scope = {"t": module, "F": module.nn.functional, "inf": np.inf, **names}
    value = eval(expression, scope)
    found = {"value": value.detach().clone().numpy()}
    if not value.requires_grad:
        return found
    weights = np.cos(np.arange(value.numel())).reshape(tuple(value.shape)) + 1.5
    cotangent = module.tensor(weights, requires_grad=True)
    first = module.autograd.grad(value, tensors, cotangent, create_graph=second, allow_unused=True)
    for i, grad in enumerate(first):
        found[f"gradient {i}"] = _array(grad, tensors[i])
    if not second:
        return found
    wanted = [*tensors, cotangent]
    pairs = [grad for grad in first if grad is not None and grad.requires_grad]
    if pairs:
        seeds = [
            module.tensor(np.sin(np.arange(grad.numel())).reshape(tuple(grad.shape)) + 1.5)
            for grad in pairs
        ]
        again = module.autograd.grad(pairs, wanted, seeds, allow_unused=True)
    else:
        again = [None] * len(wanted)
    for i, grad in enumerate(again):
        found[f"second derivative {i}"] = _array(grad, wanted[i])
    return found


def _array(grad: Any, like: Any) -> np.ndarray:
    if grad is None:
        return np.zeros(tuple(like.shape))
    return grad.detach().clone().numpy()


def difference(expression: str, inputs: tuple[np.ndarray, ...]) -> str | None:
    second = not any(expression.startswith(name) for name in FIRST_ONLY)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        theirs = derivatives(torch, expression, inputs, second)
        ours = derivatives(lamella, expression, inputs, second)
    if theirs.keys() != ours.keys():
        return f"{expression}: {sorted(ours)} instead of {sorted(theirs)}"
    for what, want in theirs.items():
        have = ours[what]
        fits = want.shape == have.shape
        if not fits or not np.allclose(have, want, rtol=1e-7, atol=1e-12, equal_nan=True):
            wrong = ~np.isclose(have, want, rtol=1e-7, atol=1e-12, equal_nan=True) if fits else ()
            return f"{expression}: {what} is {have[wrong]} instead of {want[wrong]}"
    return None


@pytest.mark.parametrize("part", range(PARTS))
def test_special_values(part: int) -> None:
    found = [difference(*case) for case in CASES[part::PARTS]]
    wrong = [line for line in found if line is not None]
    assert not wrong, "\n".join(wrong)
    assert len(found) > 100


def test_exceptions_name_cases() -> None:
    unused = [name for name in FIRST_ONLY if not any(e.startswith(name) for e, _ in CASES)]
    assert not unused
