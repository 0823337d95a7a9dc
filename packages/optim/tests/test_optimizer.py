"""What all optimizers share. Texts, orders and values were recorded from PyTorch 2.13."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import lamella_core as core
from lamella_autograd import no_grad
from lamella_core.serialization.names import name_of
from lamella_optim import SGD, Adam, Muon, Optimizer, lr_scheduler
from lamella_optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
    required,
)


def leaf(*values: float) -> core.Tensor:
    return core.tensor(values or (1.0, 2.0), requires_grad=True)


def trained(optimizer_class: Any = Adam, steps: int = 2, **options: Any) -> tuple[Any, Any]:
    param = leaf()
    optimizer = optimizer_class([param], **options)
    descend(optimizer, param, steps)
    return param, optimizer


def descend(optimizer: Optimizer, param: core.Tensor, steps: int) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        (param * param).sum().backward()
        optimizer.step()


# ------------ parameters and groups


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (
            leaf,
            TypeError,
            "params argument given to the optimizer should be an iterable of Tensors or dicts, "
            "but got torch.FloatTensor",
        ),
        (lambda: [leaf() * 2], ValueError, "can't optimize a non-leaf Tensor"),
        (lambda: 3, TypeError, "'int' object is not iterable"),
        (lambda: None, TypeError, "'NoneType' object is not iterable"),
        (list, ValueError, "optimizer got an empty parameter list"),
        (
            lambda: [1.0],
            TypeError,
            "optimizer can only optimize Tensors, but one of the params is float",
        ),
        (
            lambda: [leaf(), {"params": leaf()}],
            TypeError,
            "optimizer can only optimize Tensors, but one of the params is dict",
        ),
        (
            lambda: [{"params": {leaf(), leaf()}}],
            TypeError,
            "optimizer parameters need to be organized in ordered collections, but the ordering of "
            "tensors in sets will change between runs. Please use a list instead.",
        ),
        (
            lambda: [("a", leaf()), leaf()],
            ValueError,
            "all optimizer params should be with/without names. Some param names are missing",
        ),
        (lambda: [{"lr": 1.0}], KeyError, "'params'"),
    ],
)
def test_bad_parameters(make, error, text) -> None:
    with pytest.raises(error) as caught:
        SGD(make())
    assert str(caught.value) == text


def test_parameter_in_two_groups() -> None:
    param = leaf()
    text = "some parameters appear in more than one parameter group"
    with pytest.raises(ValueError, match=text):
        SGD([{"params": param}, {"params": [param]}])
    with pytest.raises(ValueError, match=text):
        SGD([param]).add_param_group({"params": param})


def test_duplicate_in_a_group_warns() -> None:
    param = leaf()
    with pytest.warns(UserWarning, match="a parameter group with duplicate parameters"):
        SGD([param, param])


@pytest.mark.parametrize("make", [lambda p: (q for q in [p]), lambda p: {p}, lambda p: (p,)])
def test_any_iterable_of_tensors(make) -> None:
    param = leaf()
    (group,) = SGD(make(param)).param_groups
    assert group["params"] == [param] or group["params"][0] is param


def test_leaf_without_gradient_and_retained_non_leaf() -> None:
    SGD([core.tensor([1.0])])
    retained = leaf() * 2
    retained.retain_grad()
    SGD([retained])
    SGD([leaf() * 2], differentiable=True)


def test_groups_take_defaults() -> None:
    first, second = leaf(), leaf()
    optimizer = SGD([{"params": first, "lr": 0.5}, {"params": [second], "own": 3}], momentum=0.9)
    one, two = optimizer.param_groups
    assert one["params"][0] is first
    assert (one["lr"], one["momentum"]) == (0.5, 0.9)
    assert (two["lr"], two["momentum"], two["own"]) == (1e-3, 0.9, 3)
    assert optimizer.defaults["lr"] == 1e-3


def test_add_param_group() -> None:
    optimizer = SGD([leaf()], lr=0.1)
    late = leaf()
    optimizer.add_param_group({"params": late, "lr": 1.0})
    late.grad = core.tensor([1.0, 1.0])
    optimizer.step()
    assert late.tolist() == [0.0, 1.0]
    with pytest.raises(TypeError) as caught:
        optimizer.add_param_group([leaf()])
    assert str(caught.value) == "param_group must be a dict, but got <class 'list'>"
    with pytest.raises(ValueError, match="cannot add param group with names to the optimizer"):
        optimizer.add_param_group({"params": [("late", leaf())]})
    with pytest.raises(ValueError, match="cannot add param group without names to the optimizer"):
        SGD([("a", leaf())]).add_param_group({"params": [leaf()]})
    assert len(optimizer.param_groups) == 2


def test_names() -> None:
    optimizer = SGD([("a", leaf()), ("b", leaf())])
    assert optimizer.param_groups[0]["param_names"] == ["a", "b"]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["a", "b"]


def test_required_option() -> None:
    with pytest.raises(ValueError) as caught:
        Optimizer([leaf()], {"lr": required})
    assert str(caught.value) == (
        "parameter group didn't specify a value of required optimization parameter lr"
    )
    Optimizer([{"params": leaf(), "lr": 1.0}], {"lr": required})
    assert repr(required) == "<required parameter>"


def test_base_class_has_no_step() -> None:
    with pytest.raises(NotImplementedError):
        Optimizer([leaf()], {}).step()


# ------------ gradients and closures


def test_zero_grad() -> None:
    param, idle = leaf(), leaf()
    optimizer = SGD([param, idle])
    (param * param).sum().backward()
    optimizer.zero_grad(set_to_none=False)
    assert param.grad.tolist() == [0.0, 0.0]
    assert idle.grad is None
    optimizer.zero_grad()
    assert param.grad is None


def test_zero_grad_detaches_a_recorded_gradient() -> None:
    param = leaf()
    param.grad = (leaf() * 2).detach() * leaf()
    assert param.grad.grad_fn is not None
    SGD([param]).zero_grad(set_to_none=False)
    assert param.grad.grad_fn is None
    assert param.grad.tolist() == [0.0, 0.0]


def test_closure() -> None:
    param = leaf()
    optimizer = SGD([param], lr=0.25)

    def closure() -> core.Tensor:
        optimizer.zero_grad()
        loss = (param * param).sum()
        loss.backward()
        return loss

    with no_grad():
        assert optimizer.step(closure).item() == 5.0
    assert param.tolist() == [0.5, 1.0]
    assert optimizer.step() is None


def test_step_keeps_leaves_as_leaves() -> None:
    param, _ = trained(SGD)
    assert param.is_leaf
    assert param.requires_grad
    assert param.grad_fn is None


@pytest.mark.parametrize("cls", [SGD, Adam])
def test_differentiable_step_of_a_leaf(cls) -> None:
    param = leaf()
    param.grad = core.tensor([1.0, 1.0])
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used"):
        cls([param], differentiable=True).step()
    assert param.tolist() == [1.0, 2.0]


def test_step_invalidates_what_was_saved_for_backward() -> None:
    param = leaf()
    loss = (param * param).sum()
    loss.backward(retain_graph=True)
    SGD([param]).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


# ------------ state dicts


def test_state_dict() -> None:
    _, optimizer = trained(SGD, lr=0.1, momentum=0.9)
    saved = optimizer.state_dict()
    assert list(saved) == ["state", "param_groups"]
    assert list(saved["state"]) == [0]
    assert (
        saved["state"][0]["momentum_buffer"]
        is next(iter(optimizer.state.values()))["momentum_buffer"]
    )
    assert saved["param_groups"] == [
        {
            "lr": 0.1,
            "momentum": 0.9,
            "dampening": 0,
            "weight_decay": 0,
            "nesterov": False,
            "maximize": False,
            "foreach": None,
            "differentiable": False,
            "fused": None,
            "params": [0],
        }
    ]


def test_numbers_go_on_over_groups() -> None:
    optimizer = SGD([{"params": [leaf(), leaf()]}, {"params": leaf()}])
    assert [g["params"] for g in optimizer.state_dict()["param_groups"]] == [[0, 1], [2]]


@pytest.mark.parametrize(
    ("cls", "options"), [(SGD, {"momentum": 0.9, "lr": 0.1}), (Adam, {"amsgrad": True, "lr": 0.1})]
)
def test_load_state_dict_goes_on_where_it_was(cls, options) -> None:
    param, optimizer = trained(cls, **options)
    other = param.detach().clone().requires_grad_()
    resumed = cls([other])
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert resumed.param_groups[0]["lr"] == 0.1
    for opt, tensor in ((optimizer, param), (resumed, other)):
        descend(opt, tensor, 2)
    assert other.tolist() == param.tolist()


def test_load_state_dict_converts_all_but_the_step() -> None:
    _, optimizer = trained(Adam)
    wide = core.tensor([1.0, 2.0], dtype=core.float64, requires_grad=True)
    loaded = Adam([wide])
    loaded.load_state_dict(optimizer.state_dict())
    assert loaded.state[wide]["exp_avg"].dtype is core.float64
    assert loaded.state[wide]["step"].dtype is core.float32
    assert loaded.state[wide]["step"].item() == 2.0


def test_load_state_dict_turns_old_step_counts_into_tensors() -> None:
    param, optimizer = trained(Adam)
    saved = optimizer.state_dict()
    saved["state"][0] = {**saved["state"][0], "step": 2}
    optimizer.load_state_dict(saved)
    assert optimizer.state[param]["step"].dtype is core.float32
    assert optimizer.state[param]["step"].item() == 2.0


def test_load_state_dict_errors() -> None:
    first, second = leaf(), leaf()
    optimizer = SGD([first])
    with pytest.raises(ValueError) as caught:
        optimizer.load_state_dict(SGD([{"params": first}, {"params": second}]).state_dict())
    assert str(caught.value) == "loaded state dict has a different number of parameter groups"
    with pytest.raises(ValueError) as caught:
        optimizer.load_state_dict(SGD([first, second]).state_dict())
    assert str(caught.value) == (
        "loaded state dict contains a parameter group that doesn't match the size of optimizer's "
        "group"
    )
    with pytest.raises(KeyError, match="param_groups"):
        optimizer.load_state_dict({})
    with pytest.raises(KeyError, match="state"):
        optimizer.load_state_dict({"param_groups": [{"params": [0]}]})


def test_pickle_and_deepcopy() -> None:
    _, optimizer = trained(Adam, lr=0.1)
    assert list(optimizer.__getstate__()) == ["defaults", "state", "param_groups"]
    for twin in (pickle.loads(pickle.dumps(optimizer)), copy.deepcopy(optimizer)):
        param = twin.param_groups[0]["params"][0]
        assert twin.state[param]["step"].item() == 2.0
        assert repr(twin) == repr(optimizer)
        own = optimizer.param_groups[0]["params"][0].detach().clone().requires_grad_()
        other = Adam([own])
        other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        descend(twin, param, 1)
        descend(other, own, 1)
        assert param.tolist() == own.tolist()


# ------------ hooks


def test_step_hooks_and_their_order() -> None:
    log: list[Any] = []
    handles = [
        register_optimizer_step_pre_hook(lambda *_: log.append("every pre")),
        register_optimizer_step_post_hook(lambda *_: log.append("every post")),
    ]
    optimizer = SGD([leaf()])
    optimizer.register_step_pre_hook(lambda *_: log.append("pre"))
    handle = optimizer.register_step_post_hook(lambda *_: log.append("post"))
    try:
        optimizer.step(lambda: log.append("closure"))
    finally:
        for each in handles:
            each.remove()
    assert log == ["every pre", "pre", "closure", "post", "every post"]
    handle.remove()
    log.clear()
    optimizer.step()
    assert log == ["pre"]


def test_pre_hook_replaces_arguments() -> None:
    optimizer = SGD([leaf()])
    handle = optimizer.register_step_pre_hook(lambda opt, args, kwargs: ((lambda: 7,), kwargs))
    assert optimizer.step(lambda: 3) == 7
    handle.remove()
    optimizer.register_step_pre_hook(lambda *_: 3)
    with pytest.raises(RuntimeError, match="must return None or a tuple of .*, but got 3"):
        optimizer.step()


def test_state_dict_hooks() -> None:
    optimizer = SGD([leaf()])
    log: list[str] = []
    optimizer.register_state_dict_pre_hook(lambda opt: log.append("second"))
    optimizer.register_state_dict_pre_hook(lambda opt: log.append("first"), prepend=True)
    optimizer.register_state_dict_post_hook(lambda opt, saved: {**saved, "note": 1})
    saved = optimizer.state_dict()
    assert log == ["first", "second"]
    assert saved["note"] == 1

    def faster(opt: Optimizer, loaded: dict[str, Any]) -> dict[str, Any]:
        loaded = copy.deepcopy(loaded)
        loaded["param_groups"][0]["lr"] = 9.0
        return loaded

    optimizer.register_load_state_dict_pre_hook(faster)
    optimizer.register_load_state_dict_post_hook(lambda opt: log.append("loaded"))
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["lr"] == 9.0
    assert log[-1] == "loaded"


# ------------ printing


def test_repr() -> None:
    optimizer = Adam([{"params": leaf(), "lr": 0.5}, {"params": leaf(), "extra": "e"}])
    assert repr(optimizer) == (
        "Adam (\nParameter Group 0\n    amsgrad: False\n    betas: (0.9, 0.999)\n"
        "    capturable: False\n    decoupled_weight_decay: False\n    differentiable: False\n"
        "    eps: 1e-08\n    foreach: None\n    fused: None\n    lr: 0.5\n    maximize: False\n"
        "    weight_decay: 0\n\nParameter Group 1\n    amsgrad: False\n    betas: (0.9, 0.999)\n"
        "    capturable: False\n    decoupled_weight_decay: False\n    differentiable: False\n"
        "    eps: 1e-08\n    extra: e\n    foreach: None\n    fused: None\n    lr: 0.001\n"
        "    maximize: False\n    weight_decay: 0\n)"
    )


def test_files_of_whole_optimizers_and_schedules_have_pytorchs_names():
    assert name_of(SGD) == ("torch.optim.sgd", "SGD")
    assert name_of(Muon) == ("torch.optim", "Muon")
    assert name_of(lr_scheduler.StepLR) == ("torch.optim.lr_scheduler", "StepLR")
