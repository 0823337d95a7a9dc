from __future__ import annotations

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from lamella_cpu_kernels import _native, depthwise

RANDOM = np.random.default_rng(0)
# The input's sizes, the kernel's, features of a group, stride, padding, dilation.
CASES = [
    ((2, 3, 8, 9), (3, 3), 1, (1, 1), (1, 1), (1, 1)),
    ((2, 4, 9, 7), (3, 2), 2, (2, 1), (0, 1), (1, 2)),
    ((1, 2, 5, 6), (5, 5), 1, (1, 3), (4, 2), (1, 1)),
    ((3, 2, 1, 11), (1, 4), 3, (1, 2), (0, 5), (1, 3)),
    ((2, 2, 4, 4), (4, 4), 1, (1, 1), (0, 0), (1, 1)),
    ((4, 16, 90, 95), (3, 3), 1, (1, 1), (1, 1), (1, 1)),
]


def numbers(shape, kind):
    # Their sums of products are exact.
    return RANDOM.integers(-4, 5, shape).astype(kind)


def by_definition(input, weight, bias, stride, padding, dilation):
    (batch, groups), each = input.shape[:2], len(weight) // input.shape[1]
    padded = np.pad(input, [(0, 0), (0, 0), *[(p, p) for p in padding]])
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, weight.shape[2:], strict=True)]
    windows = sliding_window_view(padded, reach, (2, 3))[
        :, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]
    ]
    taps = weight.reshape(groups, each, *weight.shape[2:])
    result = np.einsum("bgyxij,gfij->bgfyx", windows, taps)
    result = result.reshape(batch, groups * each, *result.shape[3:])
    return result if bias is None else result + bias[:, None, None]


@pytest.mark.parametrize("kind", ["f4", "f8"])
@pytest.mark.parametrize(("shape", "kernel", "each", "stride", "padding", "dilation"), CASES)
@pytest.mark.parametrize("threads", [1, 3])
def test_by_the_definition(kind, shape, kernel, each, stride, padding, dilation, threads) -> None:
    how = (stride, padding, dilation)
    input, weight = numbers(shape, kind), numbers((shape[1] * each, 1, *kernel), kind)
    for bias in (None, numbers(len(weight), kind)):
        expected = by_definition(input, weight, bias, *how)
        result = np.empty_like(expected)
        assert _native.depthwise(input, weight, bias, result, *how, threads)
        np.testing.assert_array_equal(result, expected)
    # The convolution is linear in both: its derivatives are its transposes.
    grad = numbers(expected.shape, kind)
    to_input, to_weight = np.empty_like(input), np.empty_like(weight)
    assert _native.depthwise_input_grad(grad, weight, to_input, *how, threads)
    assert _native.depthwise_weight_grad(input, grad, to_weight, *how, threads)
    for _ in range(3):
        other, taps = numbers(shape, kind), numbers(weight.shape, kind)
        along = by_definition(other, weight, None, *how)
        assert (to_input * other).sum() == (grad * along).sum()
        assert (to_weight * taps).sum() == (grad * by_definition(input, taps, None, *how)).sum()


def test_what_does_not_fit_is_left_to_the_kernel_below() -> None:
    input, weight = np.ones((1, 2, 5, 5), np.float32), np.ones((2, 1, 3, 3), np.float32)
    out, how = np.zeros((1, 2, 3, 3), np.float32), ((1, 1), (0, 0), (1, 1))
    assert _native.depthwise(input, weight, None, out, *how, 1)
    assert (out == 9).all()
    wide = np.zeros((1, 2, 4, 3), np.float32)
    for call in (
        (input, weight, None, wide), (input.astype(float), weight, None, out),
        (input, weight, np.ones(3, np.float32), out), (input, weight[:1], None, out),
        (input.transpose(0, 1, 3, 2)[..., ::2], weight, None, out),
    ):  # fmt: skip
        assert not _native.depthwise(*call, *how, 1)
    assert not wide.any()
    kernel = depthwise.convolution(lambda *args: "below")
    below = [
        (input.astype(np.float16), weight.astype(np.float16), None, *how, 2),
        (input, np.ones((2, 2, 3, 3), np.float32), None, *how, 1),
        (np.moveaxis(np.ones((1, 5, 5, 2), np.float32), -1, 1), weight, None, *how, 2),
        (np.ones((1, 2, 2, 2), np.float32), weight, None, *how, 2),
    ]
    assert [kernel(*each) for each in below] == ["below"] * 4
    assert kernel(input, weight, None, *how, 2).sum() == 162


@pytest.mark.parametrize("name", ["convolution", "convolution_input_grad"])
@pytest.mark.parametrize("takes", [True, False])
def test_half_precision_reaches_what_takes_it(name, takes):
    def below(*args):
        return args[0]

    below.reduced_precision = takes
    kernel = getattr(depthwise, name)(below)
    assert getattr(kernel, "reduced_precision", False) is takes
    ones = np.ones((1, 2, 4, 4), np.float16)
    assert kernel(ones, ones[:, :1], None, (1, 1), (0, 0), (1, 1), 2) is ones
