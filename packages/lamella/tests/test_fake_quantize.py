"""Numbers rounded as a quantized type would round them; the values are PyTorch 2.13's."""

from __future__ import annotations

import math

import pytest

import lamella
from lamella import fake_quantize_per_channel_affine, fake_quantize_per_tensor_affine, tensor


def test_values_and_limits() -> None:
    x = tensor([0.25, 0.35, 0.45, -0.05, 0.15, 1e9, -1e9, math.nan, math.inf])
    found = fake_quantize_per_tensor_affine(x, 0.1, 0, -128, 127)
    expected = [0.2, 0.4, 0.4, 0.0, 0.2, 12.7, -12.8, -12.8, 12.7]
    assert found.tolist() == pytest.approx(expected, abs=1e-6)
    half = fake_quantize_per_tensor_affine(x[:3].half(), tensor([0.1]), tensor([3]), 0, 255)
    assert half.dtype is lamella.float16 and half.tolist() == pytest.approx([0.2, 0.4, 0.4], 1e-3)


def test_it_rounds_as_the_quantized_type_does() -> None:
    x = lamella.linspace(-5, 5, 101)
    quantized = lamella.quantize_per_tensor(x, 0.07, 20, lamella.quint8).dequantize()
    assert lamella.equal(fake_quantize_per_tensor_affine(x, 0.07, 20, 0, 255), quantized)


def test_gradient_passes_within_the_limits() -> None:
    x = tensor([-1.0, 0.3, 0.7, 9.0], requires_grad=True)
    fake_quantize_per_tensor_affine(x, 0.1, 0, 0, 15).backward(lamella.arange(1.0, 5.0))
    assert x.grad.tolist() == [0.0, 2.0, 3.0, 0.0]


def test_channels() -> None:
    x = tensor([[0.26, 3.0], [0.26, 3.0]], requires_grad=True)
    found = fake_quantize_per_channel_affine(
        x, tensor([0.1, 0.5]), tensor([0, 1], dtype=lamella.int32), 0, 0, 7
    )
    assert found.flatten().tolist() == pytest.approx([0.3, 0.7, 0.5, 3.0])
    found.sum().backward()
    assert x.grad.tolist() == [[1.0, 0.0], [1.0, 1.0]]


def test_refusals() -> None:
    x = lamella.ones(2, 3)
    with pytest.raises(RuntimeError, match="`zero_point` must be between"):
        fake_quantize_per_tensor_affine(x, 0.1, 300, 0, 255)
    with pytest.raises(RuntimeError, match="`quant_min` should be less than"):
        fake_quantize_per_tensor_affine(x, 0.1, 0, 5, 2)
    with pytest.raises(NotImplementedError, match="not implemented for 'Long'"):
        fake_quantize_per_tensor_affine(x.long(), 0.1, 0, 0, 5)
    with pytest.raises(RuntimeError, match="not consistent with input tensor"):
        fake_quantize_per_channel_affine(x, lamella.ones(3), lamella.zeros(3), 0, 0, 5)
    with pytest.raises(IndexError, match="Dimension out of range"):
        fake_quantize_per_channel_affine(x, lamella.ones(2), lamella.zeros(2), 3, 0, 5)
