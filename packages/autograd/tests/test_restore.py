"""Gradients in the shape and type of their arguments."""

from __future__ import annotations

import pytest

import lamella_core as lc
from lamella_autograd import gradcheck
from lamella_autograd.restore import restore, sum_to_shape


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((2, 3), [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]),
        ((3,), [3.0, 5.0, 7.0]),
        ((1, 3), [[3.0, 5.0, 7.0]]),
        ((2, 1), [[3.0], [12.0]]),
        ((), 15.0),
        ((1, 1), [[15.0]]),
    ],
)
def test_sums(shape, expected) -> None:
    grad = lc.arange(6.0).view(2, 3)
    assert sum_to_shape(grad, shape).tolist() == expected


def test_types() -> None:
    z = lc.tensor([1 + 2j])
    assert restore(z, None, lc.float64).tolist() == [1.0]
    assert restore(z, (1,), lc.float64).dtype == lc.float64
    assert restore(lc.ones(2), (2,), lc.float32).dtype == lc.float32


def test_operands_of_other_shapes_and_types() -> None:
    a = lc.tensor([[0.3], [0.4]], dtype=lc.float64, requires_grad=True)
    z = lc.tensor([0.2 + 1j, 0.5 - 1j, 2.0], dtype=lc.complex128, requires_grad=True)
    assert gradcheck(lambda a, z: (a * z, a + z, z / a), (a, z))
    half = lc.ones(2, dtype=lc.float16, requires_grad=True)
    (half * lc.ones(3, 2, dtype=lc.float32)).sum().backward()
    assert half.grad.dtype == lc.float16 and half.grad.tolist() == [3.0, 3.0]
