"""Dropout: what it keeps, what it leaves, and PyTorch's numbers from the same seed."""

from __future__ import annotations

import pytest

import lamella_core as torch
from lamella_nn import functional as F


def test_the_mask_is_pytorchs():
    # torch.manual_seed(0); torch.nn.functional.dropout(torch.ones(12), 0.5) of PyTorch 2.13
    torch.manual_seed(0)
    assert F.dropout(torch.ones(12), 0.5).tolist() == [
        0.0,
        0.0,
        2.0,
        0.0,
        0.0,
        0.0,
        2.0,
        2.0,
        0.0,
        2.0,
        2.0,
        2.0,
    ]
    # torch.manual_seed(0); dropout2d(torch.ones(1, 8, 2, 2), 0.5)[0, :, 0, 0]
    torch.manual_seed(0)
    result = F.dropout2d(torch.ones(1, 8, 2, 2), 0.5)
    assert result[0, :, 0, 0].tolist() == [0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 2.0, 2.0]
    assert (result == result[:, :, :1, :1]).all()


def test_evaluation_and_p_0_return_the_input():
    x = torch.ones(3)
    assert F.dropout(x, 0.5, training=False) is x
    assert F.dropout(x, 0.0) is x


def test_p_1_gives_zeros():
    assert F.dropout(torch.ones(3), 1.0).tolist() == [0.0, 0.0, 0.0]


def test_inplace_overwrites():
    x = torch.ones(100)
    assert F.dropout(x, 0.5, inplace=True) is x
    assert set(x.tolist()) == {0.0, 2.0}


def test_alpha_dropout_keeps_mean_and_variance():
    torch.manual_seed(0)
    result = F.alpha_dropout(torch.randn(20000), 0.3, training=True)
    assert abs(result.mean().item()) < 0.05
    assert abs(result.var().item() - 1) < 0.05


@pytest.mark.parametrize("p", [-0.1, 1.1])
def test_a_probability_out_of_range(p):
    for function in (F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout):
        with pytest.raises(ValueError, match="between 0 and 1"):
            function(torch.ones(2, 3, 4), p)


def test_warnings_of_other_ranks_name_the_callers_line():
    for call in (lambda: F.dropout2d(torch.ones(2, 2)), lambda: F.dropout3d(torch.ones(2, 2))):
        with pytest.warns(UserWarning, match="2-D input") as found:
            call()
        assert found[0].filename == __file__
