"""Hooks on several tensors at once."""

from __future__ import annotations

import pytest

import lamella_core as lc
from lamella_autograd import grad, graph


def leaf(*values: float):
    return lc.tensor([float(v) for v in values or (1, 2, 3)], requires_grad=True)


def present(grads):
    return [each is not None for each in grads]


def test_all_that_the_pass_reaches() -> None:
    a, b = leaf(), leaf()
    c, d = a * b, a * b
    seen = []
    handle = graph.register_multi_grad_hook((a, b, c, d), lambda grads: seen.append(grads))
    c.sum().backward(retain_graph=True)
    assert present(seen[-1]) == [True, True, True, False]
    assert seen[-1][0].tolist() == [1.0, 2.0, 3.0]
    c.sum().backward(inputs=(a,), retain_graph=True)
    assert present(seen[-1]) == [True, False, True, False]
    grad((c + d).sum(), [c, d], retain_graph=True)
    assert present(seen[-1]) == [False, False, True, True]
    assert len(seen) == 3
    handle.remove()
    c.sum().backward()
    assert len(seen) == 3


def test_first_of_any() -> None:
    a, b = leaf(), leaf()
    c = a * b
    seen = []
    with graph.register_multi_grad_hook((a, b, c), seen.append, mode="any"):
        c.sum().backward(retain_graph=True)
        (c * 2).sum().backward(retain_graph=True)
    c.sum().backward()
    assert [each.tolist() for each in seen] == [[1.0] * 3, [2.0] * 3]


def test_a_pass_within_a_pass_counts_for_itself() -> None:
    a, b = leaf(), leaf()
    seen = []
    graph.register_multi_grad_hook((a, b), lambda grads: seen.append(present(grads)))
    product, other = a * 2, (b * 2).sum()
    product.register_hook(lambda g: other.backward())
    product.sum().backward()
    assert seen == [[False, True], [True, False]]


def test_unknown_mode() -> None:
    with pytest.raises(ValueError, match="one of .'all', 'any'. but got some"):
        graph.register_multi_grad_hook((leaf(),), print, mode="some")
