"""Backward hooks; which arguments they see is recorded from PyTorch 2.13."""

import pytest

import lamella_core as lc
from lamella_autograd import no_grad
from lamella_nn import Module
from lamella_nn.modules import hooks as nn_hooks


class Scale(Module):
    """Twice the first argument, three times the second, and no tensor."""

    def forward(self, a, b=None, c=None):
        if b is None:
            return a * 2.0
        return a * 2.0, b * 3.0, 5


def leaf(*values):
    return lc.tensor(list(values), requires_grad=True)


def values(grads):
    return [None if grad is None else grad.tolist() for grad in grads]


def recorded(module):
    log = []
    module.register_full_backward_hook(lambda m, gi, go: log.append((values(gi), values(go))))
    module.register_full_backward_pre_hook(lambda m, go: log.append(values(go)))
    return log


def test_one_input_one_output():
    module = Scale()
    log = recorded(module)
    x = leaf(1.0, 1.0)
    module(x).sum().backward()
    assert log == [[[1.0, 1.0]], ([[2.0, 2.0]], [[1.0, 1.0]])]
    assert x.grad.tolist() == [2.0, 2.0]


def test_several_inputs_and_outputs():
    module = Scale()
    log = recorded(module)
    a, b = leaf(1.0), lc.tensor([1.0])
    out = module(a, b, 7)
    assert out[2] == 5 and not out[1].requires_grad
    out[0].sum().backward()
    assert log == [[[1.0], None, None], ([[2.0], [0.0], None], [[1.0], None, None])]


def test_an_unused_output_gives_zeros():
    module = Scale()
    log = recorded(module)
    a, b = leaf(1.0), leaf(1.0)
    module(a, b)[0].sum().backward()
    assert log == [[[1.0], None, None], ([[2.0], [0.0]], [[1.0], None, None])]


def test_hooks_replace_gradients():
    module = Scale()
    module.register_full_backward_pre_hook(lambda m, go: (go[0] * 3.0,))
    module.register_full_backward_hook(lambda m, gi, go: (gi[0] * 10.0,))
    x = leaf(1.0)
    module(x).sum().backward()
    assert x.grad.tolist() == [60.0]


def test_without_an_input_that_requires_grad():
    class Weighted(Module):
        def __init__(self):
            super().__init__()
            self.w = leaf(4.0)

        def forward(self, x):
            return x * self.w

    module = Weighted()
    log = recorded(module)
    with pytest.warns(UserWarning, match="no inputs require gradients"):
        module(lc.tensor([1.0])).sum().backward()
    assert log == [[[1.0]], ([None], [[1.0]])]


def test_nothing_happens_without_recording():
    module = Scale()
    log = recorded(module)
    with no_grad():
        assert not module(leaf(1.0)).requires_grad
    assert log == []


def test_an_output_that_is_no_tuple_warns():
    class Named(Module):
        def forward(self, a):
            return {"a": a}

    module = Named()
    recorded(module)
    with pytest.warns(UserWarning, match="a Tensor or a tuple of Tensors but received"):
        module(leaf(1.0))


def test_a_wrong_number_of_gradients():
    module = Scale()
    module.register_full_backward_hook(lambda m, gi, go: (None, None, None))
    with pytest.raises(RuntimeError) as caught:
        module(leaf(1.0)).sum().backward()
    assert "invalid number of grad_input, got 3, but expected 1" in str(caught.value)

    module = Scale()
    module.register_full_backward_pre_hook(lambda m, go: (None, None))
    with pytest.raises(RuntimeError) as caught:
        module(leaf(1.0)).sum().backward()
    assert "invalid number of grad_output, got 2, but expected 1" in str(caught.value)


def test_global_hooks_run_first():
    order = []
    module = Scale()
    module.register_full_backward_hook(lambda m, gi, go: order.append("own"))
    module.register_full_backward_pre_hook(lambda m, go: order.append("own pre"))
    with (
        nn_hooks.register_module_full_backward_hook(lambda m, gi, go: order.append("all")),
        nn_hooks.register_module_full_backward_pre_hook(lambda m, go: order.append("all pre")),
    ):
        module(leaf(1.0)).sum().backward()
    assert order == ["all pre", "own pre", "all", "own"]
