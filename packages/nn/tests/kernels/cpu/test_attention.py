"""Attention of few elements, which goes without blocks, against its formula in float64."""

import numpy as np
import pytest

from lamella_nn.kernels.cpu.attention import attention


def expected(query, key, value, is_causal, scale):
    scores = query @ key.swapaxes(-1, -2) * scale
    if is_causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True) @ value


@pytest.mark.parametrize("lead", [(), (3,), (2, 3)])
@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("size", [1.0, 40.0])
def test_few_scores(lead, is_causal, size):
    rng = np.random.default_rng(0)
    query, key, value = (rng.standard_normal((*lead, n, 8)) * size for n in (4, 6, 6))
    output, highest, total = attention(query, key, value, None, is_causal, 0.5)
    np.testing.assert_allclose(output, expected(query, key, value, is_causal, 0.5), rtol=1e-9)
    assert highest.shape == total.shape == (*lead, 1, 4)
    # The two together are the logarithm of each row's sum.
    scores = query @ key.swapaxes(-1, -2) * 0.5
    if is_causal:
        scores = np.where(np.tri(4, 6, dtype=bool), scores, -np.inf)
    top = scores.max(-1)
    sums = top + np.log(np.exp(scores - top[..., None]).sum(-1))
    np.testing.assert_allclose((highest + np.log(total))[..., 0, :], sums, rtol=1e-9)
