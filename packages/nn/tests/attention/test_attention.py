"""Kernels of attention that are let in; errors as in PyTorch 2.13 on a CPU."""

from __future__ import annotations

import pytest

import lamella_core as core
from lamella_nn.attention import SDPBackend, sdpa_kernel
from lamella_nn.functional import scaled_dot_product_attention


@pytest.mark.parametrize("name", ["MATH", "FLASH_ATTENTION"])
def test_the_kernel_serves_as_both(name):
    x = core.ones(1, 2, 3, 4)
    with sdpa_kernel(SDPBackend[name]):
        assert scaled_dot_product_attention(x, x, x).tolist() == x.tolist()


@pytest.mark.parametrize(
    "name", ["EFFICIENT_ATTENTION", "CUDNN_ATTENTION", "OVERRIDEABLE", "ERROR"]
)
def test_others_are_not_there(name):
    x = core.ones(1, 2, 3, 4)
    with sdpa_kernel(SDPBackend[name]), pytest.raises(RuntimeError, match="No viable backend"):
        scaled_dot_product_attention(x, x, x)
    assert scaled_dot_product_attention(x, x, x).shape == x.shape


def test_what_is_no_kernel():
    with pytest.raises(AssertionError, match="instance of SDPBackend or a list"), sdpa_kernel(3):
        pass
    with pytest.raises(AssertionError, match="must be instances"), sdpa_kernel([3]):
        pass


def test_names_and_numbers():
    assert repr(SDPBackend.MATH) == "<SDPBackend.MATH: 0>" and str(SDPBackend.MATH) == (
        "SDPBackend.MATH"
    )
    assert [each.value for each in SDPBackend] == [-1, 0, 1, 2, 3, 4]
