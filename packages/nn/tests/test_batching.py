"""The batching rules of the ops here, against a loop over the examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lamella_core as core
from lamella_autograd.batching.level import Batch
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
        lambda a: F.unfold(a, 3, padding=1),
        lambda a: F.fold(a.reshape(2, 36, 4), (3, 3), 2),
        lambda a: F.interpolate(a, scale_factor=2, mode="bilinear"),
        lambda a: F.interpolate(a, size=(4, 9), mode="nearest"),
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


@pytest.fixture
def no_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails a test in which an op is called for one example after the other."""

    def fail(self: Batch, op: Any, args: Any) -> None:
        raise AssertionError(f"{op.name} has no batching rule")

    monkeypatch.setattr(Batch, "one_by_one", fail)


@pytest.mark.usefixtures("no_loops")
@pytest.mark.parametrize("in_dims", [(0, 0), (0, None), (None, 0)])
def test_grid_sample(in_dims: tuple[int | None, ...]) -> None:
    grids = tensor(RNG.uniform(-1.2, 1.2, (3, 2, 5, 3, 2)))
    args = [
        each if dim == 0 else each[0] for each, dim in zip((IMAGES, grids), in_dims, strict=True)
    ]

    def sample(image: Tensor, grid: Tensor) -> Tensor:
        return F.grid_sample(image, grid, align_corners=False)

    def slopes(image: Tensor, grid: Tensor) -> Any:
        return grad(lambda a, b: (sample(a, b) ** 2).sum(), argnums=(0, 1))(image, grid)

    found, slope = vmap(sample, in_dims)(*args), vmap(slopes, in_dims)(*args)
    for i in range(3):
        one = [a if dim is None else a[i] for a, dim in zip(args, in_dims, strict=True)]
        lone = [each.detach() for each in one]
        assert np.allclose(found[i].numpy(), F.grid_sample(*lone, align_corners=False).numpy())
        for many, single in zip(slope, slopes(*lone), strict=True):
            assert np.allclose(many[i].numpy(), single.numpy())


@pytest.mark.parametrize("mode", ["sum", "mean"])
@pytest.mark.parametrize("in_dims", [(0, None), (None, 0), (0, 0)])
def test_embedding_bag(mode: str, in_dims: tuple[int | None, ...]) -> None:
    bags = tensor(RNG.integers(0, 5, (3, 2, 4)))
    args = [
        each if dim == 0 else each[0] for each, dim in zip((TABLES, bags), in_dims, strict=True)
    ]
    check(lambda w, i: F.embedding_bag(i, w, mode=mode), *args, in_dims=in_dims)
    check(
        lambda w, i: grad(lambda t: (F.embedding_bag(i, t, mode=mode) ** 2).sum())(w),
        *args,
        in_dims=in_dims,
    )


def test_ctc_loss() -> None:
    scores = tensor(RNG.standard_normal((3, 7, 2, 5)))
    targets = tensor(RNG.integers(1, 5, (3, 2, 3)))

    def loss(s: Tensor, t: Tensor) -> Tensor:
        return F.ctc_loss(s.log_softmax(2), t, (7, 6), (3, 2), reduction="sum")

    check(loss, scores, targets, in_dims=(0, 0))
    check(grad(loss), scores, targets, in_dims=(0, 0))
    check(grad(loss), scores, targets[0], in_dims=(0, None))
