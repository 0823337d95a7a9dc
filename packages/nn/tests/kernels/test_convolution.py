"""Convolution kernels against loops that follow the definition."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from lamella_nn.kernels import convolution as kernels

SETTINGS = [
    # channels, features, groups, kernel, stride, padding, dilation
    (3, 4, 1, 3, 1, 1, 1),
    (4, 6, 2, 2, 2, 0, 1),
    (6, 6, 6, 3, 1, 1, 1),
    (3, 6, 3, 3, 2, 2, 2),
    (8, 4, 1, 1, 1, 0, 1),
    (8, 4, 1, 1, 3, 0, 1),
    (2, 16, 1, 2, 1, 3, 1),
]
SIZES = (7, 5, 6)


def by_definition(input, weight, bias, stride, padding, dilation, groups):
    """``out[n, o, x] = bias[o] + sum_{c, k} padded[n, c, s x + d k] weight[o, c, k]``."""
    dims = weight.ndim - 2
    padded = np.pad(input, [(0, 0), (0, 0), *[(p, p) for p in padding]])
    out = [
        (padded.shape[2 + i] - dilation[i] * (weight.shape[2 + i] - 1) - 1) // stride[i] + 1
        for i in range(dims)
    ]
    result = np.zeros((input.shape[0], weight.shape[0], *out))
    narrow = weight.shape[1]
    for n, o in product(range(input.shape[0]), range(weight.shape[0])):
        group = o // (weight.shape[0] // groups)
        for place in product(*map(range, out)):
            total = 0.0 if bias is None else bias[o]
            for c, k in product(range(narrow), product(*map(range, weight.shape[2:]))):
                at = tuple(
                    s * x + d * i for s, x, d, i in zip(stride, place, dilation, k, strict=True)
                )
                total += padded[(n, group * narrow + c, *at)] * weight[(o, c, *k)]
            result[(n, o, *place)] = total
    return result


def problem(dims, channels, features, groups, kernel, stride, padding, dilation):
    rng = np.random.default_rng(0)
    input = rng.standard_normal((2, channels, *SIZES[:dims]))
    weight = rng.standard_normal((features, channels // groups, *[kernel] * dims))
    bias = rng.standard_normal(features)
    return input, weight, bias, ((stride,) * dims, (padding,) * dims, (dilation,) * dims, groups)


@pytest.mark.parametrize("dims", [1, 2])
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("few", [4096, 0])
def test_forward_follows_the_definition(monkeypatch, dims, setting, few):
    monkeypatch.setattr(kernels, "_FEW", few)
    input, weight, bias, settings = problem(dims, *setting)
    expected = by_definition(input, weight, bias, *settings)
    np.testing.assert_allclose(
        kernels.convolution(np, input, weight, bias, *settings), expected, atol=1e-12
    )


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize("block", [1 << 22, 50])
def test_the_gradients_are_adjoint(monkeypatch, dims, setting, channels_last, block):
    """<g, conv(x, w)> = <input_grad(g, w), x> = <weight_grad(x, g), w>, in every path."""
    monkeypatch.setattr(kernels, "BLOCK_ELEMENTS", block)
    monkeypatch.setattr(kernels, "_FEW", 0)
    monkeypatch.setattr(kernels, "_prefers_channels_last", lambda *_: channels_last)
    input, weight, _, settings = problem(dims, *setting)
    result = kernels.convolution(np, input, weight, None, *settings)
    grad = np.random.default_rng(1).standard_normal(result.shape)
    to_input = kernels.convolution_input_grad(np, grad, weight, input.shape[2:], *settings)
    to_weight = kernels.convolution_weight_grad(np, input, grad, weight.shape[2:], *settings)
    assert to_input.shape == input.shape
    assert to_weight.shape == weight.shape
    expected = (grad * result).sum()
    np.testing.assert_allclose((to_input * input).sum(), expected, rtol=1e-10)
    np.testing.assert_allclose((to_weight * weight).sum(), expected, rtol=1e-10)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("channels_last", [True, False])
def test_some_rows_of_an_image_at_a_time(monkeypatch, dims, setting, channels_last):
    monkeypatch.setattr(kernels, "_prefers_channels_last", lambda *_: channels_last)
    input, weight, bias, settings = problem(dims, *setting)
    expected = kernels.convolution(np, input, weight, bias, *settings)
    grad = np.random.default_rng(1).standard_normal(expected.shape)
    to_input = kernels.convolution_input_grad(np, grad, weight, input.shape[2:], *settings)
    to_weight = kernels.convolution_weight_grad(np, input, grad, weight.shape[2:], *settings)
    for rows in (1, 300):
        monkeypatch.setattr(kernels, "BLOCK_ELEMENTS", 1)
        monkeypatch.setattr(kernels, "_FEW", 0)
        monkeypatch.setattr(kernels, "ROWS_ELEMENTS", rows)
        result = kernels.convolution(np, input, weight, bias, *settings)
        np.testing.assert_allclose(result, expected, atol=1e-12)
        found = kernels.convolution_input_grad(np, grad, weight, input.shape[2:], *settings)
        np.testing.assert_allclose(found, to_input, atol=1e-12)
        found = kernels.convolution_weight_grad(np, input, grad, weight.shape[2:], *settings)
        np.testing.assert_allclose(found, to_weight, atol=1e-12)


def test_paths_agree(monkeypatch):
    input, weight, bias, settings = problem(2, *SETTINGS[0])
    results = [kernels.convolution(np, input, weight, bias, *settings)]
    monkeypatch.setattr(kernels, "_FEW", 0)
    for channels_last in (True, False):
        monkeypatch.setattr(kernels, "_prefers_channels_last", lambda *_, v=channels_last: v)
        results.append(kernels.convolution(np, input, weight, bias, *settings))
    np.testing.assert_allclose(results[0], results[1], atol=1e-12)
    np.testing.assert_allclose(results[0], results[2], atol=1e-12)


def test_results_are_contiguous():
    for setting in SETTINGS:
        input, weight, bias, settings = problem(2, *setting)
        result = kernels.convolution(np, input, weight, bias, *settings)
        assert result.flags.c_contiguous
        grad = kernels.convolution_input_grad(np, result, weight, input.shape[2:], *settings)
        assert grad.flags.c_contiguous


def test_empty_batch():
    input, weight, bias, settings = problem(2, *SETTINGS[0])
    assert kernels.convolution(np, input[:0], weight, bias, *settings).shape == (0, 4, 7, 5)


def test_unfold_columns():
    input = np.arange(9.0).reshape(1, 1, 3, 3)
    columns = kernels.unfold_windows(np, input, (2, 2), (1, 1), (0, 0), (1, 1))
    np.testing.assert_array_equal(
        columns[0], [[0, 1, 3, 4], [1, 2, 4, 5], [3, 4, 6, 7], [4, 5, 7, 8]]
    )
    back = kernels.fold_windows(np, columns, (3, 3), (2, 2), (1, 1), (0, 0), (1, 1))
    np.testing.assert_array_equal(back[0, 0], [[0, 2, 2], [6, 16, 10], [6, 14, 8]])


def test_windows_of_large_images():
    input = np.random.default_rng(0).normal(size=(2, 3, 200, 170)).astype(np.float32)
    settings = ((3, 2), (2, 1), (1, 1), (1, 2))
    columns = kernels.unfold_windows(np, input, *settings)
    around = np.pad(input, ((0, 0), (0, 0), (1, 1), (1, 1)))
    each = [around[:, :, i : i + 199 : 2, 2 * j : 2 * j + 170] for i in range(3) for j in range(2)]
    wanted = np.stack(each, 2).reshape(2, 18, -1)
    np.testing.assert_array_equal(columns, wanted)
    # The sum of what each place of the input went to.
    back = kernels.fold_windows(np, columns, (200, 170), *settings)
    counts = kernels.fold_windows(np, np.ones_like(columns), (200, 170), *settings)
    np.testing.assert_allclose(back, input * counts, rtol=1e-5)


def test_one_channel_a_group_of_large_images():
    rng = np.random.default_rng(0)
    input, weight = rng.normal(size=(2, 3, 150, 160)), rng.normal(size=(6, 1, 3, 3))
    grad = rng.normal(size=(2, 6, 75, 80))
    settings = ((2, 2), (1, 1), (1, 1), 3)
    around = np.pad(input, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(around, (3, 3), (2, 3))[:, :, ::2, ::2]
    windows = windows.repeat(2, 1)
    found = kernels.convolution(np, input, weight, None, *settings)
    wanted = np.einsum("nfxyij,fij->nfxy", windows, weight[:, 0])
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)
    to_weight = kernels.convolution_weight_grad(np, input, grad, (3, 3), *settings)
    wanted = np.einsum("nfxyij,nfxy->fij", windows, grad)[:, None]
    np.testing.assert_allclose(to_weight, wanted, rtol=1e-9, atol=1e-11)
    # The adjoint: <conv(x), g> = <x, input_grad(g)>.
    to_input = kernels.convolution_input_grad(np, grad, weight, (150, 160), *settings)
    assert (found * grad).sum() == pytest.approx((input * to_input).sum(), rel=1e-9)


def test_channels_last_results_are_made_in_place():
    rng = np.random.default_rng(0)
    input = np.moveaxis(rng.normal(size=(2, 9, 8, 4)), -1, 1)
    for weight, groups in ((rng.normal(size=(6, 4, 3, 3)), 1), (rng.normal(size=(4, 1, 3, 3)), 4)):
        settings = ((1, 1), (1, 1), (1, 1), groups)
        found = kernels.convolution(np, input, weight, None, *settings)
        assert found.transpose(0, 2, 3, 1).flags.c_contiguous
        wanted = kernels.convolution(np, np.ascontiguousarray(input), weight, None, *settings)
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(("stride", "padding", "dilation"), [(1, 1, 1), (2, 3, 2), (3, 0, 1)])
def test_rows_of_a_large_image_with_a_channel_a_group(stride, padding, dilation, last):
    rng = np.random.default_rng(0)
    sizes, features = (900, 310), 4
    input = rng.standard_normal((1, 2, *sizes))
    weight, bias = rng.standard_normal((features, 1, 3, 2)), rng.standard_normal(features)
    if last:
        input = np.moveaxis(np.ascontiguousarray(np.moveaxis(input, 1, -1)), -1, 1)
    settings = ((stride,) * 2, (padding,) * 2, (dilation,) * 2, 2)
    result = kernels.convolution(np, input, weight, bias, *settings)
    padded = np.pad(input, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    rows, columns = result.shape[2:]
    grad = rng.standard_normal(result.shape)
    expected, to_weight = np.zeros(result.shape), np.zeros(weight.shape)
    spread = np.zeros(padded.shape)
    for o, i, j in product(range(features), range(3), range(2)):
        at = (
            0,
            o // 2,
            slice(i * dilation, i * dilation + (rows - 1) * stride + 1, stride),
            slice(j * dilation, j * dilation + (columns - 1) * stride + 1, stride),
        )
        expected[0, o] += padded[at] * weight[o, 0, i, j]
        to_weight[o, 0, i, j] = (padded[at] * grad[0, o]).sum()
        spread[at] += grad[0, o] * weight[o, 0, i, j]
    expected += bias[:, None, None]
    np.testing.assert_allclose(result, expected, rtol=1e-10, atol=1e-10)
    found = kernels.convolution_input_grad(np, grad, weight, sizes, *settings)
    inside = slice(padding, padding + sizes[0]), slice(padding, padding + sizes[1])
    np.testing.assert_allclose(found, spread[(..., *inside)], rtol=1e-10, atol=1e-10)
    found = kernels.convolution_weight_grad(np, input, grad, (3, 2), *settings)
    np.testing.assert_allclose(found, to_weight, rtol=1e-9, atol=1e-9)
