"""The adaptive softmax against a full softmax in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as torch
import lamella_nn as nn


def log_softmax(x):
    x = x - x.max(1, keepdims=True)
    return x - np.log(np.exp(x).sum(1, keepdims=True))


def layer(**options):
    torch.manual_seed(0)
    return nn.AdaptiveLogSoftmaxWithLoss(
        8, 10, [3, 6], div_value=2.0, dtype=torch.float64, **options
    )


def by_hand(module, x):
    head = log_softmax(x @ module.head.weight.detach().numpy().T)
    parts = [head[:, :3]]
    for i, (projection, output) in enumerate(module.tail):
        scores = x @ projection.weight.detach().numpy().T @ output.weight.detach().numpy().T
        parts.append(log_softmax(scores) + head[:, 3 + i : 4 + i])
    return np.concatenate(parts, 1)


def test_log_probabilities():
    module, x = layer(), torch.randn(6, 8, dtype=torch.float64)
    expected = by_hand(module, x.numpy())
    np.testing.assert_allclose(np.exp(expected).sum(1), np.ones(6))
    np.testing.assert_allclose(module.log_prob(x).detach().numpy(), expected)
    target = torch.tensor([0, 2, 3, 5, 6, 9])
    output, loss = module(x, target)
    picked = expected[np.arange(6), target.numpy()]
    np.testing.assert_allclose(output.detach().numpy(), picked)
    assert loss.item() == pytest.approx(-picked.mean())
    assert module.predict(x).tolist() == expected.argmax(1).tolist()


def test_one_vector():
    module, x = layer(), torch.randn(8, dtype=torch.float64)
    output, loss = module(x, torch.tensor(7))
    assert output.shape == ()
    assert output.item() == pytest.approx(by_hand(module, x.numpy()[None])[0, 7])
    assert loss.item() == -output.item()


def test_only_needed_tails_get_gradients():
    module = layer(head_bias=True)
    module(torch.randn(3, 8, dtype=torch.float64), torch.tensor([0, 4, 5])).loss.backward()
    assert module.head.bias.grad is not None
    assert module.tail[0][1].weight.grad is not None
    assert module.tail[1][1].weight.grad is None


@pytest.mark.parametrize("cutoffs", [[4, 4], [9, 4], [0, 4], [4, 20], [4.5, 9]])
def test_cutoffs(cutoffs):
    with pytest.raises(ValueError, match=r"unique, positive integers.*20 classes"):
        nn.AdaptiveLogSoftmaxWithLoss(8, 20, cutoffs)


def test_errors():
    with pytest.raises(ValueError, match="length larger than 0"):
        nn.AdaptiveLogSoftmaxWithLoss(8, 20, [])
    module, x = layer(), torch.randn(2, 8, dtype=torch.float64)
    with pytest.raises(RuntimeError, match=r"in \[0, 9\], but values in range \[-1, 10\]"):
        module(x, torch.tensor([-1, 10]))
    with pytest.raises(RuntimeError, match="same size in the batch dimension"):
        module(x, torch.tensor([1]))
    with pytest.raises(RuntimeError, match="0D target tensor expects 1D input"):
        module(x, torch.tensor(1))
    with pytest.raises(RuntimeError, match="1D target tensor expects 2D input"):
        module(x[0], torch.tensor([1]))
    with pytest.raises(RuntimeError, match="multi-target"):
        module(x, torch.tensor([[1], [2]]))
    with pytest.raises(RuntimeError, match="int32 or int64, but got torch.float32"):
        module(x, torch.tensor([1.0, 2.0]))
