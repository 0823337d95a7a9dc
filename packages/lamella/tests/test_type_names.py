"""``set_default_tensor_type`` and ``typename``, against what PyTorch 2.13 does."""

import numpy as np
import pytest

import lamella


def test_the_default_type():
    try:
        lamella.set_default_tensor_type(lamella.DoubleTensor)
        assert lamella.ones(1).dtype is lamella.float64
    finally:
        lamella.set_default_tensor_type("torch.FloatTensor")
    assert lamella.ones(1).dtype is lamella.float32


@pytest.mark.parametrize("wrong", ["IntTensor", "float32", "Tensor", "FloatStorage"])
def test_other_types_are_refused(wrong):
    with pytest.raises(TypeError):
        lamella.set_default_tensor_type(getattr(lamella, wrong))
    with pytest.raises(TypeError):
        lamella.set_default_tensor_type(f"torch.{wrong}")


@pytest.mark.skipif(lamella.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there():
    with pytest.raises(TypeError, match="no CUDA device"):
        lamella.set_default_tensor_type("torch.cuda.FloatTensor")
    assert lamella.get_default_device() == lamella.device("cpu")


def test_typename():
    assert lamella.typename(lamella.ones(1)) == "torch.FloatTensor"
    assert lamella.typename(3) == "int" and lamella.typename(np.ones(1)) == "numpy.ndarray"
