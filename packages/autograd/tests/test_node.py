"""Nodes: what they are called and where they lead."""

from __future__ import annotations

import lamella_core as lc
from lamella_autograd import Node


def leaf():
    return lc.tensor([1.0, 2.0, 3.0], requires_grad=True)


def test_names() -> None:
    x = leaf()
    made = {
        "AddBackward0": x + 1,
        "MulBackward0": x * 2,
        "TanhBackward0": x.tanh(),
        "MmBackward0": x.view(3, 1) @ x.view(1, 3),
        "AsStridedBackward0": x.as_strided((2,), (1,)),
    }
    for name, tensor in made.items():
        assert tensor.grad_fn.name() == name
        assert isinstance(tensor.grad_fn, Node)
        assert repr(tensor.grad_fn).startswith(f"<{name} object at 0x")
    assert repr(x + 1).endswith("grad_fn=<AddBackward0>)")
    assert x.grad_fn is None


def test_next_functions() -> None:
    x, w = leaf(), leaf()
    y = x * w
    (a, i), (b, j) = y.grad_fn.next_functions
    assert (a.name(), a.variable is x, i) == (
        "torch::autograd::AccumulateGrad",
        True,
        0,
    )
    assert (b.variable is w, j) == (True, 0)
    assert (y + 1).grad_fn.next_functions[0][0] is y.grad_fn
    _, second = (x[:2] * 1).unbind(0)
    assert second.output_nr == 1
    assert (second * 2).grad_fn.next_functions[0] == (second.grad_fn, 1)
    assert (y * 2).grad_fn.next_functions[1:] in ((), ((None, 0),))


def test_metadata() -> None:
    node = (leaf() * 2).grad_fn
    node.metadata["key"] = 5
    assert node.metadata == {"key": 5}


def test_pytorchs_names() -> None:
    x = lc.ones(2, 3).requires_grad_()
    results = {
        "AddBackward0": x + 1,
        "MaxBackward0": x.max(1).values,
        "ToCopyBackward0": x.double(),
        "LinalgVectorNormBackward0": x.norm(),
        "torch::autograd::CopyBackwards": lc.zeros(2, 3).copy_(x),
    }
    assert {name: result.grad_fn.name() for name, result in results.items()} == {
        name: name for name in results
    }
