import copy
import pickle

import numpy as np
import pytest

from lamella_core import Tensor, arange, equal, float64, ones, zeros
from lamella_nn import Linear, Module, Sequential
from lamella_nn.utils import parametrize


class Symmetric(Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.triu() + x.triu(1).mT

    def right_inverse(self, x: Tensor) -> Tensor:
        return x.triu()


class Doubled(Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2


def symmetric() -> Linear:
    module = Linear(3, 3, dtype=float64)
    parametrize.register_parametrization(module, "weight", Symmetric())
    return module


def test_the_tensor_is_computed_and_its_gradient_reaches_the_original() -> None:
    module = symmetric()
    assert equal(module.weight, module.weight.mT)
    (module.weight * arange(9.0, dtype=float64).reshape(3, 3)).sum().backward()
    # An entry over the diagonal stands in two places: d/dx_ij = g_ij + g_ji.
    grad = module.parametrizations.weight.original.grad
    np.testing.assert_array_equal(grad.numpy(), [[0, 4, 8], [0, 4, 12], [0, 0, 8]])


def test_the_parameter_stays_the_same_object_for_an_optimizer() -> None:
    module = Linear(3, 3)
    weight = module.weight
    parametrize.register_parametrization(module, "weight", Symmetric())
    assert module.parametrizations.weight.original is weight
    parametrize.remove_parametrizations(module, "weight")
    assert module.weight is weight
    assert type(module) is Linear


def test_assigning_goes_through_the_right_inverse() -> None:
    module = symmetric()
    module.weight = ones(3, 3, dtype=float64)
    assert equal(module.weight, ones(3, 3, dtype=float64))
    np.testing.assert_array_equal(
        module.parametrizations.weight.original.detach().numpy(), np.triu(np.ones((3, 3)))
    )


def test_assigning_without_a_right_inverse_is_an_error_that_names_the_class() -> None:
    module = symmetric()
    parametrize.register_parametrization(module, "weight", Doubled())
    with pytest.raises(RuntimeError, match="Doubled does not implement right_inverse"):
        module.weight = zeros(3, 3, dtype=float64)


def test_cached_computes_once() -> None:
    module = symmetric()
    with parametrize.cached():
        first = module.weight
        with parametrize.cached():
            assert module.weight is first
        assert module.weight is first
    assert module.weight is not first


def test_a_copy_is_independent() -> None:
    module = symmetric()
    twin = copy.deepcopy(Sequential(module))[0]
    parametrize.remove_parametrizations(module, "weight")
    twin.weight = zeros(3, 3, dtype=float64)
    assert not twin.weight.any()
    assert module.weight.any()
    assert parametrize.type_before_parametrizations(twin) is Linear


def test_pickling_is_refused_with_the_way_out() -> None:
    with pytest.raises(RuntimeError, match="state_dict"):
        pickle.dumps(symmetric())


def test_a_failed_registration_leaves_the_module_as_it_was() -> None:
    module = Linear(3, 3)

    class Flat(Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten()

    with pytest.raises(ValueError, match="shape"):
        parametrize.register_parametrization(module, "weight", Flat())
    assert type(module) is Linear
    assert list(module.state_dict()) == ["weight", "bias"]
