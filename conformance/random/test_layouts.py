"""Random numbers for tensors of other layouts: drawn in PyTorch's order, results of its strides."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import lamella

LAYOUTS = {
    "row-major": lambda x: x,
    "transposed": lambda x: x.t(),
    "expanded outside": lambda x: x.unsqueeze(0).expand(2, 3, 4),
    "expanded within": lambda x: x[:, None].expand(3, 2, 4),
    "expanded innermost": lambda x: x[:, :1].expand(3, 5),
    "expanded and transposed": lambda x: x.t()[:, None].expand(4, 2, 3),
    "with gaps": lambda x: x[:, ::2],
    "permuted": lambda x: x.reshape(2, 3, 2).permute(2, 0, 1),
}
CALLS = {
    "dropout": lambda t, x: t.nn.functional.dropout(x, 0.4),
    "dropout of half precision": lambda t, x: t.nn.functional.dropout(x.half(), 0.4),
    "alpha_dropout": lambda t, x: t.nn.functional.alpha_dropout(x, 0.4, True),
    "native_dropout": lambda t, x: t.native_dropout(x, 0.4, True)[0],
    "rrelu": lambda t, x: t.nn.functional.rrelu(-x, training=True),
    "gumbel_softmax": lambda t, x: t.nn.functional.gumbel_softmax(x),
    "bernoulli": lambda t, x: t.bernoulli(x / 100),
    "normal": lambda t, x: t.normal(x, 1.0),
    "poisson": lambda t, x: t.poisson(x),
    "rand_like": lambda t, x: t.rand_like(x),
    "randn_like": lambda t, x: t.randn_like(x),
    "randint_like": lambda t, x: t.randint_like(x, 10),
    "uniform_": lambda t, x: x.clone().uniform_(),
    "normal_": lambda t, x: x.clone().normal_(),
    "exponential_": lambda t, x: x.clone().exponential_(),
    "bernoulli_": lambda t, x: t.empty_like(x).bernoulli_(0.5),
}


def drawn(framework: Any, layout: str, call: str) -> Any:
    framework.manual_seed(3)
    x = LAYOUTS[layout](framework.arange(12.0).reshape(3, 4) + 1)
    result = CALLS[call](framework, x)
    return result.stride(), result.flatten().tolist()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("call", CALLS)
def test_layouts(call: str, layout: str) -> None:
    strides, expected = drawn(torch, layout, call)
    found, got = drawn(lamella, layout, call)
    assert found == strides
    assert got == pytest.approx(expected, rel=1e-5)
