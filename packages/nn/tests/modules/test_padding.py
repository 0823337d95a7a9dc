"""Padding, against numpy.pad.

Texts recorded from PyTorch 2.13.
"""

import numpy as np
import pytest

import lamella_core as lc
import lamella_nn as nn


def close(result, expected):
    np.testing.assert_allclose(result.detach().numpy(), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nn.ReflectionPad1d(2), "ReflectionPad1d((2, 2))"),
        (nn.ReflectionPad2d((1, 2, 0, 1)), "ReflectionPad2d((1, 2, 0, 1))"),
        (nn.ReflectionPad3d(1), "ReflectionPad3d((1, 1, 1, 1, 1, 1))"),
        (nn.ReplicationPad1d((1, 2)), "ReplicationPad1d((1, 2))"),
        (nn.ReplicationPad2d(1), "ReplicationPad2d((1, 1, 1, 1))"),
        (nn.ReplicationPad3d((1, 2, 0, 1, 1, 1)), "ReplicationPad3d((1, 2, 0, 1, 1, 1))"),
        (nn.ZeroPad1d(1), "ZeroPad1d((1, 1))"),
        (nn.ZeroPad2d((1, 2, 0, 1)), "ZeroPad2d((1, 2, 0, 1))"),
        (nn.ZeroPad3d(1), "ZeroPad3d((1, 1, 1, 1, 1, 1))"),
        (nn.ConstantPad1d(1, 2.5), "ConstantPad1d(padding=(1, 1), value=2.5)"),
        (nn.ConstantPad2d((1, 2, 0, 1), 3), "ConstantPad2d(padding=(1, 2, 0, 1), value=3)"),
        (nn.ConstantPad3d(1, -1.0), "ConstantPad3d(padding=(1, 1, 1, 1, 1, 1), value=-1.0)"),
        (nn.CircularPad1d(1), "CircularPad1d((1, 1))"),
        (nn.CircularPad2d((1, 2, 0, 1)), "CircularPad2d((1, 2, 0, 1))"),
        (nn.CircularPad3d(1), "CircularPad3d((1, 1, 1, 1, 1, 1))"),
    ],
)
def test_text(layer, text):
    assert repr(layer) == text


MODES = {"Reflection": "reflect", "Replication": "edge", "Circular": "wrap", "Zero": "constant"}
SIDES = (1, 2, 0, 1, 2, 1)


@pytest.mark.parametrize("kind", MODES)
@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_against_numpy(kind, dimensions):
    values = np.random.default_rng(0).standard_normal((2, 3, 3, 4, 5)[: dimensions + 2])
    sides = SIDES[: 2 * dimensions]
    pairs = [sides[2 * i : 2 * i + 2] for i in reversed(range(dimensions))]
    expected = np.pad(values, [(0, 0), (0, 0), *pairs], mode=MODES[kind])
    close(getattr(nn, f"{kind}Pad{dimensions}d")(sides)(lc.from_numpy(values)), expected)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_constant(dimensions):
    values = np.random.default_rng(1).standard_normal((2, 3, 3, 4, 5)[: dimensions + 2])
    pairs = [(0, 0), (0, 0), *[(2, 2)] * dimensions]
    expected = np.pad(values, pairs, constant_values=-1.5)
    close(getattr(nn, f"ConstantPad{dimensions}d")(2, -1.5)(lc.from_numpy(values)), expected)


def test_zero_padding_is_constant_padding():
    assert isinstance(nn.ZeroPad2d(1), nn.ConstantPad2d)


def test_negative_padding_cuts_off():
    close(nn.ZeroPad1d((-1, 1))(lc.tensor([[1.0, 2.0, 3.0]])), [[2.0, 3.0, 0.0]])


def test_dimensions_of_circular_padding():
    with pytest.raises(ValueError, match="expected 3D or 4D input .got 5D input."):
        nn.CircularPad2d(1)(lc.ones(1, 1, 2, 2, 2))
