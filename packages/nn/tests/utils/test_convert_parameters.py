"""Parameters as one vector, and back."""

import pytest

import lamella_core as lc
from lamella_nn import Parameter
from lamella_nn.utils import parameters_to_vector, vector_to_parameters


def test_there_and_back():
    given = [Parameter(lc.ones(1, 2)), Parameter(lc.zeros(3))]
    vector = parameters_to_vector(given)
    assert vector.tolist() == [1.0, 1.0, 0.0, 0.0, 0.0]
    assert vector.requires_grad
    new = lc.arange(5.0)
    vector_to_parameters(new, given)
    assert given[0].tolist() == [[0.0, 1.0]] and given[1].tolist() == [2.0, 3.0, 4.0]
    assert given[0].data_ptr() == new.data_ptr()
    assert given[0].requires_grad and given[0].is_leaf


def test_a_vector_is_a_tensor():
    with pytest.raises(TypeError, match="expected torch.Tensor, but got: int"):
        vector_to_parameters(3, [])
