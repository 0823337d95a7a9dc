"""The backward pass: closed forms, shapes of graphs, threads, depth, memory."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as lc


def leaf(*values: float):
    return lc.tensor([float(v) for v in values], dtype=lc.float64, requires_grad=True)


def test_shared_node_gets_its_gradient_once() -> None:
    x = leaf(1, 2)
    calls = []
    y = x * x
    y.register_hook(lambda g: calls.append(g.tolist()))
    (y * 3 + y * 4 + y).sum().backward()
    assert calls == [[8.0, 8.0]]
    assert x.grad.tolist() == [16.0, 32.0]


def test_diamonds_stay_linear() -> None:
    """2**60 paths, 60 nodes: by paths this would never end."""
    x = leaf(1)
    y = x
    for _ in range(60):
        y = y + y
    y.sum().backward()
    assert x.grad.item() == 2.0**60


def test_nodes_of_different_depth_meet() -> None:
    x = leaf(2)
    a = x * x
    b = a
    for _ in range(5):
        b = b * 1
    c = a * b
    (c + a + x).sum().backward()
    assert x.grad.item() == 4 * 2**3 + 2 * 2 + 1


@pytest.mark.parametrize("seed", range(12))
def test_random_graphs(seed: int) -> None:
    """Linear ops, so the gradient is the product of matrices, which NumPy keeps alongside."""
    rng = np.random.default_rng(seed)
    x, w = leaf(1, 2), leaf(3, 4)
    both = np.eye(4)
    values = [(x, both[:2]), (w, both[2:])]
    for _ in range(40):
        (a, da), (b, db) = (values[rng.integers(len(values))] for _ in range(2))
        kind = rng.integers(4)
        if kind == 0:
            values.append((a + b, da + db))
        elif kind == 1:
            values.append((a * 0.5, da * 0.5))
        elif kind == 2:
            values.append((a - b, da - db))
        else:
            first, second = lc.unbind(a)
            values += [(lc.stack([second, first]), da[::-1])]
            values += [(b * 1.0 + first, db + da[:1])]
    total = values[-1][0] + values[-2][0] + values[-3][0]
    total.sum().backward()
    expected = sum(each for _, each in values[-3:]).sum(0)
    for tensor, gradient in ((x, expected[:2]), (w, expected[2:])):
        found = np.zeros(2) if tensor.grad is None else tensor.grad.numpy()
        np.testing.assert_allclose(found, gradient, rtol=1e-12, atol=1e-9)


def test_tensor_used_twice_in_one_op() -> None:
    x = leaf(3)
    (x * x).sum().backward()
    assert x.grad.item() == 6
    x.grad = None
    lc.cat([x, x * 2, x]).sum().backward()
    assert x.grad.item() == 4


def test_unused_outputs() -> None:
    x = lc.tensor([[3.0, 1.0], [0.0, 5.0]], requires_grad=True)
    values, _ = x.sort(dim=1)
    values[0, 1].backward()
    assert x.grad.tolist() == [[1.0, 0.0], [0.0, 0.0]]


def test_third_derivative() -> None:
    x = leaf(0.5)
    y = x.sin()
    for expected in (np.cos(0.5), -np.sin(0.5), -np.cos(0.5)):
        (y,) = autograd.grad(y.sum(), x, create_graph=True)
        np.testing.assert_allclose(y.item(), expected, rtol=1e-14)


def test_freed_graph() -> None:
    x = leaf(1, 2)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4.0, 8.0]
    with pytest.raises(RuntimeError, match=r"backward through the graph a second time.*mul"):
        y.backward()


def test_nothing_saved_nothing_freed() -> None:
    x = leaf(1, 2)
    y = (x + 1 - x.view(2) + x).sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_the_number_of_a_product_is_freed_as_a_tensor_would_be() -> None:
    for y in (leaf(1, 2) * 2, 2 / leaf(1, 2), leaf(1, 2) / 2):
        y.sum().backward()
        with pytest.raises(RuntimeError, match="a second time"):
            y.sum().backward()


@pytest.mark.parametrize(
    ("make", "times", "slope"),
    [
        (lambda y: y + 1, 100_000, 1),
        (lambda y: y.view(1, 1)[0], 50_000, 1),
        (lambda y: y.tanh() + y, 50_000, None),
    ],
)
def test_deep_graph(make, times, slope) -> None:
    """100,000 nodes: recorded, swept and freed without recursion."""
    x = leaf(1)
    y = x
    for _ in range(times):
        y = make(y)
    y.sum().backward()
    assert x.grad.item() == slope if slope else x.grad.item() > 0
    del y


def test_deep_graph_freed_without_backward() -> None:
    x = leaf(0)
    y = x
    for _ in range(100_000):
        y = y * 1.0
    del y


def test_deep_graph_with_inputs() -> None:
    x = leaf(1)
    y = x
    for _ in range(20_000):
        y = y + 1
    (g,) = autograd.grad(y.sum(), x)
    assert g.item() == 1


def test_inputs_stop_the_pass() -> None:
    x, w = leaf(1, 2), leaf(3, 4)
    seen = []
    y = x * w
    z = x.exp()
    z.register_hook(lambda g: seen.append("z"))
    (y + z * w).sum().backward(inputs=[w])
    assert x.grad is None and seen == []
    np.testing.assert_allclose(w.grad.numpy(), np.array([1, 2]) + np.exp([1, 2]))


def test_gradient_of_an_intermediate_and_of_the_output_itself() -> None:
    x = leaf(1, 2)
    y = x * 2
    s = (y * y).sum()
    gy, gs, gx = autograd.grad(s, [y, s, x])
    assert gy.tolist() == [4.0, 8.0]
    assert gs.item() == 1
    assert gx.tolist() == [8.0, 16.0]
    assert x.grad is None


def test_backward_inside_a_hook() -> None:
    x, z = leaf(1), leaf(3)
    y = x * 2

    def inner(grad):
        with autograd.enable_grad():
            (z * z).sum().backward()
        return grad * z.grad

    y.register_hook(inner)
    y.sum().backward()
    assert x.grad.item() == 12
    assert z.grad.item() == 6


def test_backward_inside_a_function() -> None:
    class Checkpointed(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.exp() * x

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            with autograd.enable_grad():
                again = x.detach().requires_grad_()
                (again.exp() * again).backward(grad)
            return again.grad

    x = leaf(0.5)
    Checkpointed.apply(x).sum().backward()
    np.testing.assert_allclose(x.grad.item(), np.exp(0.5) * 1.5)


def test_error_in_a_formula_leaves_the_modes_as_they_were() -> None:
    x = leaf(1)
    y = x * 1
    y.register_hook(lambda g: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        y.sum().backward()
    assert autograd.is_grad_enabled()
    assert (x * 2).requires_grad


def test_threads_add_to_one_leaf() -> None:
    x = lc.zeros(50_000, requires_grad=True)
    errors = []

    def work() -> None:
        try:
            for _ in range(50):
                (x * 2).sum().backward()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not errors
    assert bool((x.grad == 400).all())


def test_threads_share_a_graph() -> None:
    x = leaf(1, 2, 3)
    y = (x.tanh() * x).sum()
    threads = [threading.Thread(target=lambda: y.backward(retain_graph=True)) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    v = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(x.grad.numpy(), 8 * (np.tanh(v) + v / np.cosh(v) ** 2))


# ------------ memory


def test_training_leaves_no_objects() -> None:
    """No cycle waits for the collector: it is off, and the number of objects stays."""
    rng = np.random.default_rng(0)
    inputs = lc.tensor(rng.standard_normal((4, 8)))
    shapes = ((8, 8), (8, 2))
    weights = [lc.tensor(rng.standard_normal(s) * 0.1, requires_grad=True) for s in shapes]
    hidden = lc.zeros(4, 8, dtype=lc.float64)

    def step() -> None:
        h = (inputs @ weights[0]).tanh()
        buffer = hidden.clone()
        buffer[:2] = h[:2]
        buffer[2:].add_(h[2:])
        out = (buffer.exp() @ weights[1]).softmax(-1)
        values, _ = out.max(dim=1)
        (values.sum() + out.std()).backward()
        with autograd.no_grad():
            for w in weights:
                w.sub_(w.grad * 1e-3)
                w.grad = None

    for _ in range(20):
        step()
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(5000):
            step()
        after = len(gc.get_objects())
    finally:
        gc.enable()
    assert after - before < 200


@pytest.mark.parametrize(
    "make",
    [
        lambda x: x.exp(),
        lambda x: x.tanh().sigmoid(),
        lambda x: x.sort().values,
        lambda x: x.softmax(0),
        lambda x: (x * 1).mul_(2).tanh_(),
        lambda x: (x * 1)[1:].mul_(x[1:]),
        lambda x: x.view(1, -1).t()[0],
        lambda x: x.unbind(0)[1],
        lambda x: lc.zeros(4, dtype=lc.float64).copy_(x),
    ],
)
def test_graph_dies_with_its_tensor(make) -> None:
    x = leaf(1, 2, 3, 4)
    gc.collect()
    gc.disable()
    try:
        y = make(x)
        node, tensor = weakref.ref(y.grad_fn), weakref.ref(y)
        del y
        assert tensor() is None
        assert node() is None
    finally:
        gc.enable()


def test_graph_of_gradients_dies() -> None:
    x = leaf(1, 2)
    gc.collect()
    gc.disable()
    try:
        (g,) = autograd.grad((x.exp() * x).sum(), x, create_graph=True)
        node = weakref.ref(g.grad_fn)
        del g
        assert node() is None
    finally:
        gc.enable()


def test_saved_tensors_are_freed_by_backward() -> None:
    x = leaf(1, 2)
    big = x * 2
    memory = weakref.ref(big)
    y = (big * big).sum()
    del big
    assert memory() is not None
    y.backward()
    assert memory() is None
