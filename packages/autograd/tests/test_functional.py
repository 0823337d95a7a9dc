"""Jacobians, Hessians and products: closed forms."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as lc
from lamella_autograd import grad
from lamella_autograd.functional import hessian, hvp, jacobian, jvp, vhp, vjp


def vector(*values: float):
    return lc.tensor([float(v) for v in values], dtype=lc.float64)


A = np.array([[1.0, 2.0], [3.0, 5.0], [7.0, 11.0]])


def linear(x):
    return lc.tensor(A) @ x


def quadratic(x):
    return (linear(x) ** 2).sum()


def test_jacobian() -> None:
    x = vector(1, 2)
    np.testing.assert_allclose(jacobian(linear, x).numpy(), A)
    found = jacobian(lambda x, y: (x * y, x.sum()), (x, vector(3, 4)))
    assert [[each.tolist() for each in row] for row in found] == [
        [[[3.0, 0.0], [0.0, 4.0]], [[1.0, 0.0], [0.0, 2.0]]],
        [[1.0, 1.0], [0.0, 0.0]],
    ]
    assert jacobian(lambda x: x.view(1, 2), (x,))[0].shape == (1, 2, 2)
    assert jacobian(lambda x: lc.ones(3), x).tolist() == [[0.0, 0.0]] * 3
    assert not jacobian(linear, x).requires_grad


def test_jacobian_can_be_differentiated() -> None:
    x = vector(1, 2).requires_grad_()
    found = jacobian(lambda x: x**3, x, create_graph=True)
    assert grad(found.sum(), x)[0].tolist() == [6.0, 12.0]


def test_products_with_the_jacobian() -> None:
    x = vector(1, 2)
    value, left = vjp(linear, x, vector(1, 0, 2))
    np.testing.assert_allclose(value.numpy(), A @ [1, 2])
    np.testing.assert_allclose(left.numpy(), A.T @ [1, 0, 2])
    _, right = jvp(linear, x, vector(1, -1))
    np.testing.assert_allclose(right.numpy(), A @ [1, -1])
    assert not value.requires_grad and not right.requires_grad
    _, (a, b) = jvp(lambda x, y: (x * y, y.exp()), (x, x), (vector(1, 0), vector(0, 1)))
    assert a.tolist() == [1.0, 2.0]
    np.testing.assert_allclose(b.numpy(), [0, np.exp(2)])


def test_hessian() -> None:
    x = vector(1, 2)
    np.testing.assert_allclose(hessian(quadratic, x).numpy(), 2 * A.T @ A)
    found = hessian(lambda x, y: (x * y * y).sum(), (x, x))
    assert [[each.tolist() for each in row] for row in found] == [
        [[[0.0, 0.0], [0.0, 0.0]], [[2.0, 0.0], [0.0, 4.0]]],
        [[[2.0, 0.0], [0.0, 4.0]], [[2.0, 0.0], [0.0, 4.0]]],
    ]


def test_products_with_the_hessian() -> None:
    x, v = vector(1, 2), vector(1, -1)
    for product in (vhp, hvp):
        value, found = product(quadratic, x, v)
        np.testing.assert_allclose(value.item(), ((A @ [1, 2]) ** 2).sum())
        np.testing.assert_allclose(found.numpy(), 2 * A.T @ A @ [1, -1])


def test_strict() -> None:
    x = vector(1, 2)
    with pytest.raises(RuntimeError, match="Output 0 of the user-provided function does not"):
        jacobian(lambda x: lc.ones(2), x, strict=True)
    with pytest.raises(RuntimeError, match="independent of input 1"):
        vjp(lambda x, y: x.sum(), (x, x), strict=True)
    with pytest.raises(RuntimeError, match="independent of the input"):
        hvp(lambda x: (x * 3).sum(), x, x, strict=True)
    with pytest.raises(RuntimeError, match="strict=True"):
        jacobian(linear, x, strict=True, vectorize=True)


def test_errors() -> None:
    x = vector(1, 2)
    with pytest.raises(TypeError, match="inputs given to jacobian"):
        jacobian(linear, 3)
    with pytest.raises(TypeError, match="at index 1"):
        jacobian(linear, (x, 3))
    with pytest.raises(TypeError, match="outputs of the user-provided function given to vjp"):
        vjp(lambda x: 3, x)
    with pytest.raises(RuntimeError, match="can only be None"):
        vjp(linear, x)
    with pytest.raises(RuntimeError, match="can only be None"):
        jvp(linear, x)
    with pytest.raises(RuntimeError, match="v has invalid size"):
        vjp(linear, x, x)
    with pytest.raises(RuntimeError, match="invalid length"):
        vhp(quadratic, x, (x, x))
    with pytest.raises(RuntimeError, match="single element"):
        hessian(linear, x)
    with pytest.raises(NotImplementedError, match="vectorize=True"):
        jacobian(linear, x, strategy="forward-mode")
    with pytest.raises(NotImplementedError, match="create_graph=True"):
        jacobian(linear, x, True, strategy="forward-mode", vectorize=True)
    with pytest.raises(AssertionError, match="strategy"):
        jacobian(linear, x, strategy="sideways")


@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
def test_rows_or_columns_at_once(strategy: str) -> None:
    x, y = vector(1, 2, 3), vector(4, 5)
    found = jacobian(lambda a, b: a.outer(b), (x, y), vectorize=True, strategy=strategy)
    eye3, eye2 = np.eye(3), np.eye(2)
    assert np.allclose(found[0].numpy(), np.einsum("ik,j->ijk", eye3, y.numpy()))
    assert np.allclose(found[1].numpy(), np.einsum("i,jk->ijk", x.numpy(), eye2))
    cubes = hessian(lambda a: (a**3).sum(), x, vectorize=True, outer_jacobian_strategy=strategy)
    assert np.allclose(cubes.numpy(), np.diag(6 * x.numpy()))
