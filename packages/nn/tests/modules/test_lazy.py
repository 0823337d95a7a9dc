import copy
import pickle
from typing import Any

import pytest

import lamella_core as core
import lamella_nn as nn
from lamella_nn.modules.lazy import LazyModuleMixin


@pytest.mark.parametrize(
    ("lazy", "shape", "plain", "weight"),
    [
        (nn.LazyLinear(4), (2, 3), nn.Linear, (4, 3)),
        (nn.LazyConv1d(4, 3, groups=2), (2, 6, 5), nn.Conv1d, (4, 3, 3)),
        (nn.LazyConv2d(4, 3), (6, 5, 5), nn.Conv2d, (4, 6, 3, 3)),
        (nn.LazyConvTranspose3d(4, 2), (1, 6, 2, 2, 2), nn.ConvTranspose3d, (6, 4, 2, 2, 2)),
        (nn.LazyBatchNorm2d(), (2, 3, 4, 4), nn.BatchNorm2d, (3,)),
        (nn.LazyInstanceNorm1d(), (3, 4), nn.InstanceNorm1d, (3,)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_the_first_call_gives_shapes_and_the_plain_class(
    lazy: Any, shape: Any, plain: Any, weight: Any
) -> None:
    assert lazy.has_uninitialized_params()
    for copied in (copy.deepcopy(lazy), pickle.loads(pickle.dumps(lazy))):
        copied.double()(core.zeros(shape, dtype=core.float64))
        assert copied.weight.shape == weight
        assert copied.weight.dtype is core.float64
    assert lazy.has_uninitialized_params()
    parameter = lazy.weight
    lazy(core.zeros(shape))
    assert type(lazy) is plain
    assert lazy.weight is parameter and type(parameter) is nn.Parameter
    assert not lazy._forward_pre_hooks


def test_values_are_those_of_a_plain_module_made_at_that_time() -> None:
    core.manual_seed(0)
    lazy = nn.LazyLinear(4)
    core.manual_seed(1)
    lazy(core.zeros(1, 3))
    core.manual_seed(1)
    plain = nn.Linear(3, 4)
    assert core.equal(lazy.weight, plain.weight)
    assert core.equal(lazy.bias, plain.bias)


def test_a_state_gives_shapes_in_a_load_that_fails_too() -> None:
    # As in PyTorch 2.13.
    state = nn.Linear(3, 4).state_dict()
    lazy = nn.LazyLinear(4)
    with pytest.raises(RuntimeError, match="Unexpected"):
        lazy.load_state_dict({**state, "other": core.zeros(1)})
    assert not lazy.has_uninitialized_params()
    assert core.equal(lazy.weight, state["weight"])
    lazy(core.zeros(1, 3))
    assert lazy.in_features == 3


def test_without_a_shape_everything_else_is_an_error_that_says_so() -> None:
    parameter = nn.UninitializedParameter(dtype=core.float64)
    assert repr(parameter) == "<UninitializedParameter>"
    assert parameter.dtype is core.float64
    for use in (lambda: parameter + 1, lambda: parameter.sum(), parameter.numel, parameter.detach):
        with pytest.raises(ValueError, match="uninitialized parameter"):
            use()
    with pytest.raises(RuntimeError, match="shape of an uninitialized"):
        _ = parameter.shape
    with pytest.raises(RuntimeError, match="share memory"):
        nn.LazyLinear(3).share_memory()


def test_a_class_that_leaves_a_parameter_out_is_told_so() -> None:
    class Forgetful(LazyModuleMixin, nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factor = nn.UninitializedParameter()

        def initialize_parameters(self, x: Any) -> None:
            pass

    with pytest.raises(RuntimeError, match="not been fully initialized"):
        Forgetful()(core.zeros(1))


def test_numbers_of_hooks_from_files_are_not_given_again():
    lazy = nn.LazyLinear(2)
    handle = lazy._initialize_hook
    hooks, number, extras = handle.__getstate__()
    assert hooks is lazy._forward_pre_hooks and extras == (lazy._forward_pre_hooks_with_kwargs,)
    handle.__setstate__((hooks, number + 1000, extras))
    assert lazy.register_forward_pre_hook(print).id > number + 1000


def test_a_hook_of_loading_is_as_in_pytorchs_files():
    lazy = nn.LazyLinear(2)
    (hook,) = lazy._load_state_dict_pre_hooks.values()
    assert hook.__getstate__() == {"hook": lazy._lazy_load_hook, "with_module": False}
    lazy.register_load_state_dict_pre_hook(print)
    *_, hook = lazy._load_state_dict_pre_hooks.values()
    assert hook.__getstate__() == {"hook": print, "with_module": True, "module": lazy}


def test_a_parameter_without_shape_of_another_module_is_not_loaded():
    module = nn.Module()
    module.weight = nn.UninitializedParameter()
    with pytest.raises(RuntimeError, match='While copying the parameter named "weight"'):
        module.load_state_dict({"weight": core.ones(2)})
