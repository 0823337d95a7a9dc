"""The backward pass: roots, inputs, freed graphs, names of nodes."""

from __future__ import annotations

from autograd.programs.listing import NOT_REACHED, leaf, program


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
def threads_switch(t):
    yield t.autograd.is_multithreading_enabled()
    with t.autograd.set_multithreading_enabled(False):
        yield t.autograd.is_multithreading_enabled()
        x = leaf(t)
        (x * 2).sum().backward()
        yield x.grad
    yield t.autograd.is_multithreading_enabled()
