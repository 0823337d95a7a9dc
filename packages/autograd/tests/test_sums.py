"""Sums of gradients within a pass: what they come to, whose memory they are, when they show."""

from __future__ import annotations

from typing import Any

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
