"""Jacobians of Jacobians, and Hessians, by ``func``.

One result of a forward pass meets the gradients of all of its elements there, so that every formula
and kernel of a second derivative sees operands of different shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.func

import lamella
import lamella.func

POINT = [[0.1, 0.35, 0.8], [0.55, 0.2, 0.9]]

ACTIVATIONS = """gelu silu tanh sigmoid elu celu selu hardtanh hardswish leaky_relu mish softplus
    logsigmoid relu relu6 softsign tanhshrink softshrink hardshrink normalize""".split()
ELEMENTARY = """exp sin log sqrt rsqrt erf erfinv lgamma digamma sinc prod std norm asin expm1 abs
    reciprocal square""".split()
FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "gelu by tanh": lambda t, x: t.nn.functional.gelu(x, approximate="tanh"),
    "log_softmax": lambda t, x: t.nn.functional.log_softmax(x, -1),
    "softmax": lambda t, x: t.nn.functional.softmax(x, -1),
    "layer_norm": lambda t, x: t.nn.functional.layer_norm(x, (3,)),
    "prelu": lambda t, x: t.nn.functional.prelu(x, t.tensor([0.2], dtype=x.dtype)),
    "glu": lambda t, x: t.nn.functional.glu(t.cat([x, x], 1)),
    "binary_cross_entropy": lambda t, x: t.nn.functional.binary_cross_entropy(
        x, x.new_full((2, 3), 0.3)
    ),
    "mse_loss": lambda t, x: t.nn.functional.mse_loss(x, t.zeros_like(x)),
    "huber_loss": lambda t, x: t.nn.functional.huber_loss(x, t.zeros_like(x)),
    "kl_div": lambda t, x: t.nn.functional.kl_div(x, x.new_full((2, 3), 0.3), reduction="sum"),
    "cross_entropy": lambda t, x: t.nn.functional.cross_entropy(x, t.tensor([0, 2])),
    "nll_loss": lambda t, x: t.nn.functional.nll_loss(x.log(), t.tensor([0, 1])),
    "cosine_similarity": lambda t, x: t.nn.functional.cosine_similarity(x, x.flip(1)),
    "logit": lambda t, x: t.logit(x, 1e-6),
    "atan2": lambda t, x: t.atan2(x, x + 1),
    "hypot": lambda t, x: t.hypot(x, x + 1),
    "logaddexp": lambda t, x: t.logaddexp(x, x * 2),
    "xlogy": lambda t, x: t.xlogy(x, x),
    "pow": lambda t, x: x**x,
    "i0": lambda t, x: t.special.i0(x),
    "i1": lambda t, x: t.special.i1(x),
    "logsumexp": lambda t, x: t.logsumexp(x, -1),
    "cumsum": lambda t, x: t.cumsum(x, 0) ** 2,
    "cumprod": lambda t, x: t.cumprod(x, 1),
    "max": lambda t, x: x.max(1)[0] ** 2,
    "min": lambda t, x: x.min() ** 2,
    "amax": lambda t, x: x.amax(0) ** 2,
    "median": lambda t, x: x.median(1)[0] ** 2,
    "sort": lambda t, x: x.sort(1)[0] ** 2,
    "clamp": lambda t, x: x.clamp(0.3, 0.6) ** 2,
    **{name: lambda t, x, name=name: getattr(t.nn.functional, name)(x) for name in ACTIVATIONS},
    **{name: lambda t, x, name=name: getattr(t, name)(x) for name in ELEMENTARY},
}


def outcomes(t: Any, name: str, dtype: str) -> list[np.ndarray]:
    x = t.tensor(POINT, dtype=getattr(t, dtype))
    function = partial(FUNCTIONS[name], t)
    jacrev, hessian = t.func.jacrev, t.func.hessian
    every = (
        jacrev(function)(x),
        jacrev(jacrev(function))(x),
        hessian(lambda x: function(x).sum())(x),
    )
    # PyTorch's tensors of implied zeros become arrays only after an op.
    return [(each.detach() + 0).numpy() for each in every]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_first_and_second_order(name: str, dtype: str) -> None:
    close = {"float32": 2e-4, "float64": 1e-9}[dtype]
    for found, expected in zip(
        outcomes(lamella, name, dtype), outcomes(torch, name, dtype), strict=True
    ):
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=close, atol=close)
