"""Padding against numpy.pad, and its errors."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as torch
from lamella_nn import functional as F


@pytest.mark.parametrize(
    ("mode", "numpy_mode"),
    [("constant", "constant"), ("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")],
)
def test_modes(mode, numpy_mode):
    x = np.arange(24.0).reshape(1, 2, 3, 4)
    expected = np.pad(x, [(0, 0), (0, 0), (1, 2), (3, 0)], numpy_mode)
    np.testing.assert_array_equal(F.pad(torch.tensor(x), (3, 0, 1, 2), mode).numpy(), expected)


def test_the_gradient_adds_up_copies():
    x = torch.arange(3.0).reshape(1, 3).requires_grad_()
    (grad,) = autograd.grad(F.pad(x, (2, 1), "replicate").sum(), x)
    assert grad.tolist() == [[3.0, 1.0, 2.0]]
    (grad,) = autograd.grad(F.pad(x, (-1, 1)).sum(), x)
    assert grad.tolist() == [[0.0, 1.0, 1.0]]


def test_errors():
    x = torch.zeros(1, 2, 3)
    with pytest.raises(RuntimeError, match="less than the corresponding input dimension"):
        F.pad(x, (3, 0), "reflect")
    with pytest.raises(NotImplementedError, match="Unrecognised padding mode x"):
        F.pad(x, (1, 1), "x")
    with pytest.raises(RuntimeError, match="even"):
        F.pad(x, (1,))
    with pytest.raises(RuntimeError, match="negative output size"):
        F.pad(x, (-2, -2))


@pytest.mark.parametrize("mode", ["reflect", "replicate"])
def test_errors_are_pytorchs(mode):
    x = torch.ones(2, 3, 4)
    with pytest.raises(RuntimeError, match="doesn't take in value argument"):
        F.pad(x, (1, 1), mode, 2.0)
    with pytest.raises(RuntimeError, match="Padding length must be divisible by 2"):
        F.pad(x, (1, 1, 1), mode)
    with pytest.raises(RuntimeError, match="other non-zero dimensions"):
        F.pad(x[:, :0], (1, 1), mode)
    assert F.pad(x[:0], (1, 1), mode).shape == (0, 3, 6)
    with pytest.raises(TypeError, match="must be float or None, not str"):
        F.pad(x, (1, 1), value="a")


@pytest.mark.parametrize(
    ("mode", "numpy_mode"), [("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")]
)
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_every_dimension_and_its_gradient(mode, numpy_mode, dims):
    shape = (2, 2, 4, 3, 5)[: dims + 2]
    values = np.random.default_rng(0).standard_normal(shape)
    pairs = [(2, 1), (0, 2), (3, 0)][:dims]
    expected = np.pad(values, [(0, 0), (0, 0), *pairs], numpy_mode)
    flat = tuple(n for pair in reversed(pairs) for n in pair)
    x = torch.tensor(values, requires_grad=True)
    result = F.pad(x, flat, mode)
    np.testing.assert_array_equal(result.detach().numpy(), expected)
    # The gradient of a weighted sum: each weight goes to the element whose copy it weighs.
    weights = np.random.default_rng(1).standard_normal(expected.shape)
    places = np.pad(np.arange(values.size).reshape(shape), [(0, 0), (0, 0), *pairs], numpy_mode)
    sums = np.bincount(places.ravel(), weights.ravel()).reshape(shape)
    (grad,) = autograd.grad((result * torch.tensor(weights)).sum(), x)
    np.testing.assert_allclose(grad.numpy(), sums, rtol=1e-12)


@pytest.mark.parametrize(
    ("mode", "pad", "expected"),
    # What PyTorch 2.13 makes of 0 to 4.
    [
        ("reflect", (2, -3), [2, 1, 0, 1]),
        ("reflect", (-4, 3), [4, 3, 2, 1]),
        ("replicate", (2, -4), [0, 0, 0]),
        ("replicate", (-4, 2), [4, 4, 4]),
        ("circular", (-2, 2), [2, 3, 4, 2, 3]),
        ("circular", (2, -1), [2, 3, 0, 1, 2, 3]),
    ],
)
def test_cut_off_on_one_side(mode, pad, expected):
    x = torch.arange(5.0).reshape(1, 5).requires_grad_()
    result = F.pad(x, pad, mode)
    assert result.tolist() == [expected]
    (grad,) = autograd.grad(result.sum(), x)
    assert grad.tolist() == [[float(expected.count(n)) for n in range(5)]]


def test_a_circle_of_too_little():
    with pytest.raises(RuntimeError, match="wrapping around more than once"):
        F.pad(torch.ones(1, 3), (-2, 2), "circular")


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_derivatives_in_channels_last(mode):
    x = torch.randn(2, 3, 3, 4, dtype=torch.float64).contiguous(memory_format=torch.channels_last)

    def padded(x):
        return F.pad(x, (2, 1, 1, -1), mode)

    assert (padded(x).stride()[1] == 1) == (mode != "circular")
    np.testing.assert_array_equal(padded(x).numpy(), padded(x.contiguous()).numpy())
    assert autograd.gradcheck(padded, x.requires_grad_(), check_forward_ad=True)
    assert autograd.gradgradcheck(padded, x)


def test_types_of_pads_and_of_their_value() -> None:
    x = torch.ones(2)
    with pytest.raises(TypeError, match="not bools"):
        F.pad(x, (True, 1))
    with pytest.raises(TypeError, match=r"pad\(\): argument 'value' .* float .*, not str"):
        F.pad(x, (1, 1), value="a")
    for value in (np.int64(3), torch.tensor(3.0), np.float32(3)):
        assert F.pad(x, (1, 1), value=value).tolist() == [3.0, 1.0, 1.0, 3.0]


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
def test_padding_by_nothing_copies(mode) -> None:
    x = torch.ones(1, 2, 3)
    F.pad(x, (0, 0), mode).zero_()
    assert x.tolist() == [[[1.0] * 3] * 2]
