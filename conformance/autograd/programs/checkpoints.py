"""``utils.checkpoint``."""

from __future__ import annotations

from typing import Any

from autograd.programs.listing import NOT_REACHED, leaf, program


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
