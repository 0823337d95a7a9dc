"""``Function``: its context, its marks, and what it gets wrong."""

from __future__ import annotations

from autograd.programs.listing import NOT_REACHED, leaf, program


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
