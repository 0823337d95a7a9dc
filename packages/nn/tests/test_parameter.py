"""Parameter and Buffer; texts as PyTorch 2.13 prints them."""

import copy
import pickle

import pytest

import lamella_core as lc
from lamella_nn import Buffer, Parameter


def test_a_parameter_requires_grad_and_shares_memory_with_its_data():
    data = lc.zeros(2)
    parameter = Parameter(data)
    data.fill_(3.0)
    assert parameter.requires_grad and parameter.is_leaf
    assert parameter.tolist() == [3.0, 3.0]


def test_a_parameter_may_be_frozen():
    assert not Parameter(lc.zeros(2), requires_grad=False).requires_grad


def test_a_parameter_without_data_is_empty():
    assert tuple(Parameter().shape) == (0,)


def test_a_parameter_needs_a_tensor():
    with pytest.raises(TypeError, match="list"):
        Parameter([1.0])


def test_an_integer_parameter_cannot_require_grad():
    with pytest.raises(RuntimeError, match="floating point"):
        Parameter(lc.zeros(2, dtype=lc.int64))
    assert Parameter(lc.zeros(2, dtype=lc.int64), requires_grad=False).tolist() == [0, 0]


def test_repr():
    assert (
        repr(Parameter(lc.tensor([1.0, 2.0])))
        == "Parameter containing:\ntensor([1., 2.], requires_grad=True)"
    )
    frozen = Parameter(lc.tensor([1.0, 2.0]), requires_grad=False)
    assert repr(frozen) == "Parameter containing:\ntensor([1., 2.])"


def test_deepcopy_copies_values_once():
    parameter = Parameter(lc.tensor([1.0, 2.0]), requires_grad=False)
    first, second = copy.deepcopy([parameter, parameter])
    first.fill_(5.0)
    assert first is second
    assert isinstance(first, Parameter) and not first.requires_grad
    assert parameter.tolist() == [1.0, 2.0]


def test_pickle():
    parameter = Parameter(lc.tensor([1.0, 2.0]), requires_grad=False)
    parameter.note = "kept"
    parameter.requires_grad_().register_hook(lambda g: g)
    parameter.requires_grad_(False)
    loaded = pickle.loads(pickle.dumps(parameter))
    assert isinstance(loaded, Parameter) and not loaded.requires_grad
    assert loaded.tolist() == [1.0, 2.0]
    assert loaded.note == "kept"


def test_a_buffer_is_a_marked_tensor():
    buffer = Buffer(lc.zeros(2), persistent=False)
    assert isinstance(buffer, Buffer) and not isinstance(lc.zeros(2), Buffer)
    assert type(buffer) is lc.Tensor
    assert not buffer.persistent
    assert not buffer.requires_grad
