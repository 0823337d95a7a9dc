"""Writes through views, and to what views look at."""

from __future__ import annotations

from autograd.programs.listing import NOT_REACHED, leaf, program


@program
def write_to_view_of_plain_base(t):
    x = t.zeros(3)
    p = leaf(t, 2, 3)
    v, w = x[0:2], x[1:3]
    x.add_(1)
    v.mul_(p)
    yield from (v.requires_grad, w.requires_grad, x.requires_grad, w.is_leaf, w.grad_fn is None)
    (w * w).sum().backward()
    yield from (x, w, p.grad)


@program
def write_to_plain_base_with_views(t):
    x = t.ones(3)
    p = leaf(t)
    w = x[1:3]
    u = w[0]
    x.mul_(p)
    yield from (w.requires_grad, u.requires_grad)
    (w.sum() + u * 10).backward()
    yield p.grad


@program
def plain_view_used_before_and_after(t):
    x = t.ones(4)
    p = leaf(t, 2, 3)
    w = x[1:3]
    before = w * 2
    x[0:2] = p
    after = w * 2
    yield from (before.requires_grad, after.requires_grad)
    after.sum().backward()
    yield p.grad


@program
def detached_view_of_plain_base(t):
    x = t.ones(3)
    p = leaf(t)
    d = x.detach()
    w = x[0:2].detach()
    x.mul_(p)
    yield from (d.requires_grad, w.requires_grad, d, w)


@program
def data_view_of_plain_base(t):
    x = t.ones(3)
    d = x.data
    x.mul_(leaf(t))
    yield from (d.requires_grad, d, d._version, x._version)


@program
def view_of_plain_base_in_no_grad(t):
    x = t.ones(3)
    with t.no_grad():
        w = x[0:2]
    x.mul_(leaf(t))
    yield w.requires_grad


@program
def write_to_chained_views(t):
    x = t.arange(12.0).view(3, 4).requires_grad_()
    y = x * 1
    v = y[1:]
    w = v[:, 2]
    w.mul_(10)
    v.add_(1)
    (y * y).sum().backward()
    yield from (y, v, w, x.grad)
    yield from (v.is_leaf, w._base is y, v._base is y)


@program
def write_to_base_then_view(t):
    x = leaf(t)
    y = x * 1
    v = y[0:2]
    y.mul_(2)
    v.mul_(3)
    y.mul_(v[0].item())
    (v.sum() + y.sum()).backward()
    yield from (y, x.grad)


@program
def write_to_transposed_view(t):
    x = t.arange(6.0).view(2, 3).requires_grad_()
    y = x * 1
    y.t()[1].mul_(t.tensor([3.0, 5.0]))
    y.view(-1)[4:].exp_()
    y.sum().backward()
    yield from (y, x.grad)


@program
def write_to_diagonal(t):
    x = t.ones(3, 3, requires_grad=True)
    y = x * 2
    y.diagonal().mul_(t.tensor([1.0, 2.0, 3.0]))
    y.sum().backward()
    yield x.grad


@program
def write_to_unbind_output(t):
    x = leaf(t)
    y = x * 1
    a, _, _ = y.unbind(0)
    a.mul_(2)
    yield NOT_REACHED


@program
def write_to_chunk_output(t):
    x = leaf(t, 1, 2, 3, 4)
    y = x * 1
    a, b = y.chunk(2)
    a.mul_(2)
    yield NOT_REACHED


@program
def base_written_then_chunk_read(t):
    x = leaf(t, 1, 2, 3, 4)
    y = x * 1
    a, b = y.chunk(2)
    y.mul_(2)
    yield "written"
    a.sum().backward()
    yield NOT_REACHED


@program
def write_to_view_made_in_no_grad(t):
    x = leaf(t)
    y = x * 1
    with t.no_grad():
        v = y[0:2]
    v.mul_(2)
    yield NOT_REACHED


@program
def write_grad_to_view_made_in_no_grad(t):
    y = leaf(t) * 1
    with t.no_grad():
        v = y[0:2]
    v.mul_(leaf(t, 1, 1))
    yield NOT_REACHED


@program
def write_in_no_grad_to_view_made_in_no_grad(t):
    x = leaf(t)
    y = x * 1
    with t.no_grad():
        v = y[0:2]
        v.mul_(2)
    yield from (v.requires_grad, y)
    y.sum().backward()
    yield x.grad


@program
def view_in_no_grad_of_leaf(t):
    x = leaf(t)
    with t.no_grad():
        v = x[0:2]
    yield from (v.requires_grad, v._is_view())
    v.mul_(2)
    yield NOT_REACHED


@program
def write_in_no_grad_to_view(t):
    x = leaf(t)
    y = x * 1
    v = y[0:2]
    with t.no_grad():
        v.mul_(5)
    (v.sum() + y.sum()).backward()
    yield from (y, x.grad)


@program
def write_to_detached(t):
    x = leaf(t)
    y = x * 1
    z = y * y
    y.detach().mul_(2)
    yield (y, y._version)
    z.sum().backward()
    yield NOT_REACHED


@program
def write_to_data(t):
    x = leaf(t)
    y = x * 1
    z = y * y
    y.data.mul_(2)
    yield from (y, y._version)
    z.sum().backward()
    yield x.grad


@program
def assign_data(t):
    x = leaf(t)
    z = x * 2
    x.data = t.tensor([7.0, 8.0, 9.0])
    z.sum().backward()
    yield from (x, x.grad, x.is_leaf)


@program
def detach_in_place(t):
    x = leaf(t)
    y = x * 2
    z = y * 3
    y.detach_()
    yield from (y.requires_grad, y.is_leaf)
    z.sum().backward()
    yield x.grad


@program
def detach_view_in_place(t):
    x = leaf(t)
    y = x * 2
    y[0:2].detach_()
    yield NOT_REACHED


@program
def requires_grad_off_on_non_leaf(t):
    (leaf(t) * 2).requires_grad_(False)
    yield NOT_REACHED


@program
def write_to_real_part(t):
    x = t.tensor([1 + 2j, 3 - 1j], requires_grad=True)
    y = x * 1
    p = leaf(t, 2, 3)
    y.real.mul_(p)
    (y.abs() ** 2).sum().backward()
    yield from (y, x.grad, p.grad)


@program
def write_to_pairs(t):
    x = t.tensor([1 + 2j, 3 - 1j, 2j], requires_grad=True)
    y = x * 1
    t.view_as_real(y)[1:, 1].mul_(4)
    (y.real * y.imag).sum().backward()
    yield from (y, x.grad)


@program
def write_to_complex_view(t):
    x = leaf(t, 1, 2, 3, 4)
    y = x * 1
    t.view_as_complex(y.view(2, 2))[1].mul_(2 + 1j)
    (y * y).sum().backward()
    yield from (y, x.grad)


@program
def double_backward_through_view_write(t):
    x = leaf(t)
    y = x * 1
    y[0:2].mul_(x[1:3])
    (g,) = t.autograd.grad((y * y).sum(), x, create_graph=True)
    yield g
    g.sum().backward()
    yield x.grad


@program
def copy_into_slices_in_loop(t):
    x = leaf(t)
    out = t.zeros(3)
    for i in range(3):
        out[i] = x[i] * out[i - 1].clone() if i else x[i]
    out.sum().backward()
    yield from (out, x.grad)
