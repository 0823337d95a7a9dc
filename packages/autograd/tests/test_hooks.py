"""Hooks of tensors, leaves and nodes: when they run, in which order, what they may return."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import weakref
from collections.abc import Callable

import pytest

import lamella_autograd as autograd
import lamella_core as lc


def leaf(*values: float):
    return lc.tensor([float(v) for v in values or (1, 2, 3)], requires_grad=True)


def test_order_of_all_kinds() -> None:
    """The order that PyTorch 2.13 runs them in, recorded from it."""
    x = leaf()
    y = x * 2
    order = []
    y.register_hook(lambda g: order.append("first"))
    y.register_hook(lambda g: (order.append("second"), g * 10)[1])
    y.register_hook(lambda g: order.append(g[0].item()))
    y.retain_grad()
    y.grad_fn.register_prehook(lambda gs: order.append(("pre", gs[0][0].item())))
    y.grad_fn.register_hook(lambda gi, go: order.append(("post", go[0][0].item())))
    x.register_hook(lambda g: order.append("leaf"))
    x.register_post_accumulate_grad_hook(lambda p: order.append("accumulated"))
    y.sum().backward()
    assert order == [
        "first", "second", 10.0, ("pre", 10.0), ("post", 10.0), "leaf", "accumulated",
    ]  # fmt: skip
    assert y.grad.tolist() == [10.0] * 3
    assert x.grad.tolist() == [20.0] * 3


def test_leaf_hook_sees_the_sum() -> None:
    x = leaf()
    seen = []
    x.register_hook(lambda g: seen.append(g.tolist()))
    (x * 2 + x * 3 + x.exp() * 0).sum().backward()
    assert seen == [[5.0] * 3]


def test_leaf_hook_runs_before_the_pass_ends() -> None:
    """As soon as all parts have come, so that an optimizer can run and free the gradient."""
    x, w = leaf(), leaf()
    order = []
    w.register_post_accumulate_grad_hook(lambda p: order.append("w"))
    x.register_hook(lambda g: order.append("x"))
    y = x * 2
    y.register_hook(lambda g: order.append("y"))
    (y * w + w).sum().backward()
    assert order == ["w", "y", "x"]


def test_leaf_whose_parts_do_not_all_come() -> None:
    class Half(autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            return a + b

        @staticmethod
        def backward(ctx, grad):
            return grad, None

    x, w = leaf(), leaf()
    seen = []
    w.register_hook(lambda g: seen.append(g.tolist()))
    (Half.apply(x, w) + w).sum().backward()
    assert seen == [[1.0] * 3]
    assert w.grad.tolist() == [1.0] * 3


def test_post_accumulate_optimizer() -> None:
    x = leaf(1, 2)

    def step(param) -> None:
        with autograd.no_grad():
            param.sub_(param.grad)
        param.grad = None

    x.register_post_accumulate_grad_hook(step)
    (x * 2 + x * 3).sum().backward()
    assert x.tolist() == [-4.0, -3.0]
    assert x.grad is None


def test_removal() -> None:
    x = leaf()
    y = x * 1
    handle = y.register_hook(lambda g: g * 100)
    handle.remove()
    handle.remove()
    with x.register_hook(lambda g: g * 7):
        y.sum().backward(retain_graph=True)
    y.sum().backward()
    assert x.grad.tolist() == [8.0] * 3


def test_removed_while_running() -> None:
    x = leaf()
    handles = []

    def once(grad):
        handles[0].remove()
        return grad * 2

    handles.append(x.register_hook(once))
    x.register_hook(lambda g: g + 1)
    (x * 1).sum().backward()
    (x * 1).sum().backward()
    assert x.grad.tolist() == [5.0] * 3


def test_replacement_must_fit() -> None:
    for value, error in ((lambda g: g.sum(), RuntimeError), (lambda g: 3, TypeError)):
        x = leaf()
        x.register_hook(value)
        with pytest.raises(error):
            (x * 1).sum().backward()
        y = leaf() * 2
        y.register_hook(value)
        with pytest.raises(error):
            y.sum().backward()


def test_node_hooks_must_return_as_many() -> None:
    y = leaf() * leaf()
    y.grad_fn.register_hook(lambda gi, go: (gi[0],))
    with pytest.raises(RuntimeError, match=r"got 1, but expected 2"):
        y.sum().backward()


def test_node_hook_replaces_gradients() -> None:
    a, b = leaf(), leaf()
    y = a * b
    y.grad_fn.register_hook(lambda gi, go: (gi[0] * 10, None))
    y.sum().backward()
    assert a.grad.tolist() == [10.0, 20.0, 30.0]
    assert b.grad is None


def test_node_prehook_replaces_the_gradient() -> None:
    a = leaf()
    y = a * 2
    handle = y.grad_fn.register_prehook(lambda go: (go[0] * 10,))
    y.sum().backward(retain_graph=True)
    handle.remove()
    y.sum().backward()
    assert a.grad.tolist() == [22.0] * 3


def test_accumulator_hooks() -> None:
    x = leaf()
    node = x.view_as(x).grad_fn.next_functions[0][0]
    assert node.name() == "torch::autograd::AccumulateGrad"
    assert node.variable is x
    assert node is (x + 1).grad_fn.next_functions[0][0]
    seen = []
    node.register_hook(lambda gi, go: seen.append((gi, go[0].tolist())))
    node.register_prehook(lambda go: (go[0] * 3,))
    (x * 2 + x).sum().backward()
    assert seen == [((), [9.0] * 3)]
    assert x.grad.tolist() == [9.0] * 3


def test_hook_on_one_output_of_several() -> None:
    x = leaf(1, 2, 3, 4)
    a, b = (x * 1).chunk(2)
    a.register_hook(lambda g: g * 10)
    b.retain_grad()
    (a.sum() + b.sum() * 2).backward()
    assert x.grad.tolist() == [10.0, 10.0, 2.0, 2.0]
    assert b.grad.tolist() == [2.0, 2.0]


def test_retained_gradients_add_up() -> None:
    x = leaf()
    y = x * 2
    assert not y.retains_grad
    y.retain_grad()
    assert y.retains_grad
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    assert y.grad.tolist() == [2.0] * 3


def test_retaining_follows_a_write() -> None:
    x = leaf()
    y = x * 1
    y.retain_grad()
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.mul_(5)
    assert y.retains_grad
    (y * 2).sum().backward()
    assert y.grad.tolist() == [2.0] * 3
    assert seen == [[10.0] * 3]


def test_registration_errors() -> None:
    plain, x = lc.ones(3), leaf()
    with pytest.raises(RuntimeError, match="doesn't require gradient"):
        plain.register_hook(lambda g: g)
    with pytest.raises(RuntimeError, match="requires_grad=False"):
        plain.retain_grad()
    with pytest.raises(RuntimeError, match="non-leaf"):
        (x * 2).register_post_accumulate_grad_hook(lambda p: None)
    x.retain_grad()
    assert not x.retains_grad


def test_hooks_run_for_autograd_grad() -> None:
    x = leaf()
    x.register_hook(lambda g: g * 2)
    ran = []
    x.register_post_accumulate_grad_hook(lambda p: ran.append(p))
    (g,) = autograd.grad((x * 3).sum(), x)
    assert g.tolist() == [6.0] * 3
    assert x.grad is None and not ran


def test_hooks_and_create_graph() -> None:
    x = leaf()
    y = x * x
    enabled = []
    y.register_hook(lambda g: enabled.append(autograd.is_grad_enabled()))
    y.sum().backward(retain_graph=True)
    y.sum().backward(create_graph=True)
    assert enabled == [False, True]


def test_hooks_hold_no_tensor() -> None:
    gc.collect()
    gc.disable()
    try:
        x = leaf()
        y = x * 2
        y.register_hook(lambda g: g)
        y.retain_grad()
        x.register_hook(lambda g: g)
        y.sum().backward()
        dead = [weakref.ref(x), weakref.ref(y)]
        del x, y
        assert [each() for each in dead] == [None, None]
    finally:
        gc.enable()


def test_a_hook_keeps_type_and_size() -> None:
    for change, error in ((lambda g: g.double(), "type"), (lambda g: g[:2], "size")):
        x = lc.ones(3).requires_grad_()
        y = x * 2
        y.register_hook(change)
        with pytest.raises(RuntimeError, match=f"'<lambda>' has changed the {error} of value"):
            y.sum().backward()


def test_hooks_and_gradients_that_are_asked_for() -> None:
    """PyTorch's: by themselves after the hooks; on the way to other inputs, before them."""
    x = lc.ones(2).requires_grad_()
    y = x * 2
    y.register_hook(lambda g: g * 3)
    s = y.sum()
    assert autograd.grad(s, y, retain_graph=True)[0].tolist() == [3.0, 3.0]
    of_y, of_x = autograd.grad(s, (y, x))
    assert of_y.tolist() == [1.0, 1.0]
    assert of_x.tolist() == [6.0, 6.0]


