"""lamella's ``Module`` against PyTorch's: conversion, states, copies, pickles, errors."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lamella


def net(t: Any) -> Any:
    nn = t.nn
    t.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5)
    )


def values(tensor: Any) -> Any:
    return tensor.detach().double().numpy().tolist()


def dtypes(module: Any) -> list[str]:
    return [str(value.dtype) for value in module.state_dict().values()]


def conversion(t: Any) -> Any:
    seen = [dtypes(getattr(net(t), name)()) for name in ("half", "bfloat16", "double", "float")]
    seen.append(dtypes(net(t).type(t.float64)))
    seen.append(dtypes(net(t).to(t.ones(1, dtype=t.float16))))
    x = t.ones(2, 3, 8, 8)
    return seen, [str(net(t).to(d).eval()(x.to(d)).dtype) for d in (t.bfloat16, t.half)]


def channels_last(t: Any) -> Any:
    module = net(t).to(memory_format=t.channels_last)
    form = t.channels_last
    strides = [value.stride() for value in module.state_dict().values()]
    assert module[0].weight.is_contiguous(memory_format=form)
    x = t.linspace(-1, 1, 2 * 3 * 64).reshape(2, 3, 8, 8).to(memory_format=form)
    return strides, np.round(values(module(x)), 4).tolist()


def shared_memory(t: Any) -> Any:
    return [value.is_shared() for value in net(t).share_memory().state_dict().values()]


def emptied(t: Any) -> Any:
    module = net(t).to_empty(device="cpu")
    return [(tuple(p.shape), type(p).__name__, p.requires_grad) for p in module.parameters()]


def extra_state(t: Any) -> Any:
    class Counting(t.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.count, self.layer = 3, t.nn.Linear(2, 2)

        def get_extra_state(self) -> Any:
            return {"count": self.count}

        def set_extra_state(self, state: Any) -> None:
            self.count = state["count"]

    module, other = Counting(), Counting()
    module.count = 7
    state = module.state_dict()
    seen = [str(other.load_state_dict(state)), other.count, list(state)]
    del state["_extra_state"]
    with pytest.raises(RuntimeError) as caught:
        other.load_state_dict(state)
    plain = {"weight": t.ones(2, 2), "bias": t.ones(2), "_extra_state": 1}
    return [*seen, str(caught.value), str(t.nn.Linear(2, 2).load_state_dict(plain, strict=False))]


def assigned(t: Any) -> Any:
    module = net(t)
    state = {k: v.double() if v.is_floating_point() else v for k, v in net(t).state_dict().items()}
    module.load_state_dict(state, assign=True)
    kinds = [(str(p.dtype), type(p).__name__) for p in module.parameters()]
    return kinds, module[0].weight.data_ptr() == state["0.weight"].data_ptr()


def copies(t: Any) -> Any:
    module = net(t)
    module[0].weight.grad = t.ones_like(module[0].weight)
    deep, shallow = copy.deepcopy(module), copy.copy(module)
    pickled = pickle.loads(pickle.dumps(module))
    deep[0].weight.data.zero_()

    class Tied(t.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = t.nn.Linear(2, 2), t.nn.Linear(2, 2)
            self.b.weight = self.a.weight

    tied = copy.deepcopy(Tied())
    return (
        values(module[0].weight)[0],
        [repr(each) for each in (deep, shallow, pickled)],
        [each[0].weight.grad is None for each in (deep, shallow, pickled)],
        shallow[0] is module[0],
        tied.a.weight is tied.b.weight,
        len(list(tied.parameters())),
    )


def buffers(t: Any) -> Any:
    module = net(t).requires_grad_(False)
    module.register_buffer("offset", t.ones(2), persistent=False)
    names = [name for name, _ in module.named_buffers()]
    return list(module.state_dict()), names, [p.requires_grad for p in module.parameters()]


def embeddings(t: Any) -> Any:
    seen: list[Any] = []
    options: list[dict[str, Any]] = [
        {"max_norm": 1.0},
        {"max_norm": 1.0, "norm_type": 1.0},
        {"padding_idx": 1, "max_norm": 0.5},
        {"scale_grad_by_freq": True},
    ]
    for chosen in options:
        t.manual_seed(0)
        table = t.nn.Embedding(5, 3, dtype=t.float64, **chosen)
        table(t.tensor([[0, 1, 1], [3, 0, 0]])).sum().backward()
        seen += [repr(table), np.round(values(table.weight), 9).tolist()]
        seen.append(np.round(values(table.weight.grad), 9).tolist())
    fixed = t.nn.Embedding.from_pretrained(t.ones(3, 2) * 3, max_norm=1.0)
    fixed(t.tensor([1]))
    return seen, np.round(values(fixed.weight), 5).tolist()


@pytest.mark.parametrize(
    "program",
    [conversion, channels_last, shared_memory, emptied, extra_state, assigned, copies, buffers,
     embeddings],
)  # fmt: skip
def test_a_program_sees_the_same(program: Callable[[Any], Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert program(lamella) == program(torch)


WRONG: list[Callable[[Any, Any], Any]] = [
    lambda t, m: m.to(t.int32),
    lambda t, m: m.to("nothing"),
    lambda t, m: m.to(1, 2, 3, 4),
    lambda t, m: m.load_state_dict(3),
    lambda t, m: m.load_state_dict({"0.weight": t.ones(1)}),
    lambda t, m: m.get_submodule("9"),
    lambda t, m: m.get_parameter("0.foo"),
    lambda t, m: m.train(3),
]


@pytest.mark.parametrize("wrong", WRONG, ids=range(len(WRONG)))
def test_errors_are_of_the_same_type(wrong: Callable[[Any, Any], Any]) -> None:
    with pytest.raises(Exception) as expected:
        wrong(torch, net(torch))
    with pytest.raises(expected.type):
        wrong(lamella, net(lamella))


WHOLE: list[Callable[[Any], Any]] = [
    net,
    lambda t: t.nn.ConvTranspose3d(2, 4, 3, groups=2),
    lambda t: t.nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True),
    lambda t: t.nn.Transformer(8, 2, 1, 1, 16),
    lambda t: t.nn.LSTM(3, 4, 2, bidirectional=True),
    lambda t: t.nn.ParameterList([t.nn.Parameter(t.ones(2))]),
    lambda t: t.nn.ModuleDict({"shuffle": t.nn.ChannelShuffle(2), "pool": t.nn.MaxUnpool2d(2)}),
    lambda t: t.nn.Sequential(t.nn.CTCLoss(), t.nn.KLDivLoss(), t.nn.MultiMarginLoss()),
    lambda t: t.nn.Sequential(t.nn.AdaptiveAvgPool2d(1), t.nn.Embedding(3, 2, padding_idx=0)),
]


@pytest.mark.parametrize("build", WHOLE, ids=range(len(WHOLE)))
def test_whole_modules_travel_both_ways(build: Callable[[Any], Any], tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        original = build(torch)
    torch.save(original, tmp_path / "theirs.pt")
    ours = lamella.load(tmp_path / "theirs.pt", weights_only=False)
    assert type(ours) is getattr(lamella.nn, type(original).__name__)
    lamella.save(ours, tmp_path / "ours.pt")
    back = torch.load(tmp_path / "ours.pt", weights_only=False)
    assert type(back) is type(original)
    assert repr(ours) == repr(back) == repr(original)
    for name, value in original.state_dict().items():
        assert torch.equal(back.state_dict()[name], value)
        assert values(ours.state_dict()[name]) == values(value)
