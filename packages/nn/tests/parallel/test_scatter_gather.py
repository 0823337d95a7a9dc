"""Batches cut up for several devices, and put together again."""

from __future__ import annotations

from typing import NamedTuple

import pytest

import lamella_core as torch
from lamella_nn.parallel import gather, scatter
from lamella_nn.parallel.scatter_gather import scatter_kwargs


class Pair(NamedTuple):
    first: object
    second: object


def test_parts_and_structures(fake):
    x = torch.arange(10.0).reshape(5, 2)
    parts = scatter({"a": [x, 3], "b": Pair(x, ())}, ["fake:0", "fake:2"])
    assert [part["a"][0].shape[0] for part in parts] == [3, 2]
    assert [str(part["a"][0].device) for part in parts] == ["fake:0", "fake:2"]
    assert parts[1]["a"][1] == 3
    assert parts[1]["b"].second == ()
    assert isinstance(parts[0]["b"], Pair)
    across = scatter(x, ["fake:0", "fake:1"], dim=1)
    assert across[1].cpu().tolist() == [[1.0], [3.0], [5.0], [7.0], [9.0]]


def test_arguments_are_filled_up(fake):
    positional, named = scatter_kwargs((), {"x": torch.ones(2, 1)}, ["fake:0", "fake:1"])
    assert positional == ((), ())
    assert len(named) == 2


def test_joining(fake):
    parts = [torch.ones(2, 1).to("fake:0"), torch.zeros(1, 1).to("fake:1")]
    outputs = [(Pair(part, None), {"k": part}) for part in parts]
    pair, named = gather(outputs, "fake:2")
    assert pair.first.cpu().tolist() == [[1.0], [1.0], [0.0]]
    assert str(named["k"].device) == "fake:2"
    assert pair.second is None
    with pytest.raises(ValueError, match="the same keys"):
        gather([{"a": parts[0]}, {"b": parts[1]}], "fake:0")


def test_gradients_find_their_way_back(fake):
    x = torch.arange(4.0).to("fake:0").requires_grad_()
    joined = gather(scatter(x, ["fake:0", "fake:1"]), "fake:0")
    (joined * joined).sum().backward()
    assert x.grad.cpu().tolist() == [0.0, 2.0, 4.0, 6.0]