def _through_file(x: lc.Tensor) -> lc.Tensor:
    file = io.BytesIO()
    lc.save(x, file)
    file.seek(0)
    return lc.load(file)


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x)), _through_file],
    ids=["copy", "deepcopy", "pickle", "file"],
)
def test_copies_of_a_leaf_have_not_its_hooks(copied: Callable[[lc.Tensor], lc.Tensor]) -> None:
    """As in PyTorch; a hook may be a function that no pickle takes."""
    x = lc.ones(2).requires_grad_()
    x.note = "kept"
    calls = []
    x.register_hook(lambda g: calls.append("hook"))
    x.register_post_accumulate_grad_hook(lambda x: calls.append("after"))
    accumulator = (x * 2).grad_fn.next_functions[0][0]
    assert accumulator.variable is x
    y = copied(x)
    (y * 3).sum().backward()
    assert y.grad.tolist() == [3.0, 3.0] and y.note == "kept"
    assert calls == [] and x.grad is None
    assert (y * 2).grad_fn.next_functions[0][0].variable is y


def test_data_of_a_tensor_that_requires_grad_has_a_gradient() -> None:
    x = lc.ones(2).requires_grad_()
    with pytest.raises(RuntimeError, match="requires grad cannot be torch.int64"):
        x.data = lc.zeros(2, dtype=lc.int64)
    x.data = lc.zeros(3, dtype=lc.float64)
    assert x.shape == (3,)
