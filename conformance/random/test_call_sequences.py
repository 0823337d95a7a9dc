"""Programs of random calls in random order: values, layouts, states and exceptions as PyTorch's.

Each program runs under both frameworks from one seed, with the default generator and another one.
After every call the two states are compared, so that a number too many shows at once.
"""

from __future__ import annotations

import random
import warnings
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import lamella

FLOATS = ("float32", "float32", "float64", "float16", "bfloat16")
OTHERS = ("complex64", "int64", "int32", "int16", "int8", "uint8", "bool")
# Around 16 the normal numbers are made by another method.
SIZES = ("()", "(1,)", "(7,)", "(15,)", "(16,)", "(17,)", "(33,)", "(4, 4)", "(2, 3, 4)", "(1000,)")
# A state ends with a normal number that waits, whose last bits may differ.
COMPARED = 5000

TARGETS = (
    "torch.zeros({size}, dtype=torch.{dtype})",
    "torch.zeros((*{size}, 2), dtype=torch.{dtype})[..., 0]",
    "torch.zeros((2, *{size}), dtype=torch.{dtype}).transpose(0, -1)",
    "torch.zeros((2, 4, 3, 3), dtype=torch.{dtype}).contiguous(memory_format=torch.channels_last)",
)
FILLS = (
    "uniform_()", "uniform_(-2, 3)", "uniform_(1, 1)", "uniform_(2, 1)", "normal_()",
    "normal_(0.5, 2.5)", "normal_(1e5, 2.5)", "normal_(float('inf'), 1)", "normal_(std=-1)",
    "random_()", "random_(10)", "random_(-5, 5)", "random_(100, 300)", "random_(0, 2**33)",
    "random_(-2**63, None)", "random_(1, None)", "random_(5, 5)", "random_(0, 2**24 + 5)",
    "bernoulli_()", "bernoulli_(0.25)", "bernoulli_(torch.tensor(0.7))", "bernoulli_(1.5)",
    "exponential_()", "exponential_(0.1)", "exponential_(0)", "geometric_(0.1)", "geometric_(0)",
    "log_normal_()", "log_normal_(0.5, 0.1)", "cauchy_()", "cauchy_(3, 0.1)",
)  # fmt: skip
CALLS = (
    "torch.rand({size}, dtype=torch.{dtype})",
    "torch.randn({size}, dtype=torch.{dtype})",
    "torch.randn({size}, generator=g)",
    "torch.randint(10, {size}, dtype=torch.{dtype})",
    "torch.randint(-5, 2**40, {size}, generator=g)",
    "torch.randint(0, 2**30, {size}, dtype=torch.{float})",
    "torch.randperm({n}, dtype=torch.{dtype})",
    "torch.randperm(30 * {n}, generator=g)",
    "torch.normal(torch.arange({n}.).to(torch.{float}), 2.5)",
    "torch.normal(1.5, torch.arange({n}.).to(torch.{float}), generator=g)",
    "torch.normal(torch.zeros(3, 1), torch.ones({n}))",
    "torch.normal(0.5, 2., {size})",
    "torch.bernoulli(torch.full({size}, 0.3, dtype=torch.{float}))",
    "torch.bernoulli({target}, 0.3)",
    "torch.poisson(torch.arange({n}.).to(torch.{float}) * 3)",
    "torch.binomial(torch.arange({n}.) * 2, torch.arange({n}.) / {n})",
    "torch.multinomial(torch.arange(1., 13).reshape(2, 6).to(torch.{float}), 6)",
    "torch.multinomial(torch.arange(1., 13).reshape(2, 6), {n}, True, generator=g)",
    "torch.rand_like({target})",
    "torch.randn_like({target})",
    "torch.randint_like({target}, 2, 9)",
    "F.dropout(torch.ones({size}, dtype=torch.{float}), 0.3)",
    "F.alpha_dropout(torch.ones(2, 3, 4, dtype=torch.{float}), 0.3, True)",
    "F.dropout2d(torch.ones(2, 3, 4, 5, dtype=torch.{float}), 0.5)",
    "F.rrelu(torch.arange({n}.).to(torch.{rrelu}) - 10, 0.1, 0.3, True)",
    "torch.nn.init.kaiming_uniform_(torch.zeros(3, 4))",
    "torch.nn.init.trunc_normal_(torch.zeros(30))",
    "(g.set_state(torch.get_rng_state()), torch.rand(3), torch.rand(3, generator=g))[1:]",
    "(torch.manual_seed({n}), torch.randn(3))[1]",
)


def call(order: random.Random) -> str:
    names = {
        "size": order.choice(SIZES),
        "dtype": order.choice(FLOATS * 3 + OTHERS),
        "float": order.choice(FLOATS),
        # PyTorch's rrelu has no float16 on the CPU.
        "rrelu": order.choice(("float32", "float64", "bfloat16")),
        "n": order.randint(1, 40),
    }
    names["target"] = order.choice(TARGETS).format(**names)
    if order.random() < 0.5:
        return f"{names['target']}.{order.choice(FILLS)}"
    return order.choice(CALLS).format(**names)


def described(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [described(each) for each in value]
    if isinstance(value, (torch.Tensor, lamella.Tensor)):
        wide = value.float() if "bfloat16" in str(value.dtype) else value
        name = str(value.dtype).rpartition(".")[2]
        strides = [s for s, n in zip(value.stride(), value.shape, strict=True) if n > 1]
        return name, tuple(value.shape), strides, np.array(wide.numpy()).tobytes()
    return value


def outcome(framework: ModuleType, generator: Any, expression: str) -> Any:
    scope = {"torch": framework, "F": framework.nn.functional, "g": generator}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = described(eval(expression, scope))
        except Exception as error:
            return type(error).__name__
    return found, {each.category.__name__ for each in caught}


@pytest.mark.parametrize("seed", range(40))
def test_programs(seed: int) -> None:
    order = random.Random(seed)
    sides = []
    for framework in (torch, lamella):
        framework.manual_seed(seed)
        sides.append((framework, framework.Generator().manual_seed(seed)))
    for _ in range(60):
        expression = call(order)
        expected, found = (outcome(*side, expression) for side in sides)
        assert found == expected, expression
        if isinstance(found, str):
            # What was drawn before the exception may differ.
            for framework, generator in sides:
                framework.manual_seed(seed)
                generator.manual_seed(seed)
        states = [(f.get_rng_state().numpy(), g.get_state().numpy()) for f, g in sides]
        for theirs, ours in zip(*states, strict=True):
            assert (theirs[:COMPARED] == ours[:COMPARED]).all(), expression
