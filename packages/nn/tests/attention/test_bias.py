"""Causal masks; the values follow from the definition."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as core
from lamella_nn.attention.bias import (
    CausalBias,
    CausalVariant,
    causal_lower_right,
    causal_upper_left,
)
from lamella_nn.functional import scaled_dot_product_attention


def test_masks():
    lower, upper = causal_lower_right(2, 4), causal_upper_left(2, 4)
    np.testing.assert_array_equal(lower.numpy(), np.tri(2, 4, 2, dtype=bool))
    np.testing.assert_array_equal(upper.numpy(), np.tri(2, 4, dtype=bool))
    assert lower.variant is CausalVariant.LOWER_RIGHT
    assert (lower.seq_len_q, lower.seq_len_kv) == (2, 4)
    assert repr(upper) == (
        "tensor([[ True, False, False, False],\n        [ True,  True, False, False]])"
    )


def test_attention_takes_them():
    query, key = core.ones(1, 1, 2, 3), core.ones(1, 1, 4, 3)
    value = core.arange(12.0).reshape(1, 1, 4, 3)
    found = scaled_dot_product_attention(query, key, value, causal_lower_right(2, 4))
    np.testing.assert_allclose(found[0, 0].numpy(), [[3, 4, 5], [4.5, 5.5, 6.5]], 1e-6)
    found = scaled_dot_product_attention(query, key, value, causal_upper_left(2, 4))
    np.testing.assert_allclose(found[0, 0].numpy(), [[0, 1, 2], [1.5, 2.5, 3.5]], 1e-6)
    with pytest.raises(ValueError, match="should not be used with causal=True"):
        scaled_dot_product_attention(query, key, value, causal_upper_left(2, 4), is_causal=True)


def test_errors_and_warnings():
    with pytest.raises(AssertionError, match="only supports 2D tensors"):
        causal_lower_right(3)
    with pytest.raises(AssertionError, match="must be a CausalVariant, got int"):
        CausalBias(1, 2, 2)
    with pytest.warns(UserWarning, match="Lower right causal bias"):
        causal_lower_right(4, 2)
