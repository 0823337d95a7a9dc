"""Quantized tensors against PyTorch's: integers, numbers, texts and errors."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch

import lamella

warnings.filterwarnings("ignore", message=".*quantiz.*")

DTYPES = ("quint8", "qint8", "qint32")
NUMBERS = np.concatenate(
    [np.random.default_rng(0).standard_normal(4000) * 20, np.arange(-40, 40) * 0.05, [1e6, -1e6]]
).astype(np.float32)


def by_tensor(
    f: Any, numbers: Any, dtype: str = "quint8", scale: float = 0.1, zero: int = 10
) -> Any:
    return f.quantize_per_tensor(f.tensor(numbers), scale, zero, getattr(f, dtype))


def by_channel(f: Any, axis: int = 0, dtype: str = "quint8") -> Any:
    numbers = f.tensor(np.linspace(-1, 2, 6, dtype=np.float32).reshape(2, 3).tolist())
    scales, zeros = ([0.1, 0.01], [10, 0]) if axis == 0 else ([0.1, 0.01, 0.5], [10, 0, 3])
    return f.quantize_per_channel(
        numbers, f.tensor(scales), f.tensor(zeros), axis, getattr(f, dtype)
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("scale", "zero"), [(0.1, 0), (0.1, 10), (0.03, 127), (1.7, 1)])
def test_integers_and_numbers(dtype: str, scale: float, zero: int) -> None:
    found, expected = (by_tensor(f, NUMBERS, dtype, scale, zero) for f in (lamella, torch))
    np.testing.assert_array_equal(found.int_repr().numpy(), expected.int_repr().numpy())
    np.testing.assert_array_equal(found.dequantize().numpy(), expected.dequantize().numpy())
    assert (found.q_scale(), found.q_zero_point()) == (scale, zero)
    assert repr(found.qscheme()) == repr(expected.qscheme())
    assert repr(found.dtype) == repr(expected.dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [0, 1])
def test_by_channel(axis: int, dtype: str) -> None:
    found, expected = by_channel(lamella, axis, dtype), by_channel(torch, axis, dtype)
    np.testing.assert_array_equal(found.int_repr().numpy(), expected.int_repr().numpy())
    np.testing.assert_array_equal(found.dequantize().numpy(), expected.dequantize().numpy())
    for name in ("q_per_channel_scales", "q_per_channel_zero_points"):
        mine, theirs = getattr(found, name)(), getattr(expected, name)()
        assert repr(mine.dtype) == repr(theirs.dtype)
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())
    assert found.q_per_channel_axis() == axis
    assert repr(found) == repr(expected)


SMALL = [-1.0, 0.0, 0.26, 1.0, 100.0]
TEXTS = {
    "vector": lambda f: by_tensor(f, SMALL),
    "matrix": lambda f: by_tensor(f, [SMALL, SMALL], "qint8", 0.25, 0),
    "number": lambda f: by_tensor(f, 1.0, "qint32"),
    "long": lambda f: by_tensor(f, np.arange(60, dtype=np.float32).reshape(3, 20)),
    "item": lambda f: by_tensor(f, SMALL)[1],
    "slice": lambda f: by_tensor(f, SMALL)[1:3],
    "view": lambda f: by_tensor(f, SMALL).view(5, 1),
    "turned": lambda f: by_tensor(f, [SMALL, SMALL]).t(),
    "joined": lambda f: f.cat([by_tensor(f, SMALL), by_tensor(f, SMALL)]),
    "relu": lambda f: f.relu(by_tensor(f, SMALL)),
    "compared": lambda f: by_tensor(f, SMALL) > 0.1,
    "equal": lambda f: by_tensor(f, SMALL) == by_tensor(f, SMALL),
    "copied into": lambda f: by_tensor(f, SMALL).copy_(f.tensor([1.0, 2.0, 3.0, 4.0, 5.01])),
    "several": lambda f: f.quantize_per_tensor(
        [f.tensor(SMALL), f.tensor([1.0])], f.tensor([0.5, 0.25]), f.tensor([0, 1]), f.quint8
    ),
    "numbers of several": lambda f: f.dequantize([by_tensor(f, SMALL), by_tensor(f, SMALL)]),
    "expanded": lambda f: by_tensor(f, SMALL).expand(2, 5),
    "split": lambda f: by_tensor(f, SMALL).split(2),
    "of a plain tensor": lambda f: f.ones(2).dequantize(),
}


@pytest.mark.parametrize("name", TEXTS)
def test_same_text(name: str) -> None:
    assert repr(TEXTS[name](lamella)) == repr(TEXTS[name](torch))


ERRORS = {
    "float64": lambda f: f.quantize_per_tensor(f.ones(2).double(), 0.1, 0, f.quint8),
    "plain type": lambda f: f.quantize_per_tensor(f.ones(2), 0.1, 0, f.int8),
    "zero point": lambda f: f.quantize_per_tensor(f.ones(2), 0.1, 300, f.quint8),
    "lengths": lambda f: f.quantize_per_channel(
        f.ones(2, 3), f.tensor([0.1]), f.tensor([1, 0]), 0, f.quint8
    ),
    "axis": lambda f: f.quantize_per_channel(
        f.ones(2, 3), f.tensor([0.1, 0.2]), f.tensor([1, 0]), 5, f.quint8
    ),
    "int_repr of plain": lambda f: f.ones(2).int_repr(),
    "q_scale of plain": lambda f: f.ones(2).q_scale(),
    "q_scale by channel": lambda f: by_channel(f).q_scale(),
    "sum": lambda f: by_tensor(f, SMALL) + by_tensor(f, SMALL),
    "numpy": lambda f: by_tensor(f, SMALL).numpy(),
    "tolist": lambda f: by_tensor(f, SMALL).tolist(),
    "to float": lambda f: by_tensor(f, SMALL).float(),
    "to int8": lambda f: by_tensor(f, SMALL).to(f.int8),
    "requires grad": lambda f: by_tensor(f, SMALL).requires_grad_(),
}


@pytest.mark.parametrize("name", ERRORS)
def test_same_kind_of_error(name: str) -> None:
    with pytest.raises(Exception) as expected:
        ERRORS[name](torch)
    with pytest.raises(type(expected.value)):
        ERRORS[name](lamella)
