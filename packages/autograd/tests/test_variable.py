"""PyTorch's old name for tensors."""

from __future__ import annotations

import pytest

import lamella_core as lc
from lamella_autograd import Variable


def test_every_tensor_is_one() -> None:
    data = lc.ones(3)
    made = Variable(data, requires_grad=True)
    assert isinstance(data, Variable) and not isinstance(3, Variable)
    assert made.requires_grad and not data.requires_grad
    assert made.data_ptr() == data.data_ptr()
    (made * 2).sum().backward()
    assert made.grad.tolist() == [2.0] * 3
    with pytest.warns(UserWarning, match="volatile was removed"):
        assert not Variable(data, volatile=True).requires_grad
    with pytest.raises(TypeError, match="got list"):
        Variable([1.0])
