"""``.grad``: whose memory it is, its layout, what adds up in it."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as lc


def leaf(*shape: int):
    values = np.arange(1.0, 1 + int(np.prod(shape))).reshape(shape)
    return lc.tensor(values, requires_grad=True)


def test_gradients_add_up_in_place() -> None:
    x = leaf(3)
    (x * 2).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    assert x.grad is first
    assert first.tolist() == [5.0, 5.0, 5.0]


def test_create_graph_does_not_write() -> None:
    x = leaf(2)
    (x * 2).sum().backward()
    first = x.grad
    (x**3).sum().backward(create_graph=True)
    assert first.tolist() == [2.0, 2.0]
    assert x.grad.tolist() == [5.0, 14.0]
    assert x.grad.requires_grad


@pytest.mark.parametrize("holds", [False, True])
def test_a_gradient_made_in_place_is_taken_over_unless_its_storage_is_held(holds: bool) -> None:
    x = lc.ones(1000, 500).requires_grad_()
    held: list[Any] = []
    made: list[int] = []

    class Gives(autograd.Function):
        @staticmethod
        def forward(ctx: Any, input: Any) -> Any:
            return input * 1.0

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            own = lc.zeros(1000, 500).add_(grad)
            made.append(own.data_ptr())
            if holds:
                held.append(own.untyped_storage())
            return own

    Gives.apply(x).backward(lc.ones(1000, 500))
    assert (x.grad.data_ptr() == made[0]) is not holds
    x.grad.add_(1)
    if holds:
        assert set(held[0].tolist()) == {0, 128, 63}


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.view(-1) * 2.0,
        lambda x: x[None].squeeze(0) * 2.0,
        lambda x: x.t() * 2.0,
        lambda x: x.reshape(10, 100, 500).permute(2, 0, 1) * 2.0,
    ],
)
def test_a_gradient_that_came_through_views_is_taken_over(call: Any) -> None:
    # Of 2 MB; a copy would be as much again.
    x = lc.ones(1000, 500).requires_grad_()
    result = call(x)
    seed = lc.ones_like(result)
    tracemalloc.start()
    result.backward(seed)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.1e6
    assert x.grad.sum() == 2.0 * 500_000


@pytest.mark.parametrize("holds", [False, True])
def test_a_view_of_what_somebody_has_is_copied(holds: bool) -> None:
    x = lc.ones(6).requires_grad_()
    kept: list[Any] = []

    def note(grad: Any) -> None:
        kept.append(grad if holds else grad.sum())

    hidden = x.view(2, 3) * 2.0
    hidden.register_hook(note)
    hidden.view(6).backward(lc.ones(6))
    x.grad.mul_(5)
    assert x.grad.tolist() == [10.0] * 6
    assert kept[0].tolist() == ([[1.0] * 3] * 2 if holds else 6.0)


# Each makes a scalar from two leaves of shape (2, 2); their gradients must not share memory.
PAIRS = {
    "add": lambda a, b: (a + b).sum(),
    "sum": lambda a, b: a.sum() + b.sum(),
    "sub": lambda a, b: (a - b).sum(),
    "mean": lambda a, b: (a + b).mean(),
    "cat": lambda a, b: lc.cat([a, b]).sum(),
    "stack": lambda a, b: lc.stack([a, b]).sum(),
    "where": lambda a, b: lc.where(a.detach() > 0, a, b).sum(),
    "view": lambda a, b: (a.view(4) + b.reshape(4)).sum(),
    "transposed": lambda a, b: (a.t() + b).sum(),
    "expanded": lambda a, b: (a.expand(2, 2, 2) + b).sum(),
    "matmul": lambda a, b: (a @ b).sum(),
    "clone": lambda a, b: (a.clone() + b.clone()).sum(),
    "double": lambda a, b: (a.double() + b.double()).sum(),
    "contiguous": lambda a, b: (a.t().contiguous() + b).sum(),
    "in place": lambda a, b: (a * 1).add_(b).sum(),
    "copied": lambda a, b: lc.zeros(2, 2, dtype=lc.float64).copy_(a).add_(b).sum(),
    "addcmul": lambda a, b: a.addcmul(b, b * 0 + 1).sum(),
    "lerp": lambda a, b: a.lerp(b, 0.5).sum(),
    "maximum": lambda a, b: lc.maximum(a, b).sum(),
    "roll": lambda a, b: (a.roll(1) + b.flip(0)).sum(),
    "select": lambda a, b: (a[0] + b[1]).sum(),
    "identity index": lambda a, b: (a[:] + b[...]).sum(),
    "squeeze": lambda a, b: (a.unsqueeze(0).squeeze(0) + b).sum(),
    "neg": lambda a, b: (a.neg().neg() + b).sum(),
    "pos": lambda a, b: (+a + b).sum(),
    "zero size": lambda a, b: a[2:].sum() + b.sum(),
    "diagonal": lambda a, b: (a.diagonal() + b.diagonal()).sum(),
    "chunk": lambda a, b: (a.chunk(2)[0] + b.chunk(2)[1]).sum(),
    "type of other": lambda a, b: (a.to(b) + b).sum(),
    "broadcast": lambda a, b: (a.sum(0, keepdim=True) + b).sum(),
}


@pytest.mark.parametrize("name", PAIRS)
def test_first_gradients_share_no_memory(name: str) -> None:
    a, b = leaf(2, 2), leaf(2, 2)
    kept: list[Any] = []
    loss = PAIRS[name](a, b)
    loss.retain_grad()
    loss.register_hook(lambda g: kept.append(g))
    loss.backward()
    arrays = [a.grad.numpy(), b.grad.numpy(), loss.grad.numpy(), a.detach().numpy()]
    arrays.append(b.detach().numpy())
    for i, one in enumerate(arrays):
        for other in arrays[i + 1 :]:
            assert not np.shares_memory(one, other)
    expected = [g.clone() for g in autograd.grad(PAIRS[name](a, b), [a, b])]
    for grad, want in zip((a.grad, b.grad), expected, strict=True):
        assert grad.tolist() == want.tolist()
        grad.mul_(0)
    assert a.grad.is_contiguous() and b.grad.is_contiguous()


KEEP = [lambda g: g, lambda g: g.detach(), lambda g: g.numpy(), lambda g: g[0]]


def test_given_gradient_stays_the_users() -> None:
    for make in (lambda a: a, lambda a: a + 0, lambda a: a.view(4), lambda a: a.t()):
        a = leaf(2, 2)
        out = make(a)
        given = lc.ones(*out.shape, dtype=lc.float64)
        out.backward(given)
        a.grad.add_(5)
        assert bool((given == 1).all())


@pytest.mark.parametrize("keep", KEEP)
def test_what_a_hook_keeps_stays(keep) -> None:
    a = leaf(2, 2)
    kept = []
    y = a * 3
    y.register_hook(lambda g: kept.append(keep(g)))
    z = y + 0
    z.register_hook(lambda g: kept.append(keep(g)))
    z.sum().backward()
    before = [np.array(k) for k in kept]
    a.grad.add_(100)
    (a * 1).sum().backward()
    for now, then in zip(kept, before, strict=True):
        np.testing.assert_array_equal(np.array(now), then)


@pytest.mark.parametrize("keep", KEEP)
def test_what_a_function_keeps_stays(keep) -> None:
    kept = []

    class Keeps(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            grad = grad * 2
            kept.append(keep(grad))
            return grad

    a = leaf(2, 2)
    Keeps.apply(a).sum().backward()
    before = np.array(kept[0])
    a.grad.add_(100)
    np.testing.assert_array_equal(np.array(kept[0]), before)


def test_function_that_returns_one_gradient_twice() -> None:
    class Both(autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, grad):
            grad = grad * 1
            return grad, grad.view(2, 2)

    a, b = leaf(2, 2), leaf(2, 2)
    Both.apply(a, b).sum().backward()
    a.grad.add_(1)
    assert bool((b.grad == 1).all())


def test_saved_tensor_returned_as_gradient() -> None:
    class Saved(autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(w)
            return (x * w).sum()

        @staticmethod
        def backward(ctx, grad):
            return ctx.saved_tensors[0], None

    a, w = leaf(2), lc.tensor([5.0, 6.0], dtype=lc.float64)
    Saved.apply(a, w).backward()
    a.grad.add_(1)
    assert w.tolist() == [5.0, 6.0]
    assert not a.grad.requires_grad


def test_gradient_is_laid_out_as_the_leaf() -> None:
    a = leaf(2, 3)
    (a.t() @ lc.ones(2, 4, dtype=lc.float64)).sum().backward()
    assert a.grad.stride() == (3, 1)
    b = lc.ones(3, 2, dtype=lc.float64).t().requires_grad_()
    (b * lc.arange(6.0, dtype=lc.float64).view(2, 3)).sum().backward()
    assert b.grad.stride() == (1, 2)
    assert b.grad.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


def test_gradient_of_an_overlapping_leaf_is_contiguous() -> None:
    a = lc.ones(2, 1, dtype=lc.float64).expand(2, 3).detach().requires_grad_()
    (a * 2).sum().backward()
    assert a.grad.tolist() == [[2.0] * 3] * 2
    a.grad.add_(1)
    assert a.grad.tolist() == [[3.0] * 3] * 2


def test_unshared_gradient_is_not_copied() -> None:
    """The gradient that an op makes is the very array that ``.grad`` has."""
    made = []

    class Doubles(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            grad = grad * 2
            made.append(id(grad._array))
            return grad

    a = leaf(2)
    Doubles.apply(a).sum().backward()
    assert id(a.grad._array) == made[0]


def test_assignment() -> None:
    a = leaf(2)
    with pytest.raises(RuntimeError, match="different size"):
        a.grad = lc.ones(3, dtype=lc.float64)
    with pytest.raises(RuntimeError, match="float32 to a tensor with grad_dtype torch.float64"):
        a.grad = lc.ones(2)
    with pytest.raises(TypeError, match="Tensor or None"):
        a.grad = 3
    with pytest.raises(RuntimeError, match="own grad"):
        a.grad = a
    a.grad = lc.ones(2, dtype=lc.float64)
    (a * 2).sum().backward()
    assert a.grad.tolist() == [3.0, 3.0]
    del a.grad
    assert a.grad is None


def test_grad_of_non_leaf_warns() -> None:
    y = leaf(2) * 2
    with pytest.warns(UserWarning, match="not a leaf"):
        assert y.grad is None


def test_type_of_gradients() -> None:
    a = leaf(2)
    assert a.grad_dtype is lc.float64
    a.grad_dtype = lc.float32
    (a * 2).sum().backward()
    (a * 2).sum().backward()
    assert a.grad.dtype is lc.float32 and a.grad.tolist() == [4.0, 4.0]
    with pytest.raises(RuntimeError, match="set .grad to None first"):
        a.grad_dtype = lc.float64
    a.grad = None
    a.grad_dtype = None
    a.grad = lc.ones(2, dtype=lc.float16)
    with pytest.raises(RuntimeError, match="only be accessed on leaf"):
        _ = (a * 2).grad_dtype


def test_layout_of_the_first_gradient() -> None:
    def gradient():
        a = lc.ones(2, 3, dtype=lc.float64).t().requires_grad_()
        (a * lc.ones(3, 2, dtype=lc.float64)).sum().backward()
        return a.grad.stride()

    assert gradient() == (1, 3)
    with autograd.enforce_grad_layout_policy(False):
        assert gradient() == (2, 1)
    assert gradient() == (1, 3)
