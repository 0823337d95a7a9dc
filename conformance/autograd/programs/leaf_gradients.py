"""What arrives in ``.grad``: sharing, layout, types."""

from __future__ import annotations

from autograd.programs.listing import NOT_REACHED, leaf, program


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
