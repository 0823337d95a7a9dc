"""In-place writes: to leaves, to what was saved, to views and their bases."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as lc


def leaf(*values: float):
    return lc.tensor([float(v) for v in values or (1, 2, 3)], requires_grad=True)


# ------------ refusals


def test_leaf() -> None:
    x = leaf()
    for write in (lambda: x.mul_(2), lambda: x.zero_(), lambda: x.eq_(1), lambda: x.uniform_()):
        with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
            write()
    with pytest.raises(RuntimeError, match="view of a leaf"):
        x[0].mul_(2)
    with pytest.raises(RuntimeError, match="view of a leaf"):
        x[0] = 1
    # A leaf that is a view of what requires no grad.
    y = lc.zeros(6).view(2, 3).requires_grad_()
    with pytest.raises(RuntimeError, match="a leaf Variable"):
        y.mul_(2)
    with pytest.raises(RuntimeError, match="view of a leaf"):
        y[0] += 1
    with autograd.no_grad():
        x.mul_(2)
        x[0] = 7
    assert x.tolist() == [7.0, 4.0, 6.0]
    assert x.is_leaf and x._version == 2


def test_saved_input_was_written() -> None:
    y = leaf() * 1
    z = y * y
    y.add_(1)
    text = (
        r"modified by an inplace operation: \[torch.FloatTensor \[3\]\], which is '\w+' of mul, "
        r"is at version 1; expected version 0"
    )
    with pytest.raises(RuntimeError, match=text):
        z.sum().backward()


def test_saved_output_was_written() -> None:
    y = leaf().exp()
    y.add_(1)
    with pytest.raises(RuntimeError, match="'result' of exp, is at version 1; expected version 0"):
        y.sum().backward()


@pytest.mark.parametrize(
    "turn", [lambda x: x.t_(), lambda x: x.unsqueeze_(0), lambda x: x.as_strided_((2,), (1,))]
)
def test_becoming_a_view(turn) -> None:
    x = lc.ones(2, 3).view(3, 2).requires_grad_()
    for refused in (x, x[:]):
        with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
            turn(refused)
    y = x * 2
    node = y.grad_fn
    with autograd.no_grad():
        assert turn(x) is x
        turn(y)
    # What was not recorded leaves both where they are in the graph.
    assert x.is_leaf
    assert x.requires_grad
    assert y.grad_fn is node


@pytest.mark.parametrize(
    "write",
    [
        lambda y: y.detach().mul_(2),
        lambda y: y[0:1].mul_(2),
        lambda y: y.view(3, 1)[1].zero_(),
        lambda y: y.t_(),
        lambda y: autograd.graph.increment_version(y),
    ],
)
def test_ways_to_write_that_are_counted(write) -> None:
    y = leaf() * 1
    z = y * y
    write(y)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_data_is_not_counted() -> None:
    x = leaf()
    y = x * 1
    z = y * y
    y.data.mul_(2)
    z.sum().backward()
    assert y._version == 0
    assert x.grad.tolist() == [4.0, 8.0, 12.0]


def test_write_to_own_argument() -> None:
    """y *= y: the other factor is gone when the gradient needs it."""
    y = leaf() * 2
    y.mul_(y)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
    x = leaf()
    y = x * 2
    y.add_(y)
    y.sum().backward()
    assert x.grad.tolist() == [4.0] * 3


def test_views_that_cannot_be_written() -> None:
    y = leaf() * 1
    with pytest.raises(RuntimeError, match="Output 0 of UnbindBackward0 is a view"):
        y.unbind(0)[0].mul_(2)
    a, _ = (leaf(1, 2) * 1).chunk(2)
    with pytest.raises(RuntimeError, match="Output 0 of"):
        a.add_(1)
    y = leaf() * 1
    a, _, _ = y.unbind(0)
    y.mul_(2)
    with pytest.raises(RuntimeError, match="its base or another view"):
        a + 1
    with autograd.no_grad():
        v = y[0:2]
    with pytest.raises(RuntimeError, match="no_grad mode"):
        v.mul_(2)


def test_out_argument() -> None:
    with pytest.raises(RuntimeError, match="out="):
        lc.mul(leaf(), 2, out=lc.zeros(3))
    for p, out in ((leaf(), lc.zeros(3)), (lc.ones(3), leaf())):
        with pytest.raises(RuntimeError, match="functions with out="):
            lc.bernoulli(p, out=out)


# ------------ whole tensors


def test_chain_of_writes() -> None:
    x = leaf(0.1, -0.2, 0.3)
    y = x * 1
    y.mul_(2).add_(1).tanh_()
    y.sum().backward()
    v = np.array([0.1, -0.2, 0.3])
    np.testing.assert_allclose(x.grad.numpy(), 2 / np.cosh(2 * v + 1) ** 2, rtol=1e-5)
    assert y._version == 3


@pytest.mark.parametrize(
    ("write", "slope"),
    [
        (lambda y: y.pow_(3), [3.0, 12.0, 27.0]),
        (lambda y: y.exp_(), np.exp([1.0, 2.0, 3.0])),
        (lambda y: y.sigmoid_(), [0.19661193, 0.10499359, 0.04517666]),
        (lambda y: y.sqrt_(), 0.5 / np.sqrt([1.0, 2.0, 3.0])),
        (lambda y: y.clamp_(1.5, 2.5), [0.0, 1.0, 0.0]),
        (lambda y: y.zero_(), [0.0] * 3),
        (lambda y: y.fill_(4), [0.0] * 3),
        (lambda y: y.eq_(2), [0.0] * 3),
        (lambda y: y.uniform_(), [0.0] * 3),
        (lambda y: y.masked_fill_(lc.tensor([True, False, True]), 5), [0.0, 1.0, 0.0]),
        (lambda y: y.div_(2).sub_(1).neg_(), [-0.5] * 3),
    ],
)
def test_gradient_through_a_write(write, slope) -> None:
    x = leaf()
    y = x * 1
    assert write(y) is y
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), slope, rtol=1e-5)


def test_plain_tensor_gets_a_graph() -> None:
    x, p = lc.zeros(3), leaf()
    x.add_(p)
    assert x.requires_grad and not x.is_leaf
    x.mul_(p)
    x.sum().backward()
    assert p.grad.tolist() == [2.0, 4.0, 6.0]


def test_integers_get_none() -> None:
    i = lc.zeros(3, dtype=lc.int64)
    i.copy_(leaf())
    assert i.tolist() == [1, 2, 3] and not i.requires_grad


def test_copy_converts_and_broadcasts() -> None:
    x, p = lc.zeros(2, 3, dtype=lc.float64), leaf()
    x.copy_(p)
    (x * x).sum().backward()
    assert p.grad.dtype == lc.float32
    assert p.grad.tolist() == [4.0, 8.0, 12.0]


def test_index_put() -> None:
    x, v = leaf(1, 2, 3, 4), leaf(10, 20)
    y = x * 2
    y[lc.tensor([0, 2])] = v
    y.index_put_((lc.tensor([1, 3]),), v, accumulate=True)
    (y * y).sum().backward()
    assert x.grad.tolist() == [0.0, 56.0, 0.0, 112.0]
    assert v.grad.tolist() == [48.0, 96.0]


def test_second_derivative_through_writes() -> None:
    x = lc.tensor([0.3, 0.4], dtype=lc.float64, requires_grad=True)

    def f(x):
        y = x * 1
        y[0:1].mul_(x[1:2])
        y.exp_()
        z = y * 1
        z.mul_(x)
        return z + y

    assert autograd.gradcheck(f, (x,))
    assert autograd.gradgradcheck(f, (x,))


# ------------ views


def test_write_to_view() -> None:
    x = leaf()
    y = x * 1
    v = y[0:2]
    v.mul_(10)
    (y * y).sum().backward()
    assert y.tolist() == [10.0, 20.0, 3.0]
    assert x.grad.tolist() == [200.0, 400.0, 6.0]
    assert v._base is y and v.grad_fn.name() == "AsStridedBackward0"
    assert y.grad_fn.name() == "torch::autograd::CopySlices"


def test_views_of_views() -> None:
    x = lc.arange(12.0).view(3, 4).requires_grad_()
    y = x * 1
    v = y[1:]
    w = v[:, 2]
    u = y.t()
    w.mul_(10)
    v.add_(1)
    u[0].neg_()
    (y.sum() + w.sum() * 2 + v.sum()).backward()
    slope = np.ones((3, 4))
    slope[1:] += 1
    slope[1:, 2] += 2
    slope[1:, 2] *= 10
    slope[:, 0] *= -1
    np.testing.assert_array_equal(x.grad.numpy(), slope)
    assert w._base is y


def test_other_views_see_the_write() -> None:
    x = leaf()
    y = x * 1
    before, after = y[0], y[1:]
    y.mul_(5)
    (before + after.sum()).backward()
    assert x.grad.tolist() == [5.0] * 3


def test_write_through_complex_parts() -> None:
    x = lc.tensor([1 + 2j, 3 - 1j], dtype=lc.complex128, requires_grad=True)
    p = lc.tensor([2.0, 3.0], dtype=lc.float64, requires_grad=True)

    def real(x, p):
        y = x * 1
        y.real.mul_(p)
        lc.view_as_real(y)[1:, 1].mul_(p[1:])
        return y * y

    def pairs(p):
        y = p * 1
        lc.view_as_complex(y.view(1, 2)).mul_(2 + 1j)
        return y * y

    assert autograd.gradcheck(real, (x, p))
    assert autograd.gradcheck(pairs, (p,))


def test_values_written_to_a_buffer() -> None:
    x = leaf()
    out = lc.zeros(3)
    for i in range(3):
        out[i] = x[i] * (out[i - 1].clone() if i else 1)
    out.sum().backward()
    assert out.tolist() == [1.0, 2.0, 6.0]
    assert x.grad.tolist() == [9.0, 4.0, 2.0]


# ------------ views made before the base had a graph


def test_older_view_of_a_written_view() -> None:
    x, p = lc.ones(3), leaf(2, 3)
    v, w = x[0:2], x[1:3]
    x.add_(1)
    v.mul_(p)
    assert w.requires_grad and not w.is_leaf and x.requires_grad
    (w * w).sum().backward()
    assert p.grad.tolist() == [0.0, 24.0]


def test_older_views_of_a_written_base() -> None:
    x, p = lc.ones(3), leaf()
    w = x[1:3]
    u = w[0]
    places = x.to(lc.int64)
    apart = x.detach()
    x.mul_(p)
    assert w.requires_grad and u.requires_grad
    assert not places.requires_grad and not apart.requires_grad
    (w.sum() + u * 10).backward()
    assert p.grad.tolist() == [0.0, 11.0, 1.0]


def test_older_view_and_setitem() -> None:
    x, p = lc.ones(4), leaf(2, 3)
    w = x[1:3]
    before = w * 2
    x[0:2] = p
    after = w * 2
    assert not before.requires_grad and after.requires_grad
    after.sum().backward()
    assert p.grad.tolist() == [0.0, 2.0]


def test_older_view_that_the_collector_was_told_to_ignore() -> None:
    x, p = lc.ones(3), leaf()
    w = x[1:3]
    gc.freeze()
    try:
        x.mul_(p)
    finally:
        gc.unfreeze()
    assert w.requires_grad


def test_without_older_views_nothing_is_searched(monkeypatch) -> None:
    from lamella_autograd import inplace

    monkeypatch.setattr(inplace, "mark_views", lambda base: pytest.fail("searched"))
    x, p = lc.zeros(3), leaf()
    x[0] = p[0]
    x.mul_(p)
    y = lc.zeros(3)
    y.mul_(p)
    x[1:].add_(1)


def test_view_in_no_grad_is_a_leaf() -> None:
    """As PyTorch 2.13 has it: it requires grad, and keeps a gradient of its own."""
    x = leaf()
    with autograd.no_grad():
        v = x[0:2]
        plain = x * 2
    assert v.requires_grad and v.is_leaf and not plain.requires_grad
    (v * 3).sum().backward()
    assert v.grad.tolist() == [3.0, 3.0] and x.grad is None


# ------------ detach and data


def test_detach_in_place() -> None:
    x = leaf()
    y = x * 2
    z = y * 3
    y.detach_()
    assert y.is_leaf and not y.requires_grad
    z.sum().backward()
    assert x.grad.tolist() == [6.0] * 3
    with pytest.raises(RuntimeError, match="detach views"):
        (leaf() * 2)[0:2].detach_()


def test_data_assignment() -> None:
    x = leaf()
    z = x * 2
    x.data = lc.tensor([7.0, 8.0, 9.0])
    z.sum().backward()
    assert x.is_leaf and x.tolist() == [7.0, 8.0, 9.0]
    assert x.grad.tolist() == [2.0] * 3


def test_data_assignment_hides_no_write() -> None:
    x, w = leaf(), lc.tensor([1.0, 2.0, 3.0])
    z = x * w
    w += 1
    w.data = lc.ones(3)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_a_quotient_may_be_overwritten() -> None:
    x, y = (lc.tensor([value], requires_grad=True) for value in (6.0, 2.0))
    quotient = x / y
    quotient += 1
    quotient.sum().backward()
    assert (x.grad.item(), y.grad.item()) == (0.5, -1.5)


def test_a_part_that_is_overwritten_asks_for_no_gradient_of_what_was_there() -> None:
    x, y = lc.ones(4, 3).requires_grad_(), lc.ones(2, 3).requires_grad_()
    whole = x * 2.0
    whole[1:3] = y
    whole[0].fill_(7.0)
    seed = lc.arange(12.0).reshape(4, 3)
    by_x, by_y = autograd.grad(whole, (x, y), seed)
    assert by_x.tolist() == [[0.0] * 3] * 3 + [[18.0, 20.0, 22.0]]
    assert by_y.tolist() == [[3.0, 4.0, 5.0], [6.0, 7.0, 8.0]]
