"""Hooks on saved tensors, places in the graph, versions counted by hand."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import lamella_core as lc
from lamella_autograd import Function, backward, grad, graph


def leaf(*values: float):
    return lc.tensor([float(v) for v in values or (1, 2, 3)], requires_grad=True)


def test_what_is_packed() -> None:
    packed = []

    def pack(tensor):
        packed.append((tensor.tolist(), tensor.requires_grad))
        return tensor.numpy().copy()

    x = leaf()
    with graph.saved_tensors_hooks(pack, lambda kept: lc.tensor(kept * 10)):
        y = x * x
        z = y.exp()
        lc.ones(3) * 2
    assert packed[:2] == [([1.0, 2.0, 3.0], False)] * 2
    assert len(packed) == 3
    (y + z * 0).sum().backward()
    assert x.grad.tolist() == [20.0, 40.0, 60.0]


def test_only_in_the_block() -> None:
    x = leaf()
    with graph.saved_tensors_hooks(lambda t: pytest.fail("packed"), lambda t: t):
        pass
    (x * x).sum().backward()


def test_innermost_counts() -> None:
    log = []

    def hooks(name):
        return graph.saved_tensors_hooks(lambda t: (log.append(name), t)[1], lambda t: t)

    x = leaf()
    with hooks("outer"):
        with hooks("inner"):
            x.exp()
        x.exp()
    assert log == ["inner", "outer"]


def test_a_packed_tensor_may_be_written() -> None:
    x = leaf()
    y = x * 1
    with graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
        z = y * y
    y.add_(5)
    z.sum().backward()
    assert x.grad.tolist() == [2.0, 4.0, 6.0]


def test_second_derivative() -> None:
    x = lc.tensor([0.3, 0.4], dtype=lc.float64, requires_grad=True)
    with graph.save_on_cpu():
        y = (x**3).exp()
        (g,) = grad(y.sum(), x, create_graph=True)
        (h,) = grad(g.sum(), x)
    v = np.array([0.3, 0.4])
    np.testing.assert_allclose(h.numpy(), np.exp(v**3) * (9 * v**4 + 6 * v))


def test_retained_and_freed() -> None:
    x = leaf()
    with graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4.0, 8.0, 12.0]
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_writes_and_several_outputs() -> None:
    x = leaf(3, 1, 2)
    count = []
    with graph.saved_tensors_hooks(lambda t: (count.append(1), t.clone())[1], lambda t: t):
        y = x * 1
        y[1:].mul_(x[1:])
        y.tanh_()
        values, _ = lc.cat([y, x]).sort()
    values[0].backward()
    assert count
    np.testing.assert_allclose(x.grad.numpy(), [0, 2 / np.cosh(1) ** 2, 0], rtol=1e-5)


def test_of_several_outputs_those_that_are_kept_are_packed() -> None:
    packed = []
    x = lc.tensor([2.0, 3.0, 1.0], requires_grad=True)
    with graph.saved_tensors_hooks(lambda t: packed.append(t.tolist()) or t, lambda t: t):
        values, _ = x.sort()
    assert packed == [[2, 0, 1]]
    values.backward(lc.tensor([1.0, 2.0, 3.0]))
    assert x.grad.tolist() == [2.0, 3.0, 1.0]


def test_in_a_function() -> None:
    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            out = x * x
            ctx.save_for_backward(x, out)
            return out

        @staticmethod
        def backward(ctx, g):
            x, out = ctx.saved_tensors
            return g * 2 * x + out * 0

    x = leaf()
    with graph.saved_tensors_hooks(lambda t: t + 1, lambda t: t * 10):
        y = Square.apply(x)
    y.sum().backward()
    assert x.grad.tolist() == [40.0, 60.0, 80.0]


def test_unpacking_must_give_a_tensor() -> None:
    with graph.saved_tensors_hooks(lambda t: t, lambda t: 3):
        y = leaf().exp()
    with pytest.raises(TypeError, match="expected to be a Tensor"):
        y.sum().backward()


def test_disabled() -> None:
    hooks = graph.saved_tensors_hooks(lambda t: t, lambda t: t)
    with graph.disable_saved_tensors_hooks("not here"):
        with pytest.raises(RuntimeError, match="not here"), hooks:
            pass
    with hooks, pytest.raises(RuntimeError, match="nor here"):
        with graph.disable_saved_tensors_hooks("nor here"):
            pass


def test_pinned_memory_is_refused() -> None:
    with pytest.raises(RuntimeError, match="pin_memory"):
        graph.save_on_cpu(pin_memory=True)


def test_packed_graph_dies() -> None:
    gc.collect()
    gc.disable()
    try:
        x = leaf()
        with graph.saved_tensors_hooks(lambda t: t, lambda t: t):
            y = x.exp().tanh()
        node = weakref.ref(y.grad_fn)
        del y
        assert node() is None
    finally:
        gc.enable()


def test_gradient_edges() -> None:
    x = leaf()
    y = x * 2
    edge = graph.get_gradient_edge(y)
    assert edge.node is y.grad_fn and edge.output_nr == 0
    z = (y * y).sum()
    del y
    (g,) = grad(z, edge, retain_graph=True)
    assert g.tolist() == [4.0, 8.0, 12.0]
    backward(z, inputs=[graph.get_gradient_edge(x)], retain_graph=True)
    assert x.grad.tolist() == [8.0, 16.0, 24.0]
    backward(edge, lc.ones(3))
    assert x.grad.tolist() == [10.0, 18.0, 26.0]
    _, b = (x * 1)[:2].unbind(0)
    second = graph.get_gradient_edge(b)
    assert second.output_nr == 1
    assert grad(b * 5, second)[0].item() == 5
    with pytest.raises(RuntimeError, match="does not require"):
        graph.get_gradient_edge(lc.ones(1))


def test_increment_version() -> None:
    x, y = lc.ones(2), lc.ones(2)
    graph.increment_version([x, y])
    graph.increment_version(x)
    assert (x._version, y._version) == (2, 1)
