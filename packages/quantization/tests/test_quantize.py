from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import lamella_core as core
import lamella_quantization as lq

NUMBERS = np.random.default_rng(0).standard_normal((4, 5)).astype(np.float32)


@pytest.mark.parametrize("dtype", [lq.quint8, lq.qint8, lq.qint32])
def test_nearest_integer(dtype) -> None:
    scale, zero = 0.0625, 3
    found = lq.quantize_per_tensor(core.tensor(NUMBERS), scale, zero, dtype)
    limits = np.iinfo(dtype.numpy)
    expected = np.clip(np.rint(NUMBERS / scale) + zero, limits.min, limits.max)
    np.testing.assert_array_equal(found.int_repr().numpy(), expected)
    np.testing.assert_array_equal(found.dequantize().numpy(), (expected - zero) * scale)
    assert found.int_repr().numpy().dtype == dtype.numpy


def test_error_of_rounding_is_half_a_step() -> None:
    found = lq.quantize_per_tensor(core.tensor(NUMBERS), 0.05, 128, lq.quint8)
    assert np.abs(found.dequantize().numpy() - NUMBERS).max() <= 0.025 + 1e-6


@pytest.mark.parametrize("axis", [0, 1])
def test_a_scale_for_each_channel(axis: int) -> None:
    count = NUMBERS.shape[axis]
    scales, zeros = np.arange(1, count + 1) / 16, np.arange(count)
    found = lq.quantize_per_channel(
        core.tensor(NUMBERS), core.tensor(scales), core.tensor(zeros), axis, lq.qint8
    )
    for index in range(count):
        alone = lq.quantize_per_tensor(
            core.tensor(NUMBERS).select(axis, index), scales[index], zeros[index], lq.qint8
        )
        np.testing.assert_array_equal(
            found.int_repr().select(axis, index).numpy(), alone.int_repr().numpy()
        )


def test_views_share_the_integers() -> None:
    found = lq.quantize_per_tensor(core.tensor(NUMBERS), 0.1, 10, lq.quint8)
    view = found.t()[1:3]
    view.copy_(core.zeros(2, 4))
    assert (found.dequantize().numpy()[:, 1:3] == 0).all()
    assert (found.dequantize().numpy()[:, 3:] != 0).any()
    assert view.q_scale() == 0.1


def test_copies() -> None:
    found = lq.quantize_per_tensor(core.tensor(NUMBERS), 0.1, 10, lq.quint8)
    for other in (copy.deepcopy(found), pickle.loads(pickle.dumps(found)), found.clone()):
        assert other.is_quantized
        assert other.dtype is lq.quint8
        np.testing.assert_array_equal(other.int_repr().numpy(), found.int_repr().numpy())


def test_tensors_that_map_otherwise_are_not_joined() -> None:
    one = lq.quantize_per_tensor(core.ones(2), 0.1, 10, lq.quint8)
    two = lq.quantize_per_tensor(core.ones(2), 0.2, 10, lq.quint8)
    assert core.cat([one, one]).dequantize().tolist() == [1.0] * 4
    with pytest.raises(RuntimeError, match="different types, scales or zero points"):
        core.cat([one, two])


def test_what_is_not_there_says_so() -> None:
    one = lq.quantize_per_tensor(core.ones(2), 0.1, 10, lq.quint8)
    with pytest.raises(NotImplementedError, match="add: not implemented for quantized.*dequantize"):
        one + one
    with pytest.raises(NotImplementedError, match="not quantized"):
        core.ones(2).q_scale()
    with pytest.raises(RuntimeError, match="zero_point 300 is above upper bound"):
        lq.quantize_per_tensor(core.ones(2), 0.1, 300, lq.quint8)
    with pytest.raises(RuntimeError, match="zero_point -1 is below lower bound"):
        lq.quantize_per_tensor(core.ones(2), 0.1, -1, lq.quint8)
    channels = lq.quantize_per_channel(
        core.ones(2, 2), core.ones(2), core.zeros(2).long(), 0, lq.quint8
    )
    with pytest.raises(NotImplementedError, match="per channel"):
        channels.t()
    with pytest.raises(RuntimeError, match="quantized per tensor"):
        channels.q_scale()


@pytest.mark.parametrize("kind", [lq.quint8, lq.qint32])
def test_many_numbers(kind):
    x = np.random.default_rng(0).standard_normal((300, 200)).astype(np.float32)
    for given in (core.from_numpy(x), core.from_numpy(x.copy("F"))):
        found = lq.quantize_per_tensor(given, 0.25, 3, kind).int_repr().numpy()
        low = 0 if kind is lq.quint8 else -(2**31)
        np.testing.assert_array_equal(found, np.maximum(np.rint(x * 4 + 3), low))
