"""Pooling: values, gradients and errors."""

from __future__ import annotations

import pytest

import lamella_autograd as autograd
import lamella_core as torch
from lamella_nn import functional as F
from lamella_nn.ops.pooling import max_pool


def ramp(*shape):
    count = 1
    for n in shape:
        count *= n
    return torch.arange(float(count)).reshape(shape)


def test_max_pool2d():
    x = ramp(1, 1, 4, 4).requires_grad_()
    result, indices = F.max_pool2d(x, 2, return_indices=True)
    assert result[0, 0].tolist() == [[5.0, 7.0], [13.0, 15.0]]
    assert indices[0, 0].tolist() == [[5, 7], [13, 15]]
    assert indices.dtype is torch.int64
    (grad,) = autograd.grad(result.sum(), x)
    assert grad.reshape(-1).nonzero().reshape(-1).tolist() == [5, 7, 13, 15]


def test_max_pool_where_nothing_is_recorded():
    x = ramp(1, 1, 4, 4)
    assert F.max_pool2d(x, 2)[0, 0].tolist() == [[5.0, 7.0], [13.0, 15.0]]
    with autograd.no_grad():
        assert not F.max_pool2d(x.requires_grad_(), 2).requires_grad
    # The op by itself has a gradient, too, of overlapping windows as well.
    y = torch.tensor([[0.0, 5.0, 1.0, 2.0]]).requires_grad_()
    (grad,) = autograd.grad(max_pool(y, (2,), (1,), (0,), (1,), False).sum(), y)
    assert grad.tolist() == [[0.0, 2.0, 0.0, 1.0]]


def test_overlapping_windows_add_their_gradients():
    x = torch.tensor([[0.0, 5.0, 1.0, 2.0]]).requires_grad_()
    (grad,) = autograd.grad(F.max_pool1d(x, 2, 1).sum(), x)
    assert grad.tolist() == [[0.0, 2.0, 0.0, 1.0]]


def test_avg_pool2d():
    x = ramp(1, 1, 4, 4)
    assert F.avg_pool2d(x, 2)[0, 0].tolist() == [[2.5, 4.5], [10.5, 12.5]]
    assert F.avg_pool2d(x, 2, divisor_override=2)[0, 0, 0].tolist() == [5.0, 9.0]
    corner = F.avg_pool2d(torch.ones(1, 1, 3, 3), 3, 2, 1)[0, 0, 0, 0]
    assert corner.item() == pytest.approx(4 / 9)
    inside = F.avg_pool2d(torch.ones(1, 1, 3, 3), 3, 2, 1, count_include_pad=False)
    assert inside[0, 0, 0, 0].item() == 1.0


def test_adaptive_pools():
    x = ramp(1, 1, 4, 4)
    assert F.adaptive_avg_pool2d(x, 1).item() == 7.5
    assert F.adaptive_avg_pool2d(x, (None, 1)).shape == (1, 1, 4, 1)
    assert F.adaptive_max_pool2d(x, 2)[0, 0].tolist() == [[5.0, 7.0], [13.0, 15.0]]


def test_lp_pool_is_the_norm():
    assert F.lp_pool1d(torch.tensor([[3.0, 4.0]]), 2, 2).item() == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.max_pool2d(torch.zeros(1, 1, 2, 2), 3), r"input size: \(1x2x2\).*\(1x0x0\)"),
        (lambda: F.max_pool2d(torch.zeros(2, 2), 1), "Expected 3D or 4D"),
        (lambda: F.max_pool2d(torch.zeros(1, 1, 4, 4), 2, padding=2), "at most half"),
        (lambda: F.max_pool2d(torch.zeros(1, 1, 4, 4), 2, padding=-1), "non-negative"),
        (lambda: F.max_pool2d(torch.zeros(1, 1, 4, 4), 2, stride=0), "stride should not be zero"),
        (lambda: F.avg_pool2d(torch.zeros(1, 1, 4, 4), 2, divisor_override=0), "divisor"),
        (lambda: F.adaptive_avg_pool2d(torch.zeros(1, 1, 4, 4), -1), "greater than or equal to 0"),
        (lambda: F.max_pool2d(torch.zeros(1, 1, 4, 4), (1, 2, 3)), "tuple of two ints"),
    ],
)
def test_errors(call, message):
    with pytest.raises(RuntimeError, match=message):
        call()


def test_bools_have_no_maximum():
    with pytest.raises(NotImplementedError, match="Bool"):
        F.max_pool2d(torch.zeros(1, 1, 4, 4, dtype=torch.bool), 2)


def test_the_last_nan_is_the_greatest():
    """PyTorch's choice among several."""
    x = torch.tensor([[[float("nan"), 1.0, float("nan")]]]).requires_grad_()
    (slope,) = autograd.grad(F.adaptive_max_pool1d(x, 1).sum(), x)
    assert slope.tolist() == [[[0.0, 0.0, 1.0]]]


def test_a_second_pass_over_means_is_refused():
    """As in PyTorch, but for a mean over everything."""
    x = torch.ones(1, 1, 4).requires_grad_()
    for pooled in (F.avg_pool1d(x, 2), F.adaptive_avg_pool1d(x, 2)):
        autograd.grad(pooled.sum(), x)
        with pytest.raises(RuntimeError, match="second time"):
            autograd.grad(pooled.sum(), x)
    pooled = F.adaptive_avg_pool1d(x, 1).sum()
    autograd.grad(pooled, x)
    assert autograd.grad(pooled, x)[0].tolist() == [[[0.25] * 4]]


def test_the_norm_of_infinity_is_the_largest_magnitude():
    x = torch.tensor([[[1.0, -3.0, 2.0, 0.5]]])
    assert F.lp_pool1d(x, float("inf"), 2).tolist() == [[[3.0, 2.0]]]
    assert F.lp_pool1d(x, float("inf"), 2, 1).tolist() == [[[3.0, 3.0, 2.0]]]


def test_one_size_in_a_tuple_is_not_one_for_every_dimension():
    x = torch.ones(1, 2, 4, 4)
    for pool in (F.adaptive_avg_pool2d, F.adaptive_max_pool2d):
        with pytest.raises(RuntimeError, match="output_size"):
            pool(x, (2,))
    with pytest.raises(TypeError, match="not NoneType"):
        F.adaptive_avg_pool1d(x[0], None)


def test_switches_are_bools_where_pytorch_asks_for_them():
    x = ramp(1, 4)
    for call in (
        lambda: F.max_pool1d(x, 2, ceil_mode=1),
        lambda: F.avg_pool1d(x, 2, count_include_pad=None),
        lambda: F.dropout(x, 0.5, 1),
    ):
        with pytest.raises(TypeError, match="must be bool"):
            call()
    # These are read in Python, by their truth.
    assert len(F.max_pool1d(x, 2, return_indices=1)) == 2
    assert F.relu(x, 1) is x and F.l1_loss(x, x, reduce=0).shape == (1, 4)
