"""The functions of PyTorch's top level, held to formulas in NumPy."""

import warnings

import numpy as np
import pytest

import lamella_core as core
from lamella_nn.functional import top_level

A = np.linspace(-1, 2, 12, dtype=np.float32).reshape(3, 4)
X = core.from_numpy(A)


def close(result, wanted):
    np.testing.assert_allclose(result.numpy(), wanted, rtol=1e-5, atol=1e-6)


def test_the_weight_stands_first():
    assert top_level.embedding(X, core.tensor([2, 0])).tolist() == A[[2, 0]].tolist()
    weight, bias = np.float32([1, 2, 3, 4]), np.float32([0, 0, 1, 1])
    mean, var = A.mean(0), A.var(0)
    result = top_level.batch_norm(
        X, core.from_numpy(weight), core.from_numpy(bias), core.from_numpy(mean),
        core.from_numpy(var), False, 0.1, 0.5, True,
    )  # fmt: skip
    close(result, (A - mean) / np.sqrt(var + 0.5) * weight + bias)


def test_a_padding_index_without_a_row_is_none():
    weight = X.clone().requires_grad_()
    top_level.embedding(weight, core.tensor([2, 2]), -1).sum().backward()
    assert weight.grad.tolist() == [[0.0] * 4, [0.0] * 4, [2.0] * 4]
    weight.grad = None
    top_level.embedding(weight, core.tensor([2, 0]), 2).sum().backward()
    assert weight.grad.tolist() == [[1.0] * 4, [0.0] * 4, [0.0] * 4]


@pytest.mark.parametrize(("reduction", "reduce"), [(0, np.asarray), (1, np.mean), (2, np.sum)])
def test_reductions_are_numbers(reduction, reduce):
    other = np.abs(A) + 1
    losses = other * (np.log(other) - A)
    close(top_level.kl_div(X, core.from_numpy(other), reduction), reduce(losses))
    losses = np.exp(A) - other * A
    poisson = top_level.poisson_nll_loss(X, core.from_numpy(other), True, False, 1e-8, reduction)
    close(poisson, reduce(losses))


def test_a_choice_is_one_of_the_numbers():
    with pytest.raises(TypeError, match="'reduction' .* must be int, not str"):
        top_level.kl_div(X, X, "mean")
    with pytest.raises(ValueError, match=r"one of 0 \(none\), 1 \(mean\), 2 \(sum\), got 3"):
        top_level.kl_div(X, X, 3)
    with pytest.raises(ValueError, match=r"2 \(bicubic\), got 7"):
        top_level.grid_sampler(core.ones(1, 1, 2, 2), core.zeros(1, 1, 1, 2), 7, 0, False)


def test_conv_tbc():
    sequence = np.arange(10, dtype=np.float32).reshape(5, 1, 2)
    weight = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    bias = np.float32([1, 2, 3])
    wanted = sum(sequence[k : k + 4] @ weight[k] for k in range(2)) + bias
    result = top_level.conv_tbc(*map(core.from_numpy, (sequence, weight, bias)))
    close(result, wanted)


def test_convolution_of_any_dimension():
    ones = core.ones(1, 1, 2, 2)
    result = top_level.convolution(
        core.ones(1, 1, 3, 3), ones, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1
    )
    assert result.tolist() == [[[[4.0, 4.0], [4.0, 4.0]]]]
    result = top_level.convolution(
        core.ones(1, 1, 2, 2), ones, None, [2, 2], [0, 0], [1, 1], True, [0, 0], 1
    )
    assert result.tolist() == [[[[1.0] * 4] * 4]]
    with pytest.raises(RuntimeError, match="weight of 3 to 5 dimensions"):
        top_level.convolution(ones, core.ones(2, 2), None, [1], [0], [1], False, [0], 1)


def test_grids_of_images_and_of_volumes():
    image, grid = core.ones(1, 1, 2, 2), core.zeros(1, 1, 1, 2)
    assert top_level.grid_sampler_2d(image, grid, 0, 0, False).tolist() == [[[[1.0]]]]
    volume, places = core.ones(1, 1, 2, 2, 2), core.zeros(1, 1, 1, 1, 3)
    assert top_level.grid_sampler_3d(volume, places, 0, 0, False).tolist() == [[[[[1.0]]]]]
    with pytest.raises(RuntimeError, match="expected 4D input"):
        top_level.grid_sampler_2d(volume, places, 0, 0, False)
    with pytest.raises(RuntimeError, match="expected 5D input"):
        top_level.grid_sampler_3d(image, grid, 0, 0, False)


def test_the_mean_divergence_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        top_level.kl_div(X, X.abs(), 1)
