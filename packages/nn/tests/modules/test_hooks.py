"""Forward hooks and registration hooks; order and texts as in PyTorch 2.13."""

import gc
import weakref

import pytest

import lamella_core as core
from lamella_nn import Identity, Linear, Module, Parameter, ReLU, Sequential
from lamella_nn.modules import hooks as nn_hooks


class Plus(Module):
    """x + k, on plain numbers."""

    def forward(self, x, k=1):
        return x + k


def test_order_and_prepend():
    order = []
    module = Plus()
    module.register_forward_pre_hook(lambda m, a: order.append(1))
    module.register_forward_pre_hook(lambda m, a: order.append(0), prepend=True)
    module.register_forward_hook(lambda m, a, o: order.append(3))
    module.register_forward_hook(lambda m, a, o: order.append(2), prepend=True)
    assert module(1) == 2
    assert order == [0, 1, 2, 3]


def test_hooks_replace_arguments_and_output():
    module = Plus()
    module.register_forward_pre_hook(lambda m, a: a[0] * 2)
    module.register_forward_pre_hook(lambda m, a: (a[0] * 2,))
    module.register_forward_hook(lambda m, a, o: (a, o))
    assert module(1) == ((4,), 5)


def test_keyword_arguments():
    module = Plus()
    seen = []
    module.register_forward_pre_hook(lambda m, a, kw: (a, {"k": 5}), with_kwargs=True)
    module.register_forward_hook(lambda m, a, kw, o: seen.append((a, kw, o)), with_kwargs=True)
    assert module(1, k=2) == 6
    assert seen == [((1,), {"k": 5}, 6)]


def test_a_pre_hook_with_keyword_arguments_returns_both():
    module = Plus()
    module.register_forward_pre_hook(lambda m, a, kw: 3, with_kwargs=True)
    with pytest.raises(RuntimeError) as caught:
        module(1)
    assert str(caught.value) == (
        "forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got 3."
    )


def test_removal_and_the_context_manager():
    module = Plus()
    handle = module.register_forward_hook(lambda m, a, o: o + 10, always_call=True)
    assert module(1) == 12
    handle.remove()
    handle.remove()
    assert module(1) == 2
    assert not module._forward_hooks and not module._forward_hooks_always_called
    assert "_hooked" not in module.__dict__
    with module.register_forward_hook(lambda m, a, o: o + 10):
        assert module(1) == 12
    assert module(1) == 2


def test_a_handle_keeps_no_module_alive():
    module = Plus()
    handle = module.register_forward_hook(lambda m, a, o: None)
    alive = weakref.ref(module)
    del module
    gc.collect()
    assert alive() is None
    handle.remove()


def test_always_called_hooks_run_after_an_error():
    class Bad(Module):
        def forward(self, x):
            raise ValueError("inner")

    seen = []
    module = Bad()
    module.register_forward_hook(lambda m, a, o: seen.append((a, o)), always_call=True)
    module.register_forward_hook(lambda m, a, o: seen.append("not"))
    with pytest.raises(ValueError, match="inner"):
        module(1)
    assert seen == [((1,), None)]

    def boom(*args):
        raise KeyError("hook")

    module.register_forward_hook(boom, always_call=True)
    with (
        pytest.warns(UserWarning, match="raised an exception that was silenced"),
        pytest.raises(ValueError, match="inner"),
    ):
        module(1)


def test_always_called_hooks_run_after_an_error_in_a_hook():
    def boom(*args):
        raise KeyError("hook")

    seen = []
    module = Plus()
    module.register_forward_hook(boom)
    module.register_forward_hook(lambda m, a, o: seen.append((a, o)), always_call=True)
    with pytest.raises(KeyError):
        module(1)
    assert seen == [((1,), 2)]


def test_global_hooks_run_first_and_reach_every_module():
    order = []
    module = Plus()
    module.register_forward_pre_hook(lambda m, a: order.append("own pre"))
    module.register_forward_hook(lambda m, a, o: order.append("own"))
    with (
        nn_hooks.register_module_forward_pre_hook(lambda m, a: order.append("pre")),
        nn_hooks.register_module_forward_hook(lambda m, a, o: order.append("post")),
    ):
        module(1)
        assert order == ["pre", "own pre", "post", "own"]
        order.clear()
        Plus()(1)
        assert order == ["pre", "post"]
    order.clear()
    assert Plus()(1) == 2
    assert order == []
    assert not Module._hooked


def test_global_hooks_take_keyword_arguments():
    seen = []
    with nn_hooks.register_module_forward_hook(
        lambda m, a, kw, o: seen.append((a, kw, o)), with_kwargs=True, always_call=True
    ):
        Plus()(1, k=4)
    assert seen == [((1,), {"k": 4}, 5)]


def test_registration_hooks():
    names = []
    with (
        nn_hooks.register_module_module_registration_hook(lambda m, n, x: names.append(n)),
        nn_hooks.register_module_parameter_registration_hook(lambda m, n, x: names.append(n)),
        nn_hooks.register_module_buffer_registration_hook(lambda m, n, x: names.append(n)),
    ):
        net = Sequential(Linear(1, 1))
        net.register_buffer("b", net[0].weight.detach())
        net.child = Identity()
        net[0].bias = None
    assert names == ["weight", "bias", "0", "b", "child"]


def test_a_registration_hook_may_replace():
    def frozen(module, name, parameter):
        return Parameter(parameter.detach(), requires_grad=False)

    with nn_hooks.register_module_parameter_registration_hook(frozen):
        assert not Linear(1, 1).weight.requires_grad
    assert Linear(1, 1).weight.requires_grad


def test_an_old_backward_hook_is_one_of_the_last_operation():
    seen = []
    module = Sequential(Linear(2, 2), ReLU())
    module.register_backward_hook(lambda module, given, out: seen.append((module, given, out)))
    x = core.ones(1, 2, requires_grad=True)
    with pytest.warns(FutureWarning, match="multiple autograd Nodes"):
        module(x).sum().backward()
    ((owner, given, out),) = seen
    assert owner is module and [g.shape for g in given] == [(1, 2)]
    assert out[0].tolist() == [[1.0, 1.0]]
    with pytest.raises(RuntimeError, match="Cannot use both regular backward hooks and full"):
        module.register_full_backward_hook(print)
    full = ReLU()
    full.register_full_backward_hook(print)
    with pytest.raises(RuntimeError, match="Cannot use both regular backward hooks and full"):
        full.register_backward_hook(print)


def test_an_old_backward_hook_takes_the_first_of_several_outputs():
    class Both(Module):
        def forward(self, x):
            return [x * 2, x * 3]

    seen = []
    module = Both()
    module.register_backward_hook(lambda module, given, out: seen.append(given[0].tolist()))
    with pytest.warns(FutureWarning, match="does not return a single Tensor"):
        sum(module(core.ones(1, requires_grad=True))).backward()
    assert seen == [[2.0]]


def test_registration_of_nothing_passes_the_hooks_of_buffers_and_modules():
    seen = []
    handles = [
        register(lambda module, name, value: seen.append((name, value)))
        for register in (
            nn_hooks.register_module_buffer_registration_hook,
            nn_hooks.register_module_module_registration_hook,
            nn_hooks.register_module_parameter_registration_hook,
        )
    ]
    try:
        module = Module()
        module.register_buffer("b", None)
        module.add_module("m", None)
        module.register_parameter("p", None)
    finally:
        for handle in handles:
            handle.remove()
    assert seen == [("b", None), ("m", None)]
