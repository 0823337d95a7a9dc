"""Writes to saved tensors inside ``allow_mutation_on_saved_tensors``."""

from __future__ import annotations

import gc
import weakref

import pytest

import lamella_core as lc
from lamella_autograd import graph


def leaf(*values: float):
    return lc.tensor([float(v) for v in values or (1, 2, 3)], requires_grad=True)


def test_what_was_saved_counts() -> None:
    with graph.allow_mutation_on_saved_tensors():
        x = leaf()
        y = x.clone()
        squares = (y**2).sum()
        y.zero_()
        squares.backward()
    assert x.grad.tolist() == [2.0, 4.0, 6.0]


def test_writes_to_views_and_to_out() -> None:
    with graph.allow_mutation_on_saved_tensors():
        x, buffer = leaf(), lc.ones(3)
        product = (x * buffer).sum()
        buffer[1:].fill_(7)
        lc.add(lc.ones(3), 1, out=buffer)
        product.backward()
    assert buffer.tolist() == [2.0] * 3
    assert x.grad.tolist() == [1.0] * 3


def test_without_a_write_nothing_is_cloned() -> None:
    with graph.allow_mutation_on_saved_tensors():
        x = leaf()
        y = x.clone()
        squares = y * y
        assert squares.grad_fn._saved_self.data_ptr() == y.data_ptr()
        y.add_(1)
        assert squares.grad_fn._saved_self.data_ptr() != y.data_ptr()


def test_outside_and_cleared() -> None:
    with graph.allow_mutation_on_saved_tensors() as context:
        left = (leaf() ** 2).sum()
        context.clear()
        with pytest.raises(AssertionError, match="backward outside"):
            left.backward(retain_graph=True)
        left = (leaf() ** 2).sum()
        with pytest.raises(RuntimeError, match="cannot be nested"):
            with graph.allow_mutation_on_saved_tensors():
                pass
    with pytest.raises(AssertionError, match="backward outside"):
        left.backward()
    y = leaf().exp()
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_the_block_keeps_no_tensor() -> None:
    with graph.allow_mutation_on_saved_tensors():
        y = leaf().exp()
        alive = weakref.ref(y.grad_fn)
        del y
        gc.collect()
        assert alive() is None


def test_what_was_cloned_is_forgotten_with_the_block() -> None:
    x = lc.ones(3).requires_grad_()
    with graph.allow_mutation_on_saved_tensors():
        y = x * 1
        z = (y * y).sum()
        y.mul_(2)
    with pytest.raises(AssertionError, match="outside of the 'allow_mutation"):
        z.backward()
