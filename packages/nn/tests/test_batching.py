"""The batching rules of the ops here, against a loop over the examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lamella_core as core
from lamella_autograd.func import grad, vmap
from lamella_core import Tensor, tensor
from lamella_nn import functional as F

RNG = np.random.default_rng(0)
IMAGES = tensor(RNG.standard_normal((3, 2, 4, 6, 6)))
WEIGHTS = tensor(RNG.standard_normal((3, 4, 2, 3, 3)))
BIASES = tensor(RNG.standard_normal((3, 4)))
TABLES = tensor(RNG.standard_normal((3, 5, 4)))
PLACES = tensor([[0, 2, 4], [1, 1, 3], [4, 0, 2]])
CLASSES = tensor([[0, 3], [2, 2], [1, 0]])


def check(f: Callable[..., Any], *args: Tensor, in_dims: tuple[int | None, ...]) -> None:
    count = next(a.shape[0] for a, dim in zip(args, in_dims, strict=True) if dim == 0)
    expected = [
        f(*[a if dim is None else a[i] for a, dim in zip(args, in_dims, strict=True)])
        for i in range(count)
    ]
    found = vmap(f, in_dims=in_dims)(*args)
    results = found if isinstance(found, tuple) else (found,)
    for k, result in enumerate(results):
        parts = [each[k] if isinstance(found, tuple) else each for each in expected]
        assert np.allclose(result.numpy(), np.stack([p.numpy() for p in parts]))


@pytest.mark.parametrize(
    "f",
    [
        lambda a: F.max_pool2d(a, 2),
        lambda a: F.avg_pool2d(a, 3, 2, 1),
        lambda a: F.adaptive_avg_pool2d(a, 2),
        lambda a: F.adaptive_max_pool2d(a, 3),
        lambda a: F.pad(a, (1, 2, 0, 1)),
        lambda a: F.batch_norm(a, None, None, training=True),
        lambda a: F.layer_norm(a, (6, 6)),
        lambda a: F.group_norm(a, 2),
        lambda a: F.max_unpool2d(*F.max_pool2d(a, 2, return_indices=True), 2),
    ],
)
def test_of_one_tensor(f: Callable[[Tensor], Tensor]) -> None:
    check(f, IMAGES, in_dims=(0,))
    check(grad(lambda a: (f(a) ** 2).sum()), IMAGES, in_dims=(0,))


@pytest.mark.parametrize("in_dims", [(0, None, None), (None, 0, 0), (0, 0, None), (0, 0, 0)])
def test_convolution(in_dims: tuple[int | None, ...]) -> None:
    args = [
        whole if dim == 0 else whole[0]
        for whole, dim in zip((IMAGES, WEIGHTS, BIASES), in_dims, strict=True)
    ]

    def f(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return F.conv2d(x, weight, bias, padding=1, groups=2)

    check(f, *args, in_dims=in_dims)
    check(grad(lambda *a: (f(*a) ** 2).sum(), argnums=(0, 1, 2)), *args, in_dims=in_dims)


@pytest.mark.parametrize("in_dims", [(0, None), (None, 0), (0, 0)])
def test_layer_norm_and_its_weights(in_dims: tuple[int | None, ...]) -> None:
    x, weights = IMAGES[:, 0, 0], tensor(RNG.standard_normal((3, 6)))
    args = [
        whole if dim == 0 else whole[0] for whole, dim in zip((x, weights), in_dims, strict=True)
    ]
    loss = grad(lambda a, w: (F.layer_norm(a, (6,), w, w) ** 2).sum(), argnums=(0, 1))
    check(loss, *args, in_dims=in_dims)


@pytest.mark.parametrize("in_dims", [(0, None), (None, 0), (0, 0)])
@pytest.mark.parametrize("padding_idx", [None, 2])
def test_embedding(in_dims: tuple[int | None, ...], padding_idx: int | None) -> None:
    table = TABLES if in_dims[0] == 0 else TABLES[0]
    places = PLACES if in_dims[1] == 0 else PLACES[0]

    def f(weight: Tensor, indices: Tensor) -> Tensor:
        return F.embedding(indices, weight, padding_idx)

    check(f, table, places, in_dims=in_dims)
    check(grad(lambda *a: (f(*a) ** 2).sum()), table, places, in_dims=in_dims)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_losses_on_classes(name: str, weighted: bool, reduction: str) -> None:
    scores = TABLES[:, :2]
    weight = tensor([1.0, 2.0, 0.5, 3.0], dtype=core.float64) if weighted else None
    options = {"weight": weight, "reduction": reduction, "ignore_index": 2}

    def f(a: Tensor, target: Tensor) -> Tensor:
        return getattr(F, name)(a, target, **options)

    check(f, scores[[0, 2]], CLASSES[[0, 2]], in_dims=(0, 0))
    check(f, scores, CLASSES[0], in_dims=(0, None))
    check(grad(lambda a, t: (f(a, t) ** 2).sum()), scores, CLASSES, in_dims=(0, 0))
    check(f, scores[[0, 2], 0], CLASSES[[0, 2], 0], in_dims=(0, 0))
