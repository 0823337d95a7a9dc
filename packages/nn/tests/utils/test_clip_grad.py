"""Clipping of gradients; numbers by hand."""

import math

import pytest

import lamella_core as lc
from lamella_nn import Parameter
from lamella_nn.utils import (
    clip_grad_norm,
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
)


def parameters(*grad):
    with_grad, without = Parameter(lc.ones(2)), Parameter(lc.ones(3))
    with_grad.grad = lc.tensor(list(grad))
    return [with_grad, without]


@pytest.mark.parametrize(
    ("norm_type", "norm"),
    [(2.0, 5.0), (1.0, 7.0), (math.inf, 4.0), ("inf", 4.0), (3.0, 91 ** (1 / 3))],
)
def test_norm(norm_type, norm):
    given = parameters(3.0, 4.0)
    total = clip_grad_norm_(given, 1.0, norm_type)
    assert total.item() == pytest.approx(norm)
    assert given[0].grad.tolist() == pytest.approx([3 / norm, 4 / norm], rel=1e-5)


def test_a_small_norm_stays():
    given = parameters(3.0, 4.0)
    assert clip_grad_norm_(iter(given), 100.0).item() == 5.0
    assert given[0].grad.tolist() == [3.0, 4.0]


def test_one_tensor_and_none():
    assert clip_grad_norm_(parameters(3.0, 4.0)[0], 1.0).item() == 5.0
    assert clip_grad_norm_([Parameter(lc.ones(1))], 1.0).item() == 0.0
    with pytest.warns(UserWarning, match="`parameters` is an empty generator"):
        clip_grad_norm_((p for p in []), 1.0)


def test_not_finite():
    given = parameters(math.nan, 4.0)
    assert math.isnan(clip_grad_norm_(given, 1.0).item())
    with pytest.raises(RuntimeError, match="The total norm of order 2.0 for gradients"):
        clip_grad_norm_(given, 1.0, error_if_nonfinite=True)


def test_value():
    given = parameters(-3.0, 4.0)
    clip_grad_value_(given, 3.5)
    assert given[0].grad.tolist() == [-3.0, 3.5]


def test_scaling_by_a_known_norm():
    given = parameters(3.0, 4.0)
    clip_grads_with_norm_(given, 1.0, lc.tensor(10.0))
    assert given[0].grad.tolist() == pytest.approx([0.3, 0.4], rel=1e-5)
    clip_grads_with_norm_(given, 10.0, lc.tensor(5.0))
    assert given[0].grad.tolist() == pytest.approx([0.3, 0.4], rel=1e-5)


def test_the_older_name_warns():
    given = parameters(3.0, 4.0)
    with pytest.warns(FutureWarning, match="clip_grad_norm_"):
        assert clip_grad_norm(given, 1.0) == 5.0
    assert given[0].grad.tolist() == pytest.approx([0.6, 0.8], rel=1e-5)
