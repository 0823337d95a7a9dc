"""In-place writes to whole tensors."""

from __future__ import annotations

from autograd.programs.listing import NOT_REACHED, leaf, program


@program
def write_to_leaf(t):
    leaf(t).mul_(2)
    yield NOT_REACHED


@program
def write_to_leaf_in_no_grad(t):
    x = leaf(t)
    with t.no_grad():
        x.mul_(2)
    x.sum().backward()
    yield from (x, x.grad, x._version)


@program
def write_to_view_of_leaf(t):
    x = leaf(t)
    x[0].mul_(2)
    yield NOT_REACHED


@program
def setitem_on_leaf(t):
    x = leaf(t)
    x[0] = 1
    yield NOT_REACHED


@program
def chain_of_writes(t):
    x = leaf(t, 0.1, -0.2, 0.3)
    y = x * 1
    y.mul_(2).add_(1).tanh_()
    y.sum().backward()
    yield from (y, x.grad, y._version, y.is_leaf, y.requires_grad)


@program
def write_after_save_as_input(t):
    x = leaf(t)
    y = x * 1
    z = y * y
    y.add_(1)
    z.sum().backward()
    yield NOT_REACHED


@program
def write_after_save_as_output(t):
    x = leaf(t)
    y = x.exp()
    y.add_(1)
    y.sum().backward()
    yield NOT_REACHED


@program
def write_after_op_that_saves_nothing(t):
    x = leaf(t)
    y = x * 1
    z = y + 1
    y.add_(5)
    (z + y).sum().backward()
    yield from (z, y, x.grad)


@program
def multiply_by_itself_in_place(t):
    x = leaf(t)
    y = x * 2
    y.mul_(y)
    y.sum().backward()
    yield NOT_REACHED


@program
def add_itself_in_place(t):
    x = leaf(t)
    y = x * 2
    y.add_(y)
    y.sum().backward()
    yield from (y, x.grad)


@program
def add_own_view_in_place(t):
    x = leaf(t)
    y = x * 2
    o = y[0:1].expand(1)
    y[1:].add_(o)
    (y.sum() + o.sum() * 10).backward()
    yield from (y, o, x.grad)


@program
def add_view_to_other_view(t):
    x = leaf(t, 1, 2, 3, 4)
    y = x * 2
    y[0:2].add_(y[2:4])
    y.mul_(y.detach().clone())
    y.sum().backward()
    yield from (y, x.grad)


@program
def pow_in_place(t):
    x = leaf(t)
    y = x * 1
    y.pow_(3)
    y.sum().backward()
    yield from (y, x.grad)


@program
def write_with_grad_to_plain(t):
    x = t.zeros(3)
    p = leaf(t)
    x.add_(p)
    x.mul_(p)
    x.sum().backward()
    yield from (x, p.grad, x.is_leaf, x.requires_grad)


@program
def write_into_integers(t):
    x = leaf(t, 1.0, 2.0)
    i = t.zeros(2, dtype=t.int64)
    i.copy_(x)
    yield from (i, i.requires_grad, i.is_leaf)


@program
def write_converts_dtype(t):
    x = t.zeros(2, dtype=t.float64)
    p = leaf(t, 1.5, 2.5)
    x.copy_(p)
    (x * x).sum().backward()
    yield from (x, p.grad)


@program
def comparison_in_place(t):
    x = leaf(t)
    y = x * 2
    y.eq_(4)
    yield from (y, y.requires_grad)
    y.sum().backward()
    yield x.grad


@program
def comparison_in_place_on_leaf(t):
    leaf(t).eq_(4)
    yield NOT_REACHED


@program
def random_in_place(t):
    x = leaf(t)
    y = x * 2
    y.uniform_(1, 1 + 1e-9)
    (y * x.detach()).sum().backward()
    yield x.grad


@program
def fill_zero_and_masked(t):
    x = leaf(t, 1, 2, 3, 4)
    y = x * 2
    y[0] = 7
    y[1].fill_(3)
    y.masked_fill_(t.tensor([False, False, True, False]), 5.0)
    y[3:].mul_(4)
    y.sum().backward()
    yield from (y, x.grad)


@program
def fill_with_tensor(t):
    x = leaf(t, 1, 2, 3, 4)
    v = leaf(t, 5).sum()
    y = x * 2
    y[1:3].fill_(v)
    y.prod().backward()
    yield from (y, x.grad)


@program
def index_put_in_place(t):
    x = leaf(t, 1, 2, 3, 4)
    v = leaf(t, 10, 20)
    y = x * 2
    y[t.tensor([0, 2])] = v
    y.index_put_((t.tensor([1, 3]),), v, accumulate=True)
    (y * y).sum().backward()
    yield from (y, x.grad, v.grad)


@program
def masked_setitem(t):
    x = leaf(t, -1, 2, -3, 4)
    y = x * 2
    y[y < 0] = 0
    y.sum().backward()
    yield from (y, x.grad)


@program
def zero_a_window(t):
    x = t.ones(3, 3, requires_grad=True)
    y = x * 2
    y[1:, :2].zero_()
    (y * t.arange(9.0).view(3, 3)).sum().backward()
    yield from (y, x.grad)


@program
def transposed_in_place(t):
    x = t.arange(6.0).view(2, 3).requires_grad_()
    y = x * 2
    z = y * y
    y.t_()
    yield y.shape
    (y * t.arange(6.0).view(3, 2)).sum().backward()
    yield x.grad
    z.sum().backward()
    yield NOT_REACHED


@program
def unsqueeze_in_place(t):
    x = leaf(t)
    y = x * 2
    y.unsqueeze_(0)
    v = y[0, 1:]
    v.mul_(3)
    y.sum().backward()
    yield from (y, x.grad)
