"""Hooks on tensors, on several tensors, and on nodes."""

from __future__ import annotations

from autograd.programs.listing import NOT_REACHED, leaf, program


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
