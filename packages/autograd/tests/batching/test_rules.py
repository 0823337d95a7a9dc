"""Every rule against a loop over the examples, and whether it makes one call of many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lamella_core as core
from lamella_autograd.batching import Batch, batching
from lamella_autograd.batching.rules import by_name, rule_of
from lamella_autograd.func import vmap
from lamella_core import Tensor, linalg, tensor
from lamella_core.conventions.arrays import arrays
from lamella_core.dispatch import ops, shared_kernel
from lamella_core.ops.spectral import fft_c2c, fft_c2r, fft_r2c

X = np.sin(np.arange(60.0)).reshape(3, 4, 5)
SQUARE = np.cos(np.arange(48.0)).reshape(3, 4, 4) + 3 * np.eye(4)
PLACES = tensor([0, 2, 3])


def written_by_index(a: Tensor) -> Tensor:
    """Writes with one index for all examples, and with an index for each."""
    rows, columns = a[:, 0].argsort(0), a[0].argsort(0)
    b = a.clone()
    b[PLACES] = a[:3] * 2
    b[:, PLACES] = a[:, :3]
    b[PLACES, PLACES] = 7.0
    b[rows[:2]] += a[:2]
    b[:, columns[:2]] = a[:, :2] * 3
    b[rows[:2], columns[:2]] = a[0, :2]
    c = b.index_put((rows[:2], columns[:2]), b[1, :2], accumulate=True).unsqueeze(1)
    c[rows[:2], :, columns[:2]] = a[:2, :1]
    c[PLACES, :, PLACES] = a[:3, :1]
    return c


FUNCTIONS: dict[str, Callable[[Tensor], Any]] = {
    "pointwise": lambda a: a.sin() * a[0] + a[:, :1] / 2,
    "pointwise in place": lambda a: a.clone().mul_(2).add_(a[0]),
    "where": lambda a: core.where(a > 0, a, a[0, 0]),
    "filling": lambda a: a.masked_fill(a > 0, 1.0).fill_(3.0) + a.clone().zero_(),
    "conversion": lambda a: a.float().double(),
    "reduction": lambda a: a.sum(0) + a.mean((0,)) + a.amax(0),
    "reduction of everything": lambda a: a.prod() + a.var() + a.argmax() + a.std(),
    "reduction of a number": lambda a: a[0, 0].sum(0) + a[0, 0].max(0)[0],
    "keepdim": lambda a: a.sum(keepdim=True) + a.logsumexp((0, 1), keepdim=True),
    "any and all": lambda a: (a > 0).any(0) ^ (a > 0).all(),
    "norm": lambda a: linalg.vector_norm(a, 3, 1),
    "along": lambda a: a.softmax(1).cumsum(0) + a.flip(0, 1).roll(1, 1) + a.roll(2),
    "sorting": lambda a: a.sort(0)[0][:2] + a.topk(2, 0)[0] + a.kthvalue(2, 0)[0],
    "extrema": lambda a: a.max(1)[0] + a.median(1)[0] + a.cummax(1)[0][:, 0],
    "fourier": lambda a: (
        fft_r2c(a, (0,), "ortho").abs().sum()
        + fft_c2r(fft_c2c(a, (0, -1), "ortho", True), (1, 0), "ortho", 6)
    ),
    "gather": lambda a: a.gather(0, PLACES.reshape(3, 1)).scatter(0, PLACES[:1, None], a[:1, :1]),
    "index_select": lambda a: a.index_select(1, PLACES).index_add(0, PLACES, a[:3, :3]),
    "an index for each": lambda a: (
        a.index_add(1, a[0, :3].argsort(), a[:, :3], alpha=2)
        + a.index_copy(1, a[0, :3].argsort(), a[:, 1:4])
        + a.index_fill(0, a[:2, 0].argsort(), 7.0)
        + a.index_reduce(0, a[:2, 0].argsort(), a[:2], "prod")
        + a.index_reduce(0, a[:2, 0].argsort(), a[:2], "amax", include_self=False)
    ),
    "median of everything": lambda a: a.median() + a.nanmedian(),
    "least squares": lambda a: linalg.lstsq(a[:, :2], a[:, 2:]).solution,
    "joining": lambda a: core.cat([a, a[1:]], 0).sum() + core.stack([a, a], -1).sum(-1),
    "repeat": lambda a: a[0].repeat(2, 3),
    "views": lambda a: a.t()[1:, ::2].unsqueeze(1).squeeze(1).reshape(-1).view(4, 2).permute(1, 0),
    "expand": lambda a: a[0].expand(3, 5) + a[:1].expand(2, -1, 5)[0],
    "diagonal": lambda a: a.diagonal(1) + a.unfold(1, 2, 3)[:, :, 0].diagonal().sum(),
    "splitting": lambda a: sum(part.sum() for part in [*a.split([1, 3]), *a.unbind(1)]),
    "as_strided": lambda a: a.as_strided((2, 2), (5, 1)),
    "complex": lambda a: core.view_as_real(core.complex(a, a * 2).conj()).sum(-1),
    "matmul": lambda a: a @ a.t() @ a[:, 0] + a @ tensor(X[0, 0]),
    "linear": lambda a: core.addmm(a[:, :4], a, a.t()) + a[:, :1] @ a[:1, :4],
    "triangles": lambda a: a.tril() - a.triu(1),
    "index": lambda a: a[PLACES][:, PLACES].sum(0) + a[PLACES, PLACES] + a[:, PLACES].sum(0),
    "index_put": written_by_index,
    "take": lambda a: a.take(PLACES) + a.take(a.flatten().argsort(0)[:3]),
    "solving": lambda a: linalg.solve(a[:, :4] + 9 * core.eye(4).double(), a[:, 0]),
    "pseudoinverse": lambda a: linalg.pinv(a),
    "index apart": lambda a: (
        a.unsqueeze(1)[PLACES, :, PLACES]
        + a.unsqueeze(1)[a.argsort(0)[:3, 0], :, a.argsort(1)[0, :3]]
    ),
    "index by numbers of the example": lambda a: a[a.argmax(0)[:2]] + a[:2, a.argsort(1)[0]],
}


def loop(f: Callable[[Tensor], Any], x: Tensor) -> np.ndarray:
    return np.stack([np.asarray(f(x[i]).numpy()) for i in range(x.shape[0])])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_rule(name: str) -> None:
    if name == "least squares":
        pytest.importorskip("scipy")
    x, f = tensor(X), FUNCTIONS[name]
    assert np.allclose(vmap(f)(x).numpy(), loop(f, x))
    moved = vmap(f, in_dims=2)(x.permute(1, 2, 0))
    assert np.allclose(moved.numpy(), loop(f, x))


@pytest.mark.parametrize(
    "f", [linalg.inv, linalg.det, linalg.cholesky, linalg.matrix_exp, linalg.svdvals]
)
def test_linear_algebra(f: Callable[[Tensor], Tensor]) -> None:
    x = tensor(SQUARE @ SQUARE.transpose(0, 2, 1))
    assert np.allclose(vmap(f)(x).numpy(), f(x).numpy())


def test_products_with_what_is_not_batched() -> None:
    x, y = tensor(X), tensor(SQUARE)
    for in_dims in ((0, None), (None, 0), (0, 0)):
        left = y if in_dims[0] == 0 else y[0]
        right = x if in_dims[1] == 0 else x[0]
        found = vmap(core.matmul, in_dims=in_dims)(left, right)
        assert np.allclose(found.numpy(), (left @ right).numpy())


def test_promotion_goes_by_the_example() -> None:
    found = vmap(lambda a: a * core.ones(2))(tensor([1.0, 2.0], dtype=core.float64))
    assert found.dtype is core.float32


def test_what_depends_on_values_is_refused() -> None:
    for f in (lambda a: a.nonzero(), lambda a: a[a > 0], lambda a: a.unique()):
        with pytest.raises(RuntimeError, match="depends on"):
            vmap(f)(tensor(X))


def test_an_op_without_a_rule_runs_for_each_example() -> None:
    calls = []

    @arrays(method=False)
    def first_and_last(input: Tensor) -> Tensor:
        """The first element and the last."""

    @shared_kernel("first_and_last")
    def kernel(xp: Any, input: Any) -> Any:
        calls.append(input.shape)
        return input.reshape(-1)[[0, -1]]

    found = vmap(first_and_last)(tensor(X))
    assert np.array_equal(found.numpy(), X.reshape(3, -1)[:, [0, -1]])
    assert calls == [(4, 5)] * 3

    @batching("first_and_last")
    def rule(batch: Batch, op: Any, args: tuple[Any, ...]) -> Any:
        flat = batch.full(args[0]).reshape(batch.size, -1)
        return core.stack([flat[:, 0], flat[:, -1]], 1)

    assert np.array_equal(vmap(first_and_last)(tensor(X)).numpy(), X.reshape(3, -1)[:, [0, -1]])
    assert len(calls) == 3
    assert rule_of(ops["first_and_last"]) is by_name["first_and_last"]


def test_many_examples_are_one_call() -> None:
    calls = []

    @arrays(method=False)
    def counted_copy(input: Tensor) -> Tensor:
        """A copy."""

    @shared_kernel("counted_copy")
    def kernel(xp: Any, input: Any) -> Any:
        calls.append(input.shape)
        return input.copy()

    batching("counted_copy")(by_name["linalg_det"])
    vmap(counted_copy)(tensor(X))
    assert calls == [(3, 4, 5)]
