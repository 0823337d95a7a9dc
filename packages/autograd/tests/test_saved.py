"""What nodes keep, seen from outside."""

from __future__ import annotations

import pytest

import lamella_core as lc
from lamella_autograd import Function


def leaf(*values: float):
    return lc.tensor([float(v) for v in values or (1, 2, 3)], requires_grad=True)


def test_arguments_and_results() -> None:
    x = leaf(0, 0)
    y = x.exp()
    assert y.grad_fn._saved_result.tolist() == [1.0, 1.0]
    assert y.grad_fn._saved_result.grad_fn is y.grad_fn
    product = (x * y).grad_fn
    assert product._saved_self is x
    assert product._saved_other is y
    assert x.sum(0).grad_fn._saved_dim == 0
    with pytest.raises(AttributeError, match="no attribute '_saved_weight'"):
        _ = product._saved_weight


def test_several_outputs_and_lists() -> None:
    values = leaf(3, 1, 2).sort()[0]
    # The derivative of sorting needs the places alone.
    kept = values.grad_fn._saved_result
    assert kept[0] is None
    assert kept[1].tolist() == [1, 2, 0]


def test_freed_or_written() -> None:
    y = leaf().exp()
    node = y.grad_fn
    y.add_(1)
    with pytest.raises(RuntimeError, match="version 1; expected version 0"):
        _ = node._saved_result
    node.release()
    with pytest.raises(RuntimeError, match="a second time"):
        _ = node._saved_result
    with pytest.raises(RuntimeError, match="a second time"):
        node._raw_saved_result.register_hooks(lambda t: t, lambda t: t)


def test_hooks_of_one_tensor() -> None:
    x = leaf()
    y = x * x
    kept = y.grad_fn._raw_saved_self
    kept.register_hooks(lambda t: t.tolist(), lambda values: lc.tensor(values) * 10)
    assert y.grad_fn._saved_self.tolist() == [10.0, 20.0, 30.0]
    with pytest.raises(RuntimeError, match="already been set"):
        kept.register_hooks(lambda t: t, lambda t: t)
    y.sum().backward()
    assert x.grad.tolist() == [11.0, 22.0, 33.0]
    with pytest.raises(RuntimeError, match="a second time"):
        y.sum().backward()


def test_hooks_of_a_functions_tensor() -> None:
    class Square(Function):
        @staticmethod
        def forward(ctx, x, factor):
            ctx.save_for_backward(x, factor)
            return x * x

        @staticmethod
        def backward(ctx, g):
            x, _ = ctx.saved_tensors
            return g * 2 * x, None

    x = leaf()
    y = Square.apply(x, lc.ones(3))
    first, _ = y.grad_fn._raw_saved_tensors
    first.register_hooks(lambda t: t.tolist(), lambda values: lc.tensor(values) * 10)
    y.sum().backward()
    assert x.grad.tolist() == [20.0, 40.0, 60.0]


def test_packing_must_not_write() -> None:
    y = leaf().exp()
    with pytest.raises(RuntimeError, match="modifying its input in place"):
        y.grad_fn._raw_saved_result.register_hooks(lambda t: t.mul_(2), lambda t: t)
