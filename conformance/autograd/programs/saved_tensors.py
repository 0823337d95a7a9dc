"""What the graph saves: hooks on it, attributes of nodes, writes to it."""

from __future__ import annotations

from autograd.programs.listing import NOT_REACHED, leaf, program


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
def version_counted_by_hand(t):
    x = leaf(t)
    y = x * 1
    z = y * y
    t.autograd.graph.increment_version(y)
    yield y._version
    z.sum().backward()
    yield NOT_REACHED


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
