"""Inference tensors."""

from __future__ import annotations

import pytest

import lamella_core as lc
from lamella_autograd import inference_mode


def leaf():
    return lc.tensor([1.0, 2.0, 3.0], requires_grad=True)


def test_what_is_marked() -> None:
    x = leaf()
    with inference_mode():
        made = [x * 2, lc.ones(3), lc.zeros(2).view(1, 2), (x * 2)[0], x.max(dim=0).values]
        normal = [x[0:2], x.detach(), x.view(3, 1)]
    assert [each.is_inference() for each in made] == [True] * len(made)
    assert [each.is_inference() for each in normal] == [False] * len(normal)
    assert not any(each.requires_grad for each in made)


def test_write_to_normal_tensor_leaves_it_normal() -> None:
    x = lc.ones(3)
    with inference_mode():
        x.add_(1).mul_(2)
        x[0] = 7
    assert not x.is_inference()
    assert x.tolist() == [7.0, 4.0, 4.0]
    assert x._version == 3


def test_cannot_be_saved() -> None:
    x = leaf()
    with inference_mode():
        y = lc.ones(3)
    (x + y).sum().backward()
    with pytest.raises(RuntimeError, match="cannot be saved for backward"):
        x * y
    (x * y.clone()).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


def test_cannot_be_written_outside() -> None:
    with inference_mode():
        y = lc.ones(3)
        y.add_(1)
    for write in (lambda: y.add_(1), lambda: y.zero_(), lambda: y.__setitem__(0, 1.0)):
        with pytest.raises(RuntimeError, match="outside InferenceMode"):
            write()
    assert (y + 1).is_inference() is False


def test_cannot_require_grad_outside() -> None:
    with inference_mode():
        y = lc.ones(3)
    with pytest.raises(RuntimeError, match="outside InferenceMode"):
        y.requires_grad_()
