"""Declaring derivatives: what is checked, and that outside ops are recorded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import lamella_core as lc
from lamella_autograd import derivative, grad, gradcheck, gradgradcheck, non_differentiable
from lamella_autograd.formulas import derivatives, op_call
from lamella_core import Tensor, register_kernel
from lamella_core.conventions import arrays, pointwise
from lamella_core.dispatch import ops
from lamella_core.ops.spectral import fft_r2c

register_kernel("test_scaled", lambda xp, input, other: input * other * other)
register_kernel("test_parts", lambda xp, input: (input * 2, input * input, input.argmax()))
register_kernel("test_joined", lambda xp, tensors, scale: sum(tensors) * scale)


@pointwise("float")
def test_scaled(input: Tensor, other: Tensor) -> Tensor:
    """``input * other ** 2``."""


@arrays(method=False)
def test_parts(input: Tensor) -> Tensor:
    """Twice the input, its square, and the place of its greatest element."""


@arrays(method=False)
def test_joined(tensors: Sequence[Tensor], scale: float) -> Tensor:
    """The sum of the tensors times a number."""


scaled, parts, joined = test_scaled, test_parts, test_joined
del test_scaled, test_parts, test_joined


@pytest.fixture
def forget():
    before = dict(derivatives)
    yield
    derivatives.clear()
    derivatives.update(before)
    for op in ops.values():
        op.table.clear()


def leaf(*values: float):
    return lc.tensor(list(values), dtype=lc.float64, requires_grad=True)


def test_separate_and_joint(forget) -> None:
    derivative(
        "test_scaled",
        input=lambda grad, other: grad * other * other,
        other=lambda grad, input, other: grad * input * other * 2,
    )
    a, b = leaf(0.3, 0.4), leaf(0.5)
    assert gradcheck(scaled, (a, b)) and gradgradcheck(scaled, (a, b))
    assert gradcheck(lambda a, b: (a * 1).test_scaled_(b), (a, b))
    seen = []

    def both(grad, input, other, needs):
        seen.append(needs)
        return grad * other * other, grad * input * other * 2

    derivative("test_scaled", joint=("input", "other"), compute=both)
    assert gradcheck(scaled, (a, b))
    scaled(a, b.detach()).sum().backward()
    assert seen[0] == (True, True) and seen[-1] == (True, False)


def test_several_outputs(forget) -> None:
    def back(grads, input):
        total = 0 if grads[0] is None else grads[0] * 2
        return total if grads[1] is None else total + grads[1] * input * 2

    derivative("test_parts", input=back)
    x = leaf(0.3, 0.4)
    assert [each.requires_grad for each in parts(x)] == [True, True, False]
    assert gradcheck(parts, (x,)) and gradgradcheck(parts, (x,))


def test_sequences(forget) -> None:
    derivative("test_joined", tensors=lambda grad, tensors, scale: [grad * scale] * len(tensors))
    x, y, z = leaf(1.0, 2.0), leaf(3.0, 4.0), lc.ones(2, dtype=lc.float64)
    joined([x, z, y, x], 3.0).sum().backward()
    assert x.grad.tolist() == [6.0, 6.0] and y.grad.tolist() == [3.0, 3.0]


def test_shape_and_dtype_keep_no_tensor(forget) -> None:
    seen = []

    def back(grad, input_shape, input_dtype):
        seen.append((tuple(input_shape), input_dtype))
        return grad

    derivative("test_scaled", input=back)
    x = leaf(1.0, 2.0)
    y = scaled(x, lc.ones(2, dtype=lc.float64))
    y.sum().backward()
    y.sum().backward()
    assert seen == [((2,), lc.float64)] * 2


def test_without_derivative(forget) -> None:
    derivatives.pop("test_scaled", None)
    ops["test_scaled"].table.clear()
    y = scaled(leaf(1.0), leaf(2.0))
    assert y.requires_grad
    with pytest.raises(RuntimeError, match="derivative for test_scaled is not implemented"):
        y.sum().backward()
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match="derivative for test_scaled is not implemented"):
        grad(scaled(x * 2, leaf(2.0)).sum() + x.sum(), x)
    with pytest.raises(RuntimeError, match="derivative for test_scaled_ is not implemented"):
        (leaf(1.0) * 1).test_scaled_(leaf(2.0))


def test_not_differentiable(forget) -> None:
    non_differentiable("test_scaled")
    assert not scaled(leaf(1.0), leaf(2.0)).requires_grad
    y = leaf(1.0) * 1
    y.test_scaled_(leaf(2.0))
    assert y.requires_grad


def test_mistakes(forget) -> None:
    with pytest.raises(ValueError, match="either a formula an argument, or joint= and compute="):
        derivative("test_scaled", joint=("input",))
    with pytest.raises(ValueError, match="either"):
        derivative("test_scaled", joint=("input",), compute=lambda grad: grad, other=lambda g: g)
    derivative("test_scaled", input=lambda grad, scale: grad)
    with pytest.raises(ValueError, match="names scale, but the op's arguments are input, other"):
        scaled(leaf(1.0), leaf(2.0))


def test_outputs_that_the_formula_does_without_may_be_overwritten() -> None:
    x = lc.tensor([3.0, 1.0, 2.0], requires_grad=True)
    values, indices = (x * 1).sort()
    values += 1
    values.backward(lc.tensor([1.0, 10.0, 100.0]))
    assert x.grad.tolist() == [100.0, 1.0, 10.0]
    values, indices = (x * 1).sort()
    indices.fill_(0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation.*'results' of sort"):
        values.sum().backward()


@pytest.mark.parametrize("other", [2, 2.5, 1 + 2j, "tensor", "complex tensor", "integer tensor"])
def test_formula_that_is_a_call_of_an_op(other) -> None:
    kinds = {"tensor": lc.float64, "complex tensor": lc.complex128, "integer tensor": lc.int64}
    if other in kinds:
        other = lc.tensor([3, 4]).to(kinds[other])
    x = lc.tensor([1.0 + 2.0j, 3.0], dtype=lc.complex128, requires_grad=True)
    (slope,) = grad((x * other).sum(), x, lc.tensor(1.0 + 1.0j, dtype=lc.complex128))
    values = other.numpy() if isinstance(other, lc.Tensor) else np.full(2, other)
    np.testing.assert_allclose(slope.numpy(), (1 + 1j) * np.conj(values))


def test_declared_call() -> None:
    formula = op_call("mul", "grad", "result", conjugated="result")
    z = lc.tensor([1 + 2j])
    assert formula(z, z).tolist() == [5 + 0j]
    assert formula(z, 2 + 1j).tolist() == [(1 + 2j) * (2 - 1j)]


def test_once_refuses_a_second_pass():
    """As PyTorch refuses it after a real Fourier transform, and allows it after a scaled sum."""
    x = lc.ones(4).requires_grad_()
    result = fft_r2c(x, (0,), "backward").real.sum()
    grad(result, x, retain_graph=True)
    grad(result, x)
    with pytest.raises(RuntimeError, match="second time .at fft_r2c"):
        grad(result, x)
    result = lc.add(x, x, alpha=2).sum()
    grad(result, x)
    assert grad(result, x)[0].tolist() == [3.0] * 4
