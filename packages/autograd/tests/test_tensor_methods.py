"""What autograd puts on Tensor."""

from __future__ import annotations

import warnings

import pytest

import lamella_core as lc
from lamella_autograd import no_grad
from lamella_core import warning


def test_requires_grad() -> None:
    x = lc.ones(3)
    assert x.requires_grad_() is x and x.requires_grad and x.is_leaf
    x.requires_grad = False
    assert not x.requires_grad
    with pytest.raises(RuntimeError, match="floating point and complex"):
        lc.zeros(3, dtype=lc.int64).requires_grad_()
    y = x.requires_grad_() * 2
    with pytest.raises(RuntimeError, match="leaf variables"):
        y.requires_grad_(False)
    assert y.requires_grad_() is y


def test_leaves() -> None:
    x = lc.ones(3, requires_grad=True)
    y = x * 2
    assert [each.is_leaf for each in (x, y, y.detach(), lc.ones(1))] == [True, False, True, True]
    assert x.grad_fn is None and x.output_nr == 0
    assert [each.output_nr for each in y.unbind(0)] == [0, 1, 2]


def test_numpy_needs_detach() -> None:
    x = lc.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="detach"):
        x.numpy()
    assert x.detach().numpy().tolist() == [1.0] * 3


def test_repr() -> None:
    x = lc.ones(2, requires_grad=True)
    assert repr(x) == "tensor([1., 1.], requires_grad=True)"
    assert repr(x * 2) == "tensor([2., 2.], grad_fn=<MulBackward0>)"


def test_a_number_without_its_gradient_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    # As in PyTorch 2.13, which warns of float() and complex(), once a process, and of no other.
    monkeypatch.setattr(warning, "told", set())
    x = lc.ones(1, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with no_grad():
            assert float(x) == complex(x) == 1
        assert x.item() == int(x) == float(x.detach()) == 1 and bool(x)
    for number in (float, complex):
        monkeypatch.setattr(warning, "told", set())
        with pytest.warns(UserWarning, match="requires grad"):
            assert number(x) == 1
