"""Small programs on aliasing, in-place writes and hooks, written once for PyTorch and lamella.

A program takes the framework's module and yields outcomes: tensors, numbers, strings, or None. An
exception ends it and is an outcome, too; a program that is to raise ends in ``yield NOT_REACHED``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOT_REACHED = "not reached"
PROGRAMS: dict[str, Callable[[Any], Iterator[Any]]] = {}


def program(function: Callable[[Any], Iterator[Any]]) -> Callable[[Any], Iterator[Any]]:
    """Adds a program to the list."""
    PROGRAMS[function.__name__] = function
    return function


def leaf(t: Any, *values: float) -> Any:
    """A leaf of these values that requires grad."""
    return t.tensor([float(v) for v in values or (1, 2, 3)], requires_grad=True)


# ------------------------------------------------------------------------ in-place on whole tensors


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


# ---------------------------------------------------------------------------------- writes to views


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


# -------------------------------------------------------------------------------------- .grad rules


@program
def gradients_of_sum_do_not_share(t):
    a, b = leaf(t), leaf(t)
    (a + b).sum().backward()
    a.grad[0] = 100
    yield from (a.grad, b.grad)


@program
def given_gradient_is_not_taken(t):
    a = leaf(t)
    given = t.ones(3)
    (a + 0).backward(given)
    a.grad.mul_(5)
    yield from (given, a.grad)
    a.grad = None
    a.backward(given)
    a.grad.mul_(5)
    yield from (given, a.grad)


@program
def gradient_kept_by_hook_is_not_taken(t):
    a = leaf(t)
    kept = []
    y = a * 1
    y.register_hook(lambda g: kept.append(g))
    a.register_hook(lambda g: kept.append(g))
    y.sum().backward()
    (a * 3).sum().backward()
    yield from (a.grad, *kept)


@program
def retained_gradient_is_apart(t):
    a = leaf(t)
    y = a + 0
    y.retain_grad()
    y.sum().backward(retain_graph=True)
    a.grad.add_(10)
    yield from (y.grad, a.grad)
    y.sum().backward()
    yield from (y.grad, a.grad)


@program
def gradient_is_the_same_object(t):
    a = leaf(t)
    (a * 2).sum().backward()
    g = a.grad
    (a * 3).sum().backward()
    yield from (g is a.grad, g)


@program
def gradient_with_create_graph(t):
    a = leaf(t)
    (a**3).sum().backward(create_graph=True)
    g = a.grad
    yield from (g, g.requires_grad)
    g.sum().backward()
    yield from (a.grad, g is a.grad)


@program
def gradient_layout(t):
    a = t.ones(2, 3, requires_grad=True)
    b = t.ones(2, 4)
    (a.t() @ b).sum().backward()
    yield a.grad.stride()
    c = t.ones(3, 2).t().requires_grad_()
    (c * t.arange(6.0).view(2, 3)).sum().backward()
    yield from (c.grad.stride(), c.grad)


@program
def assigned_gradient_checks(t):
    a = leaf(t)
    for make in (
        lambda: t.ones(2),
        lambda: t.ones(3, dtype=t.float64),
        lambda: 3,
        lambda: a,
        lambda: t.ones(3),
    ):
        try:
            a.grad = make()
            yield a.grad
        except Exception as error:
            yield type(error).__name__


@program
def expanded_gradient(t):
    a = t.ones(2, 2, requires_grad=True)
    a.sum().backward()
    a.grad[0, 0] = 7
    yield from (a.grad, a.grad.is_contiguous())


# -------------------------------------------------------------------------------------------- hooks


@program
def leaf_hook_sees_the_whole_gradient(t):
    x = leaf(t)
    seen = []
    x.register_hook(lambda g: seen.append(g.clone()))
    (x * 2 + x * 3 + x.exp() * 0).sum().backward()
    yield from (len(seen), *seen, x.grad)


@program
def post_accumulate_hook_runs_once(t):
    x = leaf(t)
    seen = []
    x.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.clone()))
    (x * 2 + x * 3).sum().backward()
    (x * 4).sum().backward()
    yield from (len(seen), *seen)


@program
def hooks_in_order(t):
    x = leaf(t)
    y = x * 2
    order = []
    y.register_hook(lambda g: order.append("first"))
    y.register_hook(lambda g: (order.append("second"), g * 10)[1])
    y.register_hook(lambda g: order.append(float(g[0])))
    y.retain_grad()
    y.grad_fn.register_prehook(lambda gs: order.append(f"pre {float(gs[0][0])}"))
    y.grad_fn.register_hook(lambda gi, go: order.append(f"post {len(gi)} {float(go[0][0])}"))
    x.register_hook(lambda g: order.append("leaf"))
    x.register_post_accumulate_grad_hook(lambda p: order.append("accumulated"))
    y.sum().backward()
    yield from (*order, y.grad, x.grad)


@program
def removed_hook(t):
    x = leaf(t)
    y = x * 2
    handle = y.register_hook(lambda g: g * 100)
    other = x.register_hook(lambda g: g * 7)
    handle.remove()
    handle.remove()
    y.sum().backward()
    yield x.grad
    other.remove()
    (x * 1).sum().backward()
    yield x.grad


@program
def hook_replaces_leaf_gradient(t):
    x = leaf(t)
    x.register_hook(lambda g: g * 2)
    x.register_hook(lambda g: g + 1)
    yield t.autograd.grad((x * 1).sum(), x)[0]
    x.sum().backward()
    yield x.grad


@program
def hook_changes_shape(t):
    x = leaf(t)
    x.register_hook(lambda g: g.sum())
    x.sum().backward()
    yield NOT_REACHED


@program
def hook_returns_no_tensor(t):
    x = leaf(t)
    y = x * 1
    y.register_hook(lambda g: 3)
    y.sum().backward()
    yield NOT_REACHED


@program
def hook_raises(t):
    x = leaf(t)
    y = x * 1

    def fail(g):
        raise KeyError("mine")

    y.register_hook(fail)
    y.sum().backward()
    yield NOT_REACHED


@program
def hook_on_tensor_without_grad(t):
    t.ones(3).register_hook(lambda g: g)
    yield NOT_REACHED


@program
def post_accumulate_hook_on_non_leaf(t):
    (leaf(t) * 2).register_post_accumulate_grad_hook(lambda p: None)
    yield NOT_REACHED


@program
def retain_grad_without_grad(t):
    t.ones(3).retain_grad()
    yield NOT_REACHED


@program
def hook_before_write(t):
    x = leaf(t)
    y = x * 1
    seen = []
    y.register_hook(lambda g: seen.append(g.clone()))
    y.mul_(5)
    y.register_hook(lambda g: seen.append(g.clone()))
    y.sum().backward()
    yield from seen


@program
def retain_grad_before_write(t):
    x = leaf(t)
    y = x * 1
    y.retain_grad()
    y.mul_(5)
    yield y.retains_grad
    (y * 2).sum().backward()
    yield from (y.grad, x.grad)


@program
def accumulator_hook(t):
    x = leaf(t)
    node = x.view_as(x).grad_fn.next_functions[0][0]
    seen = []
    node.register_hook(lambda gi, go: seen.append((len(gi), go[0].clone())))
    node.register_prehook(lambda go: (go[0] * 3,))
    yield type(node).__name__
    (x * 2 + x).sum().backward()
    yield from (len(seen), seen[0][0], seen[0][1], x.grad)


@program
def node_hook_replaces_inputs(t):
    a, b = leaf(t), leaf(t)
    y = a * b
    y.grad_fn.register_hook(lambda gi, go: (gi[0] * 10, None))
    y.sum().backward()
    yield from (a.grad, b.grad)


@program
def node_prehook_replaces_outputs(t):
    a = leaf(t)
    y = a * 2
    y.grad_fn.register_prehook(lambda go: (go[0] * 10,))
    y.sum().backward()
    yield a.grad


@program
def hook_runs_backward(t):
    x, z = leaf(t), leaf(t, 2, 2, 2)
    y = x * 2

    def inner(g):
        with t.enable_grad():
            (z * z).sum().backward()
        return g + z.grad

    y.register_hook(inner)
    y.sum().backward()
    yield from (x.grad, z.grad)


@program
def hook_on_one_of_several_outputs(t):
    x = leaf(t, 1, 2, 3, 4)
    a, b = (x * 1).chunk(2)
    a.register_hook(lambda g: g * 10)
    b.retain_grad()
    (a.sum() + b.sum() * 2).backward()
    yield from (x.grad, b.grad)


@program
def hooks_with_inputs(t):
    x, w = leaf(t), leaf(t)
    y = x * w
    seen = []
    y.register_hook(lambda g: seen.append("y"))
    x.register_hook(lambda g: seen.append("x"))
    w.register_hook(lambda g: seen.append("w"))
    y.sum().backward(inputs=[x])
    yield from (*seen, x.grad, w.grad)


@program
def grad_in_hook_records_nothing(t):
    x = leaf(t)
    y = x * 1
    seen = []
    y.register_hook(lambda g: seen.append((t.is_grad_enabled(), (g * x).requires_grad)))
    y.sum().backward(retain_graph=True)
    y.sum().backward(create_graph=True)
    yield from seen


# ------------------------------------------------------------------------------------------- engine


@program
def backward_twice(t):
    x = leaf(t)
    y = (x * x).sum()
    y.backward()
    y.backward()
    yield NOT_REACHED


@program
def backward_twice_where_nothing_is_saved(t):
    x = leaf(t)
    y = (x + 1 - x.view(3)).sum()
    y.backward()
    y.backward()
    yield x.grad


@program
def scalar_expected(t):
    (leaf(t) * 2).backward()
    yield NOT_REACHED


@program
def no_grad_needed(t):
    t.ones(()).backward()
    yield NOT_REACHED


@program
def unused_input(t):
    x, z = leaf(t), leaf(t)
    s = (x * 2).sum()
    yield from t.autograd.grad(s, [x, z], allow_unused=True, retain_graph=True)
    yield from t.autograd.grad(s, [x, z], materialize_grads=True, retain_graph=True)
    t.autograd.grad(s, [x, z])
    yield NOT_REACHED


@program
def grad_of_intermediate_and_output(t):
    x = leaf(t)
    y = x * 2
    z = y * y
    s = z.sum()
    yield from t.autograd.grad(s, [x, y, z, s])


@program
def batched_gradients(t):
    x = leaf(t)
    y = x * x
    yield from t.autograd.grad(y, x, t.eye(3), is_grads_batched=True)


@program
def backward_with_non_leaf_inputs(t):
    x = leaf(t)
    y = x * 2
    z = y * y
    z.sum().backward(inputs=[y])
    yield from (x.grad, y.grad)


@program
def tensor_used_twice_in_one_op(t):
    x = leaf(t)
    (x * x).sum().backward()
    yield x.grad
    x.grad = None
    t.cat([x, x, x * 2]).sum().backward()
    yield x.grad


@program
def third_derivative(t):
    x = leaf(t, 0.5)
    y = t.sin(x) * x**2
    for _ in range(3):
        (y,) = t.autograd.grad(y.sum(), x, create_graph=True)
        yield y


@program
def partly_used_outputs(t):
    x = t.tensor([[3.0, 1.0], [0.0, 5.0]], requires_grad=True)
    values, _ = x.sort(dim=1)
    values[:, 0].sum().backward()
    yield x.grad
    x.grad = None
    x.unbind(0)[1].sum().backward()
    yield x.grad


@program
def integer_outputs(t):
    x = leaf(t)
    values, places = x.max(dim=0)
    yield from (values.requires_grad, places.requires_grad, x.argmax().requires_grad)
    values.backward()
    yield x.grad


@program
def names_of_nodes(t):
    x = leaf(t)
    yield from ((x + 1).grad_fn.name(), (x * 2).grad_fn.name(), x.tanh().grad_fn.name())
    yield type(x.exp().grad_fn).__name__
    yield repr(x.exp().grad_fn).split(" at ")[0]


@program
def requires_grad_of_integers(t):
    t.zeros(3, dtype=t.int64).requires_grad_()
    yield NOT_REACHED


# -------------------------------------------------------------------------------------------- modes


@program
def modes_nest(t):
    x = leaf(t)
    with t.no_grad():
        yield (x * 2).requires_grad
        with t.enable_grad():
            yield (x * 2).requires_grad
        with t.set_grad_enabled(False):
            yield (x * 2).requires_grad
    t.set_grad_enabled(False)
    yield t.is_grad_enabled()
    t.set_grad_enabled(True)
    yield t.is_grad_enabled()


@program
def inference_tensors(t):
    x = leaf(t)
    with t.inference_mode():
        y = x * 2
        made = t.ones(3)
        v = x[0:2]
        yield from (y.requires_grad, y.is_inference(), made.is_inference(), v.is_inference())
        y.add_(1)
        yield t.is_inference_mode_enabled()
    yield from (x.is_inference(), (made + 1).is_inference())
    (x + made).sum().backward()
    yield x.grad
    x * made
    yield NOT_REACHED


@program
def write_to_inference_tensor(t):
    with t.inference_mode():
        y = t.ones(3)
    y.add_(1)
    yield NOT_REACHED


@program
def inference_write_to_normal_tensor(t):
    x = t.ones(3)
    with t.inference_mode():
        x.add_(1)
    yield from (x, x.is_inference())
    (x * leaf(t)).sum().backward()
    yield "done"


@program
def inference_tensor_requires_grad(t):
    with t.inference_mode():
        y = t.ones(3)
    y.requires_grad_()
    yield NOT_REACHED


# ----------------------------------------------------------------------------------------- Function


@program
def function_with_dirty_input(t):
    class Double(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = leaf(t)
    y = x * 1
    z = Double.apply(y)
    yield z is y
    (z * z).sum().backward()
    yield from (x.grad, y._version)
    Double.apply(x)
    yield NOT_REACHED


@program
def function_returns_its_input(t):
    class Same(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 5

    x = leaf(t)
    y = Same.apply(x)
    yield from (y is x, y.is_leaf)
    y.sum().backward()
    yield x.grad


@program
def function_returns_a_view(t):
    class Head(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x[:2]

        @staticmethod
        def backward(ctx, g):
            return t.cat([g, g[:1]])

    x = leaf(t)
    y = Head.apply(x * 1)
    y.sum().backward()
    yield x.grad
    Head.apply(x * 1).mul_(2)
    yield NOT_REACHED


@program
def function_on_view_with_dirty_input(t):
    class Double(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.mul_(2)

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = leaf(t)
    y = x * 1
    Double.apply(y[0:2])
    (y * y).sum().backward()
    yield x.grad


@program
def function_saved_tensor_written(t):
    class Square(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 2 * x

    x = leaf(t)
    y = x * 1
    z = Square.apply(y)
    y.add_(1)
    z.sum().backward()
    yield NOT_REACHED


@program
def function_context(t):
    seen = []

    class Pair(t.autograd.Function):
        @staticmethod
        def forward(ctx, x, k, w):
            seen.append(ctx.needs_input_grad)
            places = (x > 1).to(t.int64)
            ctx.mark_non_differentiable(places)
            ctx.set_materialize_grads(False)
            return x * k, w * 1, places

        @staticmethod
        def backward(ctx, ga, gb, gc):
            seen.append((ga is None, gb is None, gc is None))
            return ga * 2, None, None

    x, w = leaf(t), t.ones(3)
    a, b, places = Pair.apply(x, 2, w)
    yield from (a.requires_grad, b.requires_grad, places.requires_grad)
    a.sum().backward()
    yield from (*seen[0], *seen[1], x.grad, w.grad)
    with t.no_grad():
        Pair.apply(x, 2, w)
    yield from seen[2]


@program
def function_wrong_count(t):
    class Wrong(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return g, g

    Wrong.apply(leaf(t)).sum().backward()
    yield NOT_REACHED


@program
def function_wrong_shape(t):
    class Wrong(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return g[:2]

    Wrong.apply(leaf(t)).sum().backward()
    yield NOT_REACHED


@program
def function_gradient_too_small(t):
    class Wrong(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return g.sum()

    Wrong.apply(leaf(t)).sum().backward()
    yield NOT_REACHED


@program
def function_differentiated_twice(t):
    class Cube(t.autograd.Function):
        @staticmethod
        def forward(x):
            return x**3

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs, output)

        @staticmethod
        def backward(ctx, g):
            x, out = ctx.saved_tensors
            return g * 3 * out / x

    x = leaf(t)
    (g,) = t.autograd.grad(Cube.apply(x).sum(), x, create_graph=True)
    yield g
    g.sum().backward()
    yield x.grad


@program
def function_once_differentiable(t):
    from importlib import import_module

    once = import_module(t.autograd.__name__ + ".function").once_differentiable

    class Square(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 2 * x

    x = leaf(t)
    (g,) = t.autograd.grad((Square.apply(x) * x).sum(), x, create_graph=True)
    yield g
    g.sum().backward()
    yield NOT_REACHED


@program
def function_without_backward(t):
    class Only(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

    y = Only.apply(leaf(t))
    yield y.requires_grad
    y.sum().backward()
    yield NOT_REACHED


# ------------------------------------------------------------------------------- saved-tensor hooks


@program
def saved_tensor_hooks(t):
    packed = []

    def pack(x):
        packed.append(tuple(x.shape))
        return x * 1

    x = leaf(t)
    with t.autograd.graph.saved_tensors_hooks(pack, lambda x: x * 10):
        y = x * x
        z = y.exp()
    (y + z * 0).sum().backward()
    yield from (*packed, x.grad)


@program
def saved_tensor_hooks_survive_writes(t):
    x = leaf(t)
    y = x * 1
    with t.autograd.graph.saved_tensors_hooks(lambda x: x.clone(), lambda x: x):
        z = y * y
    y.add_(5)
    z.sum().backward()
    yield x.grad


@program
def saved_tensor_hooks_and_second_derivative(t):
    x = leaf(t)
    with t.autograd.graph.save_on_cpu():
        y = (x**3).exp()
        (g,) = t.autograd.grad(y.sum(), x, create_graph=True)
    yield g
    g.sum().backward()
    yield x.grad


@program
def saved_tensor_hooks_disabled(t):
    with t.autograd.graph.disable_saved_tensors_hooks("not here"):
        with t.autograd.graph.saved_tensors_hooks(lambda x: x, lambda x: x):
            yield NOT_REACHED


@program
def saved_tensor_hooks_in_function(t):
    class Square(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 2 * x

    x = leaf(t)
    with t.autograd.graph.saved_tensors_hooks(lambda x: x + 1, lambda x: x * 10):
        y = Square.apply(x)
    y.sum().backward()
    yield x.grad


@program
def anomaly_finds_nan(t):
    import warnings

    x = leaf(t, 0.0, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with t.autograd.detect_anomaly():
            y = (x * 0).sqrt() * 0
            y.sum().backward()
    yield NOT_REACHED


@program
def version_counted_by_hand(t):
    x = leaf(t)
    y = x * 1
    z = y * y
    t.autograd.graph.increment_version(y)
    yield y._version
    z.sum().backward()
    yield NOT_REACHED


@program
def gradient_edges(t):
    x = leaf(t)
    y = x * 2
    edge = t.autograd.graph.get_gradient_edge(y)
    yield edge.output_nr
    z = y * y
    del y
    yield from t.autograd.grad(z.sum(), edge)
    leaf_edge = t.autograd.graph.get_gradient_edge(x)
    yield from t.autograd.grad((x * 3).sum(), leaf_edge)


@program
def saved_attributes(t):
    x = leaf(t)
    y = x.exp()
    yield from (y.grad_fn._saved_result, (x * y).grad_fn._saved_self)
    y.sum().backward()
    _ = y.grad_fn._saved_result
    yield NOT_REACHED


@program
def saved_attribute_that_was_written(t):
    x = leaf(t)
    y = x.exp()
    node = y.grad_fn
    y.add_(1)
    _ = node._saved_result
    yield NOT_REACHED


@program
def hooks_on_one_saved_tensor(t):
    x = leaf(t)
    y = x * x
    y.grad_fn._raw_saved_self.register_hooks(lambda v: v * 10, lambda v: v * 2)
    yield y.grad_fn._saved_self
    y.sum().backward()
    yield x.grad
    y.grad_fn._raw_saved_other.register_hooks(lambda v: v, lambda v: v)
    yield NOT_REACHED


@program
def hooks_twice_on_one_saved_tensor(t):
    y = leaf(t).exp()
    y.grad_fn._raw_saved_result.register_hooks(lambda v: v, lambda v: v)
    y.grad_fn._raw_saved_result.register_hooks(lambda v: v, lambda v: v)
    yield NOT_REACHED


@program
def pack_hook_that_writes(t):
    with t.autograd.graph.saved_tensors_hooks(lambda v: v.mul_(2), lambda v: v):
        leaf(t).exp()
    yield NOT_REACHED


@program
def multi_hook_on_all(t):
    a, b = leaf(t), leaf(t)
    c, d = a * b, a * b
    seen = []
    hook = t.autograd.graph.register_multi_grad_hook((a, b, c, d), lambda g: seen.append(g))
    c.sum().backward(retain_graph=True)
    c.sum().backward(inputs=(a,), retain_graph=True)
    d.sum().backward(retain_graph=True)
    hook.remove()
    c.sum().backward()
    yield len(seen)
    for grads in seen:
        yield from grads


@program
def multi_hook_on_any(t):
    a, b = leaf(t), leaf(t)
    c = a * b
    seen = []
    t.autograd.graph.register_multi_grad_hook((a, b, c), seen.append, mode="any")
    c.sum().backward(retain_graph=True)
    (c * 2).sum().backward()
    yield from seen
    t.autograd.graph.register_multi_grad_hook((a,), seen.append, mode="some")
    yield NOT_REACHED


@program
def mutation_of_saved_tensors_allowed(t):
    with t.autograd.graph.allow_mutation_on_saved_tensors():
        a = leaf(t)
        b = a.clone()
        out = (b**2).sum()
        b.sin_()
        b[0] = 5
        later = b.exp()
        b[1:].mul_(b[0])
        later.mul_(2)
        out.backward()
        yield a.grad
        later.sum().backward()
        yield from (a.grad, b)


@program
def mutation_context_left(t):
    with t.autograd.graph.allow_mutation_on_saved_tensors():
        a = leaf(t)
        out = (a.clone() ** 2).sum()
    out.backward()
    yield NOT_REACHED


@program
def mutation_context_cleared(t):
    with t.autograd.graph.allow_mutation_on_saved_tensors() as context:
        out = (leaf(t).clone() ** 2).sum()
        context.clear()
        out.backward()
    yield NOT_REACHED


@program
def mutation_contexts_nested(t):
    with t.autograd.graph.allow_mutation_on_saved_tensors():
        with t.autograd.graph.allow_mutation_on_saved_tensors():
            yield NOT_REACHED


@program
def backward_twice_through_a_number(t):
    y = (leaf(t) * 2).sum()
    y.backward()
    y.backward()
    yield NOT_REACHED


@program
def gradients_in_a_dictionary(t):
    x, w = leaf(t), leaf(t)
    y = (x * w).sum()
    found = t.autograd.grad(y, {"x": x, "w": w}, retain_graph=True)
    yield from (*found, *found.values())
    t.autograd.backward(y, inputs={"w": w})
    yield from (x.grad, w.grad)


@program
def type_of_gradients(t):
    x = leaf(t)
    yield x.grad_dtype is t.float32
    x.grad_dtype = t.float64
    (x * 2).sum().backward()
    (x * 2).sum().backward()
    yield x.grad
    x.grad = None
    x.grad_dtype = None
    x.grad = t.ones(3, dtype=t.float16)
    yield x.grad
    _ = (x * 2).grad_dtype
    yield NOT_REACHED


@program
def old_variables(t):
    x = t.ones(3)
    v = t.autograd.Variable(x, requires_grad=True)
    yield from (isinstance(x, t.autograd.Variable), v is x, v.requires_grad, x.requires_grad)
    (v * 2).sum().backward()
    yield v.grad


@program
def threads_switch(t):
    yield t.autograd.is_multithreading_enabled()
    with t.autograd.set_multithreading_enabled(False):
        yield t.autograd.is_multithreading_enabled()
        x = leaf(t)
        (x * 2).sum().backward()
        yield x.grad
    yield t.autograd.is_multithreading_enabled()


@program
def function_with_vjp(t):
    class Triple(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 3

        @staticmethod
        def vjp(ctx, g):
            return g * 3

    class Both(Triple):
        @staticmethod
        def backward(ctx, g):
            return g * 3

    x = leaf(t)
    Triple.apply(x).sum().backward()
    yield x.grad
    Both.apply(x).sum().backward()
    yield NOT_REACHED


@program
def function_with_defaults(t):
    class Scale(t.autograd.Function):
        @staticmethod
        def forward(x, factor=3):
            return x * factor

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.factor = inputs[1]

        @staticmethod
        def backward(ctx, g):
            return g * ctx.factor, None

    x = leaf(t)
    Scale.apply(x).sum().backward()
    Scale.apply(x, factor=5).sum().backward()
    yield x.grad
    node = Scale.apply(x).grad_fn
    yield from (node.name(), type(node).__name__, node.factor, node.needs_input_grad)


@program
def function_outputs_of_all_kinds(t):
    class Mixed(t.autograd.Function):
        @staticmethod
        def forward(ctx, x, result):
            return result(x)

        @staticmethod
        def backward(ctx, *grads):
            return grads[0], None

    x = leaf(t)
    for made in (
        lambda x: None,
        lambda x: 3,
        lambda x: (x * 1, "word", None),
        lambda x: [x * 1],
        lambda x: {"x": x * 1},
        lambda x: (),
    ):
        result = Mixed.apply(x, made)
        yield type(result).__name__
        for each in result if isinstance(result, (tuple, list)) else ():
            yield each.requires_grad if isinstance(each, t.Tensor) else each


@program
def function_marks_dirty_what_it_does_not_return(t):
    class Wrong(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return g

    Wrong.apply(leaf(t) * 1)
    yield NOT_REACHED


@program
def function_gradient_of_a_number(t):
    class Wrong(t.autograd.Function):
        @staticmethod
        def forward(ctx, x, factor):
            return x * factor

        @staticmethod
        def backward(ctx, g):
            return g, g

    Wrong.apply(leaf(t), 2).sum().backward()
    yield NOT_REACHED


@program
def function_gradient_of_another_kind(t):
    class Wrong(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return "gradient"

    Wrong.apply(leaf(t)).sum().backward()
    yield NOT_REACHED


@program
def function_saves_a_number(t):
    class Wrong(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x, 3)
            return x * 2

    Wrong.apply(leaf(t))
    yield NOT_REACHED


# --------------------------------------------------------------------------------------- checkpoint


def checkpoint_module(t: Any) -> Any:
    from importlib import import_module

    return import_module(t.__name__ + ".utils.checkpoint")


def deep(x):
    return (x.sin().exp() * 0.3 + x).cos()


@program
def checkpoint_without_reentry(t):
    checkpoint = checkpoint_module(t).checkpoint
    runs = []

    def noisy(x, *, scale):
        runs.append(1)
        return deep(x) * t.rand(3) * scale

    x = leaf(t)
    t.manual_seed(0)
    y = checkpoint(noisy, x, use_reentrant=False, scale=2.0)
    yield from (y, t.rand(2))
    (g,) = t.autograd.grad(y.sum(), x, create_graph=True)
    yield g
    yield from t.autograd.grad(g.sum(), x)
    yield from (t.rand(2), len(runs))


@program
def checkpoint_with_reentry(t):
    checkpoint = checkpoint_module(t).checkpoint
    x = leaf(t)
    t.manual_seed(0)
    y = checkpoint(lambda x, k: deep(x) * t.rand(3) * k, x * 1, 3, use_reentrant=True)
    yield from (y, t.rand(2), y.grad_fn.name())
    y.sum().backward()
    yield from (x.grad, t.rand(2))
    t.autograd.grad(checkpoint(deep, x, use_reentrant=True).sum(), x)
    yield NOT_REACHED


@program
def checkpoints_nested(t):
    checkpoint = checkpoint_module(t).checkpoint
    runs = []

    def inner(x):
        runs.append(1)
        return deep(x)

    def outer(x):
        a = checkpoint(inner, x.exp(), use_reentrant=False)
        return checkpoint(inner, a.cos(), use_reentrant=True) * a

    x = leaf(t)
    checkpoint(outer, x, use_reentrant=False).sum().backward()
    yield from (x.grad, len(runs))


@program
def checkpoint_sequential_segments(t):
    runs = []

    def step(x):
        runs.append(1)
        return deep(x)

    x = leaf(t)
    y = checkpoint_module(t).checkpoint_sequential([step] * 5, 2, x, use_reentrant=False)
    y.sum().backward()
    yield from (x.grad, len(runs))


@program
def checkpoint_runs_differ(t):
    module = checkpoint_module(t)
    functions = [lambda x: x.exp(), lambda x: x[:2].exp()]
    y = module.checkpoint(lambda x: functions.pop(0)(x), leaf(t), use_reentrant=False)
    try:
        y.sum().backward()
    except module.CheckpointError as error:
        yield ("position 0" in str(error), isinstance(error, RuntimeError))


@program
def checkpoint_early_stop(t):
    module = checkpoint_module(t)
    ends = []

    def function(x):
        y = x.exp() + 1
        ends.append(1)
        return y

    module.checkpoint(function, leaf(t), use_reentrant=False).sum().backward()
    yield len(ends)
    with module.set_checkpoint_early_stop(False):
        y = module.checkpoint(function, leaf(t), use_reentrant=False)
    y.sum().backward()
    yield len(ends)


@program
def checkpoint_argument_written(t):
    y = leaf(t) * 1
    z = checkpoint_module(t).checkpoint(deep, y, use_reentrant=False)
    y.add_(1)
    z.sum().backward()
    yield NOT_REACHED


@program
def checkpoint_selective(t):
    from functools import partial

    module = checkpoint_module(t)

    def policy(ctx, op, *args, **kwargs):
        return module.CheckpointPolicy.MUST_SAVE

    x = leaf(t)
    y = module.checkpoint(
        deep,
        x,
        use_reentrant=False,
        context_fn=partial(module.create_selective_checkpoint_contexts, policy),
    )
    y.sum().backward()
    yield x.grad
