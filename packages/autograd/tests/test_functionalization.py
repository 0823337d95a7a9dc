"""``functionalize``: the same results and the same arguments afterwards, by no writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import lamella_core as lc
from lamella_autograd.func import functionalize, grad, jvp, vmap
from lamella_autograd.observing import observing
from lamella_core import Tensor


def through_views(x: Tensor) -> tuple[Tensor, ...]:
    y = x.clone()
    y[0] = 5.0
    row, column = y[1], y.t()[2]
    row.mul_(2)
    column += row[:2]
    first, second = y.unbind()
    first.copy_(second.sin())
    y.diagonal().fill_(3.0)
    return y, row, column


def into_the_argument(x: Tensor) -> Tensor:
    x[1:].mul_(3)
    x.view(-1)[::2] -= 1
    return x[0] * 2


def with_out(x: Tensor) -> Tensor:
    lc.add(x, 1, out=x)
    return lc.mul(x, x, out=lc.empty(2, 3))


def by_parts(x: Tensor) -> Tensor:
    z = lc.view_as_complex(x[:, :2].contiguous())
    z.imag.mul_(2)
    strided = x.as_strided((2, 2), (3, 1), 1)
    strided.zero_()
    return lc.view_as_real(z) + x.sum()


def by_index(x: Tensor) -> Tensor:
    y = lc.zeros(2, 3)
    y.index_put_((lc.tensor([0, 1]), lc.tensor([2, 0])), x[0, :2])
    y.scatter_add_(1, lc.tensor([[0, 0], [1, 1]]), x[:, :2])
    y.masked_fill_(y > 4, 0.5)
    return y


FUNCTIONS = [through_views, into_the_argument, with_out, by_parts, by_index]


def given() -> Tensor:
    return lc.arange(6.0).reshape(2, 3) + 1


@pytest.mark.parametrize("f", FUNCTIONS)
def test_same_results_and_arguments(f: Callable[[Tensor], Any]) -> None:
    x, y = given(), given()
    expected, got = f(x), functionalize(f)(y)
    pairs = zip(expected, got, strict=True) if isinstance(got, tuple) else [(expected, got)]
    assert all(lc.equal(a, b) for a, b in pairs)
    assert lc.equal(x, y)


@pytest.mark.parametrize("f", [through_views, with_out, by_index])
def test_nothing_is_written_to(f: Callable[[Tensor], Any]) -> None:
    written = []

    def note(op: Any, below: Any, args: Any) -> Any:
        written.extend([op.name] if op.mutates is not None else [])
        return below(*args)

    x = given()
    with observing(note):
        functionalize(f)(x)
    assert written == (["copy_"] if f is with_out else [])


def test_a_tensor_of_its_own_is_batched() -> None:
    def summed(x: Tensor) -> Tensor:
        total = lc.zeros(3)
        for row in x:
            total[1:].add_(row[1:])
        return total

    x = lc.arange(12.0).reshape(2, 2, 3)
    with pytest.raises(RuntimeError, match="not batched"):
        vmap(summed)(x)
    assert vmap(functionalize(summed))(x).tolist() == [[0, 5, 7], [0, 17, 19]]


def test_with_derivatives_inside_and_outside() -> None:
    def f(x: Tensor) -> Tensor:
        y = x * 2
        y[0] = 7.0
        y[1:].mul_(x[1:])
        return y.sum()

    x = lc.tensor([1.0, 2.0, 3.0])
    slope = [0.0, 8.0, 12.0]
    assert grad(functionalize(f))(x).tolist() == slope
    assert functionalize(grad(f))(x).tolist() == slope
    assert jvp(functionalize(f), (x,), (lc.ones(3),))[1].item() == 20.0
    leaf = x.requires_grad_()
    functionalize(f)(leaf).backward()
    assert leaf.grad.tolist() == slope


def test_bad_input() -> None:
    outside = lc.zeros(3)
    with pytest.raises(RuntimeError, match="took from outside"):
        functionalize(lambda x: outside.add_(x))(lc.ones(3))
    assert outside.tolist() == [0.0] * 3
    with pytest.raises(RuntimeError, match="invalid argument for remove=views"):
        functionalize(lambda x: x, remove="views")
    with pytest.raises(RuntimeError, match="another shape in place"):
        functionalize(lambda x: x.t_())(given())
    with pytest.raises(RuntimeError, match="broadcast shape"):
        functionalize(lambda x: x.add_(lc.ones(2, 2, 3)))(given())


def test_what_is_no_tensor_passes() -> None:
    assert functionalize(lambda x, n: {"n": n, "x": x.item()})(lc.ones(1), 3) == {"n": 3, "x": 1.0}


def test_out_of_functions_of_several_ops() -> None:
    def joined(x):
        sums, both = lc.zeros(3), lc.zeros(6)
        lc.cumsum(x, 0, out=sums)
        lc.cat([x, x], out=both[:])
        return sums.add_(1), both

    sums, both = functionalize(joined)(lc.arange(3.0))
    assert sums.tolist() == [1.0, 2.0, 4.0]
    assert both.tolist() == [0.0, 1.0, 2.0] * 2
    with pytest.raises(RuntimeError, match="not batched"):
        vmap(lambda x: lc.cumsum(x, 0, out=lc.zeros(3)))(lc.ones(2, 3))
