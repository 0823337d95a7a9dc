"""Names that PyTorch takes from NumPy: ``axis`` for ``dim``, ``keepdims`` for ``keepdim``."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import lamella_core as lc
from lamella_core import linalg

ARRAY = np.arange(1.0, 7).reshape(2, 3)
X = lc.from_numpy(ARRAY)
CALLS = {
    "sum": (lambda: X.sum(axis=0, keepdims=True), ARRAY.sum(0, keepdims=True)),
    "mean": (lambda: lc.mean(X, axis=(0, 1)), ARRAY.mean()),
    "argmax": (lambda: X.argmax(axis=1), ARRAY.argmax(1)),
    "max": (lambda: X.max(axis=1).values, ARRAY.max(1)),
    "cat": (lambda: lc.cat([X, X], axis=1), np.concatenate([ARRAY, ARRAY], 1)),
    "stack": (lambda: lc.stack([X, X], axis=1), np.stack([ARRAY, ARRAY], 1)),
    "cumsum": (lambda: X.cumsum(axis=0), ARRAY.cumsum(0)),
    "cumsum_": (lambda: X.clone().cumsum_(axis=0), ARRAY.cumsum(0)),
    "std": (lambda: X.std(axis=0, keepdims=True), ARRAY.std(0, ddof=1, keepdims=True)),
    "unsqueeze": (lambda: X.unsqueeze(axis=0), ARRAY[None]),
    "squeeze": (lambda: X[:1].squeeze(axis=0), ARRAY[0]),
    "norm": (lambda: linalg.norm(X, axis=0), np.linalg.norm(ARRAY, axis=0)),
    "sum into": (lambda: lc.sum(X, axis=0, out=lc.empty(3, dtype=lc.float64)), ARRAY.sum(0)),
}


@pytest.mark.parametrize("name", CALLS)
def test_numpys_names(name: str) -> None:
    call, expected = CALLS[name]
    np.testing.assert_allclose(call().numpy(), expected)


def test_other_names_are_errors() -> None:
    for call in (lambda: X.sum(axes=0), lambda: lc.cat([X], axes=0), lambda: X.unsqueeze(),
                 lambda: lc.cat([X], dim=1, axis=0)):  # fmt: skip
        with pytest.raises(TypeError):
            call()


def test_the_signature_stays() -> None:
    assert list(inspect.signature(lc.cat).parameters) == ["tensors", "dim", "out"]
    assert lc.softmax.__name__ == "softmax" and "dim" in lc.softmax.__doc__


def test_errors_of_calls_name_the_function() -> None:
    for function in (lc.trace, lc.diff):
        with pytest.raises(TypeError, match=rf"^{function.__name__}\(\) missing"):
            function()
        assert function.__code__.co_name == function.__code__.co_qualname == function.__name__
