"""Transforms of functions, against derivatives worked out by hand."""

import numpy as np
import pytest

import lamella_core as core
from lamella_autograd import func, no_grad
from lamella_autograd.graph import save_on_cpu
from lamella_core import Tensor, float64, tensor

X = np.array([0.5, -1.25, 2.0])


def x() -> Tensor:
    return tensor(X)


def test_grad_is_the_gradient() -> None:
    assert np.allclose(func.grad(lambda a: (a**3).sum())(x()).numpy(), 3 * X**2)
    found, value = func.grad_and_value(lambda a: a.sin().sum())(x())
    assert np.allclose(found.numpy(), np.cos(X))
    assert np.allclose(value.item(), np.sin(X).sum())


def test_grad_with_respect_to_several_arguments() -> None:
    def f(a: Tensor, b: Tensor) -> Tensor:
        return (a * b.exp()).sum()

    of_b, of_a = func.grad(f, argnums=(1, 0))(x(), x())
    assert np.allclose(of_a.numpy(), np.exp(X))
    assert np.allclose(of_b.numpy(), X * np.exp(X))
    found, aux = func.grad(lambda d: ((d["k"] ** 2).sum(), "aux"), has_aux=True)({"k": x()})
    assert np.allclose(found["k"].numpy(), 2 * X)
    assert aux == "aux"


def test_gradients_nest_without_mixing_levels() -> None:
    assert np.isclose(func.grad(func.grad(lambda a: a**4))(x()[2]).item(), 12 * X[2] ** 2)
    # d/da (a * d/db (a b)) = d/da a^2
    outer = func.grad(lambda a: a * func.grad(lambda b: a * b)(x()[0]))
    assert np.isclose(outer(x()[1]).item(), 2 * X[1])


def test_outside_nothing_is_recorded_unless_it_requires_grad() -> None:
    assert not func.grad(lambda a: (a**2).sum())(x()).requires_grad
    weight = tensor(2.0, dtype=float64, requires_grad=True)
    found = func.grad(lambda a: (a**2 * weight).sum())(x())
    found.sum().backward()
    assert np.isclose(weight.grad.item(), (2 * X).sum())
    with no_grad():
        assert np.allclose(func.grad(lambda a: (a**2).sum())(x()).numpy(), 2 * X)


def test_vjp_may_be_called_often() -> None:
    value, pull = func.vjp(lambda a: (a.sin(), a.sum()), x())
    assert np.allclose(value[0].numpy(), np.sin(X))
    seed = (x(), tensor(3.0, dtype=float64))
    for _ in range(2):
        assert np.allclose(pull(seed)[0].numpy(), X * np.cos(X) + 3)


def test_jvp_and_linearize() -> None:
    tangent = np.array([1.0, 2.0, -1.0])

    def f(a: Tensor) -> Tensor:
        return a.exp() * a.sum()

    expected = np.exp(X) * tangent * X.sum() + np.exp(X) * tangent.sum()
    value, found = func.jvp(f, (x(),), (tensor(tangent),))
    assert np.allclose(value.numpy(), np.exp(X) * X.sum())
    assert np.allclose(found.numpy(), expected)
    value, push = func.linearize(f, x())
    assert np.allclose(value.numpy(), np.exp(X) * X.sum())
    assert np.allclose(push(tensor(tangent)).numpy(), expected)


@pytest.mark.parametrize("jacobian", [func.jacrev, func.jacfwd])
def test_jacobians(jacobian: object) -> None:
    found = jacobian(lambda a: a.sin() * a.sum())(x())  # type: ignore[operator]
    assert np.allclose(found.numpy(), np.diag(np.cos(X)) * X.sum() + np.sin(X)[:, None])


def test_hessian() -> None:
    found = func.hessian(lambda a: a[0] ** 2 * a[1] + a[2] ** 3)(x())
    expected = [[2 * X[1], 2 * X[0], 0], [2 * X[0], 0, 0], [0, 0, 6 * X[2]]]
    assert np.allclose(found.numpy(), expected)


def test_per_sample_gradients() -> None:
    data = np.arange(12.0).reshape(4, 3)
    weight = tensor(X)
    each = func.vmap(func.grad(lambda w, a: (w @ a).tanh()), in_dims=(None, 0))
    slopes = 1 - np.tanh(data @ X) ** 2
    assert np.allclose(each(weight, tensor(data)).numpy(), slopes[:, None] * data)


def test_an_index_of_the_example_in_a_gradient() -> None:
    # PyTorch 2.13 refuses this: it takes the index for a number.
    data, place = np.arange(6.0).reshape(2, 3), [2, 0]
    each = func.vmap(func.grad(lambda a, k: a[k] ** 2))
    found = each(tensor(data), tensor(place)).numpy()
    assert found.tolist() == [[0.0, 0.0, 4.0], [6.0, 0.0, 0.0]]


def test_a_function_with_control_flow_is_differentiated_where_it_is() -> None:
    f = func.grad(lambda a: a**2 if a > 0 else -a)
    assert f(tensor(3.0)).item() == 6.0
    assert f(tensor(-3.0)).item() == -1.0


def test_the_text_of_tracked_tensors() -> None:
    texts = []
    func.grad(lambda a: (texts.append(repr(a)), a)[1])(tensor(2.0))
    func.vmap(lambda a: (texts.append(repr(a)), a)[1])(tensor([2.0]))
    assert texts == [
        "GradTrackingTensor(lvl=1, value=\n    tensor(2.)\n)",
        "BatchedTensor(lvl=1, bdim=0, value=\n    tensor([2.])\n)",
    ]


def test_debug_unwrap() -> None:
    seen = []
    func.vmap(func.grad(lambda a: (seen.append(func.debug_unwrap(a)), a)[1]))(tensor([2.0, 3.0]))
    assert seen[0].tolist() == [2.0, 3.0]


def test_errors() -> None:
    with pytest.raises(RuntimeError, match="scalar"):
        func.grad(lambda a: a)(x())
    with pytest.raises(RuntimeError, match="argnum=1"):
        func.grad(lambda a: a.sum(), argnums=1)(x())
    with pytest.raises(RuntimeError, match="floating point"):
        func.grad(lambda a: a.sum())(core.arange(3))
    with pytest.raises(RuntimeError, match="structure"):
        func.vjp(core.sin, x())[1]((x(), x()))
    with pytest.raises(RuntimeError, match="different size"):
        func.jvp(core.sin, (x(),), (x()[:1],))
    with pytest.raises(RuntimeError, match="tuple"):
        func.jvp(core.sin, x(), x())
    with pytest.raises(RuntimeError, match="backward"):
        func.grad(lambda a: (a.sum().backward(), a.sum())[1])(x())
    with pytest.raises(RuntimeError, match="requires_grad_"):
        func.grad(lambda a: a.requires_grad_().sum())(x())
    kept = core.zeros(3, dtype=float64)
    with pytest.raises(RuntimeError, match="captured"):
        func.grad(lambda a: kept.add_(a).sum())(x())
    with pytest.raises(RuntimeError, match="saved tensor hooks"), save_on_cpu():
        func.grad(lambda a: a.sum())(x())
