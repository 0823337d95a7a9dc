"""Shapes: a tuple with PyTorch's repr."""

from __future__ import annotations

import pickle

from lamella_core import Size


def test_is_a_tuple():
    assert Size([2, 3]) == (2, 3)
    assert isinstance(Size([2, 3]), tuple)
    assert repr(Size([2, 3])) == "torch.Size([2, 3])"
    assert repr(Size([])) == "torch.Size([])"


def test_parts_and_sums_are_sizes():
    assert repr(Size([2, 3])[:1]) == "torch.Size([2])"
    assert Size([2, 3])[1] == 3
    assert repr(Size([2, 3]) + (1,)) == "torch.Size([2, 3, 1])"
    assert repr((1,) + Size([2, 3])) == "torch.Size([1, 2, 3])"
    assert repr(Size([2]) * 2) == repr(2 * Size([2])) == "torch.Size([2, 2])"


def test_numel():
    assert Size([2, 3]).numel() == 6
    assert Size([]).numel() == 1
    assert Size([2, 0]).numel() == 0


def test_pickles():
    size = pickle.loads(pickle.dumps(Size([2, 3])))
    assert type(size) is Size and size == (2, 3)
