"""Spectral normalization, hook style."""

from __future__ import annotations

import pickle
from collections import OrderedDict

import numpy as np
import pytest

import lamella_core as torch
import lamella_nn as nn
from lamella_core.serialization.names import name_of
from lamella_nn.utils import remove_spectral_norm, spectral_norm

MODULES = [
    (lambda: nn.Linear(3, 2), (1, 3), 0),
    (lambda: nn.Conv1d(2, 3, 2), (1, 2, 4), 0),
    (lambda: nn.ConvTranspose2d(2, 3, 2), (1, 2, 4, 4), 1),
]


@pytest.mark.parametrize(("make", "shape", "dim"), MODULES, ids=["linear", "conv", "transposed"])
def test_the_largest_singular_value_becomes_one(make, shape, dim):
    torch.manual_seed(0)
    module = spectral_norm(make(), n_power_iterations=50)
    module(torch.ones(shape))
    original = module.weight_orig.detach().numpy()
    matrix = np.moveaxis(original, dim, 0).reshape(original.shape[dim], -1)
    largest = np.linalg.svd(matrix, compute_uv=False)[0]
    np.testing.assert_allclose(module.weight.detach().numpy(), original / largest, rtol=1e-4)
    assert [name for name, _ in module.named_parameters()] == ["bias", "weight_orig"]
    assert [name for name, _ in module.named_buffers()] == ["weight_u", "weight_v"]


def test_a_step_of_power_iteration_in_training_none_in_evaluation():
    module = spectral_norm(nn.Linear(3, 2))
    W, u = module.weight_orig.detach().numpy(), module.weight_u.numpy().copy()
    module(torch.ones(1, 3))
    v = W.T @ u / np.linalg.norm(W.T @ u)
    u = W @ v / np.linalg.norm(W @ v)
    np.testing.assert_allclose(module.weight_v.numpy(), v, rtol=1e-5)
    np.testing.assert_allclose(module.weight_u.numpy(), u, rtol=1e-5)
    np.testing.assert_allclose(module.weight.detach().numpy(), W / (u @ W @ v), rtol=1e-5)
    module.eval()
    module(torch.ones(1, 3))
    np.testing.assert_allclose(module.weight_u.numpy(), u, rtol=1e-5)


def test_two_calls_before_one_backward():
    module = spectral_norm(nn.Linear(3, 2))
    (module(torch.ones(1, 3)) + module(torch.ones(1, 3))).sum().backward()
    assert module.weight_orig.grad.shape == (2, 3)


def test_states():
    module = spectral_norm(nn.Linear(3, 2))
    state = module.state_dict()
    assert state._metadata[""]["spectral_norm"] == {"weight.version": 1}
    other = spectral_norm(nn.Linear(3, 2))
    other.load_state_dict(state)
    assert torch.equal(other.weight_u, module.weight_u)
    other.load_state_dict(dict(state))  # as from a file without versions
    pickle.loads(pickle.dumps(other))


def test_a_state_of_version_0_has_the_weight_in_the_place_of_v():
    module = spectral_norm(nn.Linear(2, 3))
    module(torch.ones(1, 2))
    old = OrderedDict(module.state_dict())
    del old["weight_v"]
    old["weight"] = module.weight.detach().clone()
    other = spectral_norm(nn.Linear(2, 3)).eval()
    other.load_state_dict(old)
    other(torch.ones(1, 2))
    np.testing.assert_allclose(
        other.weight.detach().numpy(), module.weight.detach().numpy(), rtol=1e-5
    )
    del old["weight"]
    with pytest.raises(RuntimeError, match='Missing key.*"weight", "weight_v"'):
        other.load_state_dict(old)


def test_removal():
    module = spectral_norm(nn.Linear(3, 2))
    module(torch.ones(1, 3))
    expected = module.weight.detach().numpy().copy()
    assert remove_spectral_norm(module) is module
    np.testing.assert_allclose(module.weight.detach().numpy(), expected, rtol=1e-6)
    assert list(module.state_dict()) == ["bias", "weight"]
    assert "spectral_norm" not in module.state_dict()._metadata[""]
    module.load_state_dict(nn.Linear(3, 2).state_dict())
    with pytest.raises(ValueError, match="spectral_norm of 'weight' not found in Linear"):
        remove_spectral_norm(module)


def test_errors():
    module = spectral_norm(nn.Linear(3, 2, bias=False))
    with pytest.raises(RuntimeError, match="two spectral_norm hooks on the same parameter weight"):
        spectral_norm(module)
    plain = nn.Linear(2, 2, bias=False)
    with pytest.raises(KeyError, match="weights"):
        spectral_norm(plain, "weights")
    with pytest.raises(ValueError, match="parameter `bias` is None"):
        spectral_norm(plain, "bias")
    with pytest.raises(ValueError, match="n_power_iterations=0"):
        spectral_norm(plain, n_power_iterations=0)
    with pytest.raises(IndexError):
        spectral_norm(plain, dim=2)
    assert list(plain.state_dict()) == ["weight"]


def test_hooks_of_the_older_style_are_classes_that_files_name():
    layer = spectral_norm(nn.Linear(3, 2))
    (written,) = layer._state_dict_hooks.values()
    (read,) = layer._load_state_dict_pre_hooks.values()
    assert name_of(type(written)) == (
        "torch.nn.utils.spectral_norm",
        "SpectralNormStateDictHook",
    )
    assert type(read.hook).__name__ == "SpectralNormLoadStateDictPreHook"
    assert written.fn is read.hook.fn
    remove_spectral_norm(layer)
    assert not layer._state_dict_hooks and not layer._load_state_dict_pre_hooks
