"""Weight normalization, hook style."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as torch
import lamella_nn as nn
from lamella_nn.utils import remove_weight_norm, weight_norm

pytestmark = pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated")


@pytest.mark.parametrize(("dim", "axes"), [(0, (1, 2, 3)), (1, (0, 2, 3)), (None, None)])
def test_length_and_direction(dim, axes):
    module = nn.Conv2d(2, 3, 2)
    weight = module.weight.detach().numpy().copy()
    assert weight_norm(module, dim=dim) is module
    assert [name for name, _ in module.named_parameters()] == ["bias", "weight_g", "weight_v"]
    length = np.sqrt((weight**2).sum(axes, keepdims=dim is not None))
    np.testing.assert_allclose(module.weight_g.detach().numpy(), length, rtol=1e-6)
    np.testing.assert_allclose(module.weight.detach().numpy(), weight, rtol=1e-5)
    module.weight_g.data *= 2
    module(torch.ones(1, 2, 3, 3))
    np.testing.assert_allclose(module.weight.detach().numpy(), 2 * weight, rtol=1e-5)


def test_gradients():
    module = weight_norm(nn.Linear(3, 2))
    module(torch.ones(1, 3)).sum().backward()
    v = module.weight_v.detach().numpy()
    length = np.linalg.norm(v, axis=1, keepdims=True)
    to_g = (v / length).sum(1, keepdims=True)
    np.testing.assert_allclose(module.weight_g.grad.numpy(), to_g, rtol=1e-5)
    # What is left of the gradient across the direction, times g / |v|, which is 1 at first.
    np.testing.assert_allclose(module.weight_v.grad.numpy(), 1 - to_g * v / length, rtol=1e-4)


def test_removal():
    module = weight_norm(nn.Linear(3, 2))
    expected = module.weight.detach().numpy().copy()
    assert remove_weight_norm(module) is module
    assert isinstance(module.weight, nn.Parameter)
    assert list(module.state_dict()) == ["bias", "weight"]
    np.testing.assert_array_equal(module.weight.detach().numpy(), expected)
    with pytest.raises(ValueError, match="weight_norm of 'weight' not found in Linear"):
        remove_weight_norm(module)


def test_errors():
    module = weight_norm(nn.Linear(3, 2))
    with pytest.raises(RuntimeError, match="two weight_norm hooks on the same parameter weight"):
        weight_norm(module)
    with pytest.raises(AttributeError, match="weights"):
        weight_norm(module, "weights")
    plain = nn.Linear(2, 2, bias=False)
    with pytest.raises(TypeError, match="'bias' of Linear.* is None"):
        weight_norm(plain, "bias")
    with pytest.raises(IndexError, match=r"\[-2, 1\], but got 2"):
        weight_norm(plain, dim=2)
    assert list(plain.state_dict()) == ["weight"]


@pytest.mark.filterwarnings("default")
def test_the_newer_form_is_named():
    with pytest.warns(FutureWarning, match="parametrizations.weight_norm"):
        weight_norm(nn.Linear(2, 2))
