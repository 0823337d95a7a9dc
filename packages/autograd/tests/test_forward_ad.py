"""Dual tensors, against derivatives worked out by hand."""

import numpy as np
import pytest

import lamella_core as core
from lamella_autograd import grad
from lamella_autograd.forward_ad import (
    dual_level,
    enter_dual_level,
    exit_dual_level,
    make_dual,
    unpack_dual,
)
from lamella_core import float64, tensor

X, T = np.array([0.5, -1.25, 2.0]), np.array([1.0, 3.0, -2.0])


def test_tangents_go_along() -> None:
    with dual_level():
        dual = make_dual(tensor(X), tensor(T))
        primal, tangent = unpack_dual(dual.sin() * 2)
    assert np.allclose(primal.numpy(), 2 * np.sin(X))
    assert np.allclose(tangent.numpy(), 2 * np.cos(X) * T)


def test_without_a_tangent_there_is_none() -> None:
    with dual_level():
        assert unpack_dual(tensor(X) * 2).tangent is None
    assert unpack_dual(tensor(X)).tangent is None


def test_a_dual_shares_memory_with_its_primal() -> None:
    primal, tangent = tensor(X), tensor(T)
    with dual_level():
        make_dual(primal, tangent).mul_(3)
    assert np.allclose(primal.numpy(), 3 * X)
    assert np.allclose(tangent.numpy(), 3 * T)


def test_a_write_gives_a_plain_tensor_a_tangent() -> None:
    buffer = core.zeros(3, dtype=float64)
    with dual_level():
        buffer[1:].copy_(make_dual(tensor(X), tensor(T))[1:] * 2)
        assert np.allclose(unpack_dual(buffer).tangent.numpy(), [0, 2 * T[1], 2 * T[2]])
        assert np.allclose(unpack_dual(buffer[2]).tangent.item(), 2 * T[2])


def test_after_the_level_a_dual_is_its_value() -> None:
    with dual_level():
        dual = make_dual(tensor(X), tensor(T))
    assert unpack_dual(dual).tangent is None
    assert np.allclose((dual + 1).numpy(), X + 1)
    assert np.array_equal(dual.numpy(), X)
    assert repr(dual) == repr(tensor(X))


def test_after_the_level_the_graph_of_the_values_is_left() -> None:
    x = tensor(X, requires_grad=True)
    with dual_level():
        value = (make_dual(x, tensor(T)) ** 2).sum()
    value.backward()
    assert np.allclose(x.grad.numpy(), 2 * X)


def test_gradients_that_are_accumulated_in_a_level() -> None:
    x = tensor(X, requires_grad=True)
    with dual_level():
        (make_dual(x, tensor(T)) ** 3).sum().backward()
        assert np.allclose(unpack_dual(x.grad).tangent.numpy(), 6 * X * T)
    assert np.allclose(x.grad.numpy(), 3 * X**2)


def test_reverse_over_forward_and_forward_over_reverse() -> None:
    x = tensor(X, requires_grad=True)
    with dual_level():
        dual = make_dual(x, tensor(T))
        value = (dual**3).sum()
        (reverse,) = grad(unpack_dual(value).tangent, x, retain_graph=True)
        (gradient,) = grad(value, dual, create_graph=True)
        forward = unpack_dual(gradient).tangent
    assert np.allclose(reverse.numpy(), 6 * X * T)
    assert np.allclose(forward.detach().numpy(), 6 * X * T)


def test_the_text_of_a_dual_tensor() -> None:
    with dual_level():
        text = repr(make_dual(tensor([1.0]), tensor([2.0])))
    # As PyTorch 2.13 prints it.
    assert text == "tensor([1.], tangent=tensor([2.]))"


def test_errors() -> None:
    x = core.ones(2)
    with pytest.raises(RuntimeError, match="no level exists"):
        make_dual(x, x)
    with pytest.raises(RuntimeError, match="no level"):
        exit_dual_level()
    with dual_level():
        with pytest.raises(RuntimeError, match="Nested"):
            enter_dual_level()
        with pytest.raises(RuntimeError, match="different size"):
            make_dual(x, core.ones(3))
        with pytest.raises(ValueError, match="primal"):
            make_dual(core.arange(2), x)
        with pytest.raises(RuntimeError, match="already has"):
            make_dual(make_dual(x, x), x)


def test_dual_tensors_have_memory() -> None:
    with dual_level():
        dual = make_dual(core.tensor([3.0, 2.0]), core.ones(2))
        square = dual * dual
        assert square.numpy().tolist() == [9.0, 4.0]
        assert square.detach().numpy().tolist() == [9.0, 4.0]
        assert square.data_ptr() == unpack_dual(square).primal.data_ptr()
