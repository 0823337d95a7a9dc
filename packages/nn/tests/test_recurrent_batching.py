"""The batching rules of recurrent layers, against a loop over the examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lamella_core as core
import lamella_nn as nn
from lamella_autograd.batching.level import Batch
from lamella_autograd.func import grad, jvp, vmap
from lamella_core import Tensor, tensor
from lamella_nn.utils.stateless import functional_call

RNG = np.random.default_rng(0)
SEQUENCES = tensor(RNG.standard_normal((3, 4, 2, 5)))
STATES = tensor(RNG.standard_normal((3, 2, 6)))


def network(kind: str, **options: Any) -> nn.Module:
    core.manual_seed(0)
    return getattr(nn, kind)(5, 6, **options).double()


def stacked(parts: list[Any]) -> Any:
    if isinstance(parts[0], Tensor):
        return np.stack([each.detach().numpy() for each in parts])
    if isinstance(parts[0], dict):
        return {key: stacked([each[key] for each in parts]) for key in parts[0]}
    return [stacked(list(each)) for each in zip(*parts, strict=True)]


def same(found: Any, expected: Any) -> None:
    if isinstance(found, Tensor):
        np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-9, atol=1e-12)
    elif isinstance(found, dict):
        for key in found:
            same(found[key], expected[key])
    else:
        for each, wanted in zip(found, expected, strict=True):
            same(each, wanted)


def no_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> Any:
        raise AssertionError("called for one example after the other")

    monkeypatch.setattr(Batch, "one_by_one", fail)


KINDS = [
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu", "bias": False}),
    ("GRU", {}),
    ("GRU", {"bidirectional": True, "num_layers": 2}),
    ("LSTM", {}),
    ("LSTM", {"bidirectional": True, "bias": False}),
    ("LSTM", {"batch_first": True, "num_layers": 2}),
]


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_networks_and_the_gradients_of_each_example(
    kind: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    net = network(kind, **options)
    params = {name: value.detach() for name, value in net.named_parameters()}

    def run(values: dict[str, Tensor], x: Tensor) -> Any:
        return functional_call(net, values, (x,))

    def loss(values: dict[str, Tensor], x: Tensor) -> Tensor:
        output, state = run(values, x)
        last = state if isinstance(state, Tensor) else state[0] * state[1]
        return (output**2).sum() + last.sum()

    calls: list[Callable[..., Any]] = [run, grad(loss), grad(loss, argnums=1)]
    expected = [stacked([f(params, x) for x in SEQUENCES]) for f in calls]
    no_loop(monkeypatch)
    for f, wanted in zip(calls, expected, strict=True):
        same(vmap(f, in_dims=(None, 0))(params, SEQUENCES), wanted)


@pytest.mark.parametrize("kind", ["RNNCell", "GRUCell", "LSTMCell"])
def test_cells(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net = network(kind)
    x = SEQUENCES[:, 0]

    def loss(x: Tensor, h: Tensor) -> Tensor:
        result = net(x, (h, h) if kind == "LSTMCell" else h)
        return (result**2).sum() if isinstance(result, Tensor) else (result[0] * result[1]).sum()

    calls = [loss, grad(loss), grad(loss, argnums=1)]
    for in_dims in ((0, 0), (None, 0), (0, None)):
        pairs = [
            [a if dim is None else a[i] for a, dim in zip((x, STATES), in_dims, strict=True)]
            for i in range(3)
        ]
        given = [a[0] if dim is None else a for a, dim in zip((x, STATES), in_dims, strict=True)]
        pairs = [
            [g if dim is None else g[i] for g, dim in zip(given, in_dims, strict=True)]
            for i in range(3)
        ]
        expected = [stacked([f(*pair) for pair in pairs]) for f in calls]
        for f, wanted in zip(calls, expected, strict=True):
            same(vmap(f, in_dims=in_dims)(*given), wanted)


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_packed_sequences(kind: str) -> None:
    net = network(kind, bidirectional=True)
    rows = tensor(RNG.standard_normal((3, 6, 5)))
    sizes = tensor([3, 2, 1])

    def loss(data: Tensor) -> Tensor:
        packed = nn.utils.rnn.PackedSequence(data, sizes)
        return (net(packed)[0].data ** 2).sum()

    same(vmap(loss)(rows), stacked([loss(each) for each in rows]))
    same(vmap(grad(loss))(rows), stacked([grad(loss)(each) for each in rows]))


@pytest.mark.parametrize("kind", ["GRU", "LSTM"])
def test_weights_for_each_example(kind: str) -> None:
    nets = [network(kind) for _ in range(3)]
    for i, net in enumerate(nets):
        for p in net.parameters():
            p.data.mul_(i + 1)
    params = {
        name: core.stack([dict(net.named_parameters())[name].detach() for net in nets])
        for name, _ in nets[0].named_parameters()
    }

    def loss(values: dict[str, Tensor], x: Tensor) -> Tensor:
        return (functional_call(nets[0], values, (x,))[0] ** 2).sum()

    for f in (loss, grad(loss)):
        each = [
            f({name: value[i] for name, value in params.items()}, SEQUENCES[i]) for i in range(3)
        ]
        same(vmap(f)(params, SEQUENCES), stacked(each))


def test_projections_run_one_by_one() -> None:
    net = network("LSTM", proj_size=3)
    same(vmap(lambda x: net(x)[0])(SEQUENCES), stacked([net(x)[0] for x in SEQUENCES]))
    loss = lambda x: (net(x)[0] ** 2).sum()  # noqa: E731
    same(vmap(grad(loss))(SEQUENCES), stacked([grad(loss)(x) for x in SEQUENCES]))


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_batches_of_batches_and_directions(kind: str) -> None:
    net = network(kind)
    nested = tensor(RNG.standard_normal((2, 3, 4, 1, 5)))
    f = grad(lambda x: (net(x)[0] ** 2).sum())
    wanted = np.stack([stacked([f(x) for x in each]) for each in nested])
    same(vmap(vmap(f))(nested), wanted)
    second = lambda x, v: jvp(f, (x,), (v,))[1]  # noqa: E731
    same(
        vmap(second)(SEQUENCES, SEQUENCES.flip(0)),
        stacked([second(x, v) for x, v in zip(SEQUENCES, SEQUENCES.flip(0), strict=True)]),
    )
