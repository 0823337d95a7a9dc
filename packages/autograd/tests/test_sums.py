"""Sums of gradients within a pass: what they come to, whose memory they are, when they show."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as lc
from lamella_autograd import graph
from lamella_autograd.sums import SMALL, summed

SIZES = pytest.mark.parametrize("size", [1, 3, SMALL, SMALL + 1])


def leaf(size: int) -> Any:
    return lc.arange(1.0, size + 1.0).requires_grad_()


@SIZES
@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_parts_add_up(size: int, parts: int) -> None:
    x = leaf(size)
    total = x * 1.0
    for factor in range(2, parts + 1):
        total = total + x * float(factor)
    total.sum().backward()
    assert x.grad.tolist() == [parts * (parts + 1) / 2] * size


def test_parts_add_up_without_dimensions() -> None:
    x = lc.tensor(2.0, requires_grad=True)
    (x * x + x * 3 + x).backward()
    assert x.grad.item() == 8.0
    assert x.grad.shape == ()


@SIZES
def test_a_part_that_goes_on_elsewhere_is_not_written_to(size: int) -> None:
    x = leaf(size)
    y = leaf(size)
    hidden = x * 1.0
    # The gradient of each sum goes to y and on to the sum before.
    (((hidden + y) + y) + y).sum().backward()
    assert x.grad.tolist() == [1.0] * size
    assert y.grad.tolist() == [3.0] * size


def test_the_root_gradient_is_not_taken_over() -> None:
    x = leaf(3)
    given = lc.ones(3)
    (x + 0.0).backward(given)
    x.grad.mul_(5)
    assert given.tolist() == [1.0, 1.0, 1.0]


def test_the_parts_are_summed_before_they_join_an_earlier_gradient() -> None:
    # PyTorch 2.13 gives 16777218; one after the other, each 1 would be lost in float32.
    x = lc.tensor([0.0], requires_grad=True)
    x.grad = lc.tensor([2.0**24])
    (x * 1.0 + x * 1.0).sum().backward()
    assert x.grad.item() == 16777218.0


def test_an_earlier_gradient_is_added_to_in_place() -> None:
    x = leaf(3)
    x.grad = first = lc.ones(3)
    version = first._version
    (x * x + x).sum().backward()
    assert x.grad is first
    assert first.tolist() == [4.0, 6.0, 8.0]
    assert first._version > version


@SIZES
def test_a_first_gradient_that_somebody_holds_is_copied(size: int) -> None:
    x = leaf(size)
    seen: list[Any] = []
    y = x * 1.0
    y.register_hook(seen.append)
    (y + x * 0.0).sum().backward()
    x.grad.mul_(3)
    assert seen[0].tolist() == [1.0] * size


def test_sums_show_before_a_hook_runs() -> None:
    w = leaf(2)
    x = leaf(2)
    seen: list[Any] = []
    y = x * 1.0
    # w's parts come before the gradient of y: the products with w are later in the graph.
    (y * w + w).sum().backward(retain_graph=True)
    expected = w.grad.tolist()
    w.grad = None
    y.register_hook(lambda grad: seen.append(w.grad.tolist()))
    (y * w + w).sum().backward()
    assert seen == [expected]


def test_sums_show_before_the_hook_of_another_leaf_runs() -> None:
    w = leaf(2)
    x = leaf(2)
    seen: list[Any] = []
    x.register_post_accumulate_grad_hook(lambda leaf: seen.append(w.grad.tolist()))
    ((x * 1.0) * w).sum().backward()
    assert seen == [[1.0, 2.0]]


def test_sums_show_in_the_backward_of_a_function() -> None:
    w = leaf(2)
    x = leaf(2)
    seen: list[Any] = []

    class Look(autograd.Function):
        @staticmethod
        def forward(ctx: Any, input: Any) -> Any:
            return input * 1.0

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            seen.append(w.grad.tolist())
            return grad

    (Look.apply(x) * w).sum().backward()
    assert seen == [[1.0, 2.0]]


def test_sums_show_while_saved_tensors_are_unpacked() -> None:
    w = leaf(2)
    x = leaf(2)
    seen: list[Any] = []

    def unpack(kept: Any) -> Any:
        seen.append(None if w.grad is None else w.grad.tolist())
        return kept

    with graph.saved_tensors_hooks(lambda tensor: tensor, unpack):
        y = x.exp()
    (y.detach() * w + y).sum().backward()
    assert seen == [x.detach().exp().tolist()]


def test_what_came_before_an_error_is_kept() -> None:
    w = leaf(2)
    x = leaf(2)

    class Fails(autograd.Function):
        @staticmethod
        def forward(ctx: Any, input: Any) -> Any:
            return input * 1.0

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            raise ValueError("as asked")

    with pytest.raises(ValueError, match="as asked"):
        (Fails.apply(x) * w).sum().backward()
    assert w.grad.tolist() == [1.0, 2.0]
    assert x.grad is None


def test_a_pass_within_a_pass_adds_to_the_same_leaf() -> None:
    w = leaf(2)
    x = leaf(2)

    class Again(autograd.Function):
        @staticmethod
        def forward(ctx: Any, input: Any) -> Any:
            return input * 1.0

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            with autograd.enable_grad():
                (w * 10.0).sum().backward()
            return grad

    (Again.apply(x * w) * w).sum().backward()
    # From the outer product w * x, from the inner pass 10, and from x * w again w * x.
    assert w.grad.tolist() == [2 * 1.0 + 10, 2 * 4.0 + 10]


class Gives(autograd.Function):
    """A copy, whose gradient is what a function makes of the one that arrives."""

    @staticmethod
    def forward(ctx: Any, input: Any, make: Any) -> Any:
        ctx.make = make
        return input * 1.0

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return ctx.make(grad), None


# What holds the memory of a gradient beside the pass.
HOLDERS = {
    "the tensor": lambda grad: grad,
    "a view": lambda grad: grad[:2],
    "an array": lambda grad: grad.numpy(),
    "a view of the array": lambda grad: grad.numpy()[1:],
    "a detached tensor": lambda grad: grad.detach(),
    "the buffer": lambda grad: memoryview(grad.numpy()),
    "the storage": lambda grad: grad.untyped_storage(),
    "the exchange of arrays": lambda grad: np.from_dlpack(grad),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_large_gradient_that_somebody_holds_is_not_added_to(holder: str) -> None:
    size = 2 * SMALL
    x = lc.ones(size).requires_grad_()
    held: list[Any] = []

    def make(grad: Any) -> Any:
        made = grad * 2.0
        held.append(HOLDERS[holder](made))
        return made

    hidden = x * 1.0
    (hidden * 3.0 + Gives.apply(hidden, make)).sum().backward()
    assert x.grad.tolist() == [5.0] * size
    kept = held[0]
    if holder == "the storage":
        kept = np.frombuffer(bytes(kept.tolist()), np.float32)
    assert set(np.asarray(kept).tolist()) == {2.0}


def test_a_large_expanded_gradient_is_not_added_to() -> None:
    size = 2 * SMALL
    x = lc.ones(size).requires_grad_()
    hidden = x * 1.0
    (hidden.cumsum(0) + Gives.apply(hidden, lambda grad: grad[:1].expand(size))).sum().backward()
    assert x.grad.tolist() == [1.0 + size - i for i in range(size)]


def test_large_windows_that_overlap_are_not_added_to() -> None:
    size = 2 * SMALL
    x = lc.ones(size, 2).requires_grad_()
    hidden = x * 1.0
    windows = lc.arange(size + 1.0).unfold(0, 2, 1)
    (hidden * 3.0 + Gives.apply(hidden, lambda grad: windows)).sum().backward()
    assert x.grad.tolist() == [[i + 3.0, i + 4.0] for i in range(size)]


@pytest.mark.parametrize("transposed", [False, True])
def test_large_gradients_are_added_up_in_the_first(transposed: bool) -> None:
    shape = (500, 1000)
    x = (lc.ones(1000, 500).t() if transposed else lc.ones(shape)).requires_grad_()

    def peak(parts: int) -> int:
        hidden = x * 1.0
        total = hidden * 1.0
        for _ in range(parts - 1):
            total = total + hidden * 1.0
        given = lc.ones(shape)
        tracemalloc.start()
        (grad,) = autograd.grad(total, x, given)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert grad.tolist() == [[float(parts)] * 1000] * 500
        return most

    # Two of 2 MB: the sum and what is added to it.
    assert peak(4) < 4.1e6


def test_a_sum_is_recorded_where_the_pass_is() -> None:
    x = lc.tensor([3.0], requires_grad=True)
    y = x * 1.0
    (first,) = autograd.grad((y * y * y).sum(), x, create_graph=True)
    (second,) = autograd.grad(first.sum(), x)
    assert first.tolist() == [27.0]
    assert second.tolist() == [18.0]


def test_other_types_are_promoted() -> None:
    result = summed(lc.ones(2), lc.ones(2, dtype=lc.float64))
    assert result.dtype is lc.float64
    assert result.tolist() == [2.0, 2.0]


def test_overflow_is_silent(recwarn: pytest.WarningsRecorder) -> None:
    x = lc.tensor([1.0], requires_grad=True)
    big = lc.tensor([3e38])
    (x * big + x * big + x * big).sum().backward()
    assert x.grad.tolist() == [float("inf")]
    y = (x * 1.0) * big
    (y + y * 1.0 + (x * 1.0) * big).sum().backward()
    assert not recwarn.list
