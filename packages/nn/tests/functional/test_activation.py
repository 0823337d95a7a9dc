"""The ``inplace`` argument, implicit dimensions, Gumbel-softmax."""

from __future__ import annotations

import pytest

import lamella_core as torch
from lamella_nn import Softmax
from lamella_nn import functional as F

NAMES = "relu relu6 hardtanh leaky_relu elu celu selu silu mish hardsigmoid hardswish".split()


@pytest.mark.parametrize("name", NAMES)
def test_inplace_overwrites_the_input(name):
    function = getattr(F, name)
    x = torch.tensor([-2.0, -0.5, 0.5, 7.0])
    expected = function(x).tolist()
    assert function(x, inplace=True) is x
    assert x.tolist() == expected


def test_softmax_without_a_dimension_warns():
    with pytest.warns(UserWarning, match="Implicit dimension choice for softmax") as caught:
        assert F.softmax(torch.zeros(2, 4)).tolist() == [[0.25] * 4] * 2
        assert Softmax()(torch.zeros(2, 4)).tolist() == [[0.25] * 4] * 2
    assert [each.filename for each in caught] == [__file__] * 2


def test_gumbel_softmax():
    torch.manual_seed(0)
    hard = F.gumbel_softmax(torch.zeros(5, 3), hard=True)
    assert hard.sum(1).tolist() == pytest.approx([1.0] * 5)
    assert F.gumbel_softmax(torch.zeros(5, 3)).sum(1).tolist() == pytest.approx([1.0] * 5)


def test_bounds_in_the_wrong_order():
    with pytest.raises(ValueError, match="min_val cannot be greater"):
        F.hardtanh(torch.zeros(2), 1.0, -1.0)
