"""``checkpoint``: the gradients are those without it, and what it saves is not kept."""

from __future__ import annotations

import weakref
from functools import partial

import numpy as np
import pytest

import lamella_core as lc
from lamella_autograd import Function, backward, grad, graph
from lamella_autograd import checkpoint as module
from lamella_autograd.checkpoint import (
    CheckpointError,
    CheckpointPolicy,
    checkpoint,
    checkpoint_sequential,
    create_selective_checkpoint_contexts,
    set_checkpoint_debug_enabled,
    set_checkpoint_early_stop,
)
from lamella_autograd.observing import observing

BOTH = pytest.mark.parametrize("reentrant", [True, False])


def leaf(*values: float):
    return lc.tensor([float(v) for v in values or (1, 2, 3)], requires_grad=True)


class Counted:
    """A function that knows how often it ran."""

    def __init__(self, function):
        self.function = function
        self.runs = 0

    def __call__(self, *args, **kwargs):
        self.runs += 1
        return self.function(*args, **kwargs)


def deep(x, factor=2):
    return ((x * factor).sin().exp() * x).tanh()


@BOTH
def test_gradients_are_the_same(reentrant) -> None:
    x, y = leaf(), leaf()
    deep(x * 1).sum().backward()
    run = Counted(deep)
    checkpoint(run, y * 1, use_reentrant=reentrant).sum().backward()
    assert y.grad.tolist() == x.grad.tolist()
    assert run.runs == 2


@BOTH
def test_what_it_saves_is_not_kept(reentrant) -> None:
    made = []

    def function(x):
        y = x.exp()
        made.append(weakref.ref(y._array))
        return y.sin()

    x = leaf()
    z = checkpoint(function, x, use_reentrant=reentrant)
    assert made[0]() is None
    z.sum().backward()
    assert [each() for each in made] == [None, None]


def test_the_places_die_with_the_graph() -> None:
    x = leaf()
    held = lc.ones(3)
    alive = weakref.ref(held)
    z = checkpoint(lambda x, h: (x * h).exp(), x, held, use_reentrant=False)
    del held
    assert alive() is not None
    z.sum().backward()
    assert alive() is None


@BOTH
def test_random_numbers_are_the_same(reentrant) -> None:
    def noisy(x):
        return x * lc.rand(3) + lc.randn(3)

    x, y = leaf(), leaf()
    lc.manual_seed(0)
    noisy(x).sum().backward()
    expected = lc.rand(2)
    lc.manual_seed(0)
    z = checkpoint(noisy, y, use_reentrant=reentrant)
    assert lc.rand(2).tolist() == expected.tolist()
    before = lc.get_rng_state()
    z.sum().backward()
    assert y.grad.tolist() == x.grad.tolist()
    assert lc.get_rng_state().tolist() == before.tolist()


def test_random_numbers_left_alone() -> None:
    x = leaf()
    z = checkpoint(lambda x: x * lc.rand(3), x, use_reentrant=False, preserve_rng_state=False)
    noise = (z.detach() / x.detach()).tolist()
    z.sum().backward()
    assert x.grad.tolist() != pytest.approx(noise)


def test_outputs_arguments_and_containers() -> None:
    x, w = leaf(), leaf()

    def function(pair, *, scale):
        a, b = pair
        return {"sum": (a * b).exp() * scale, "product": a.sin() * b}

    found = checkpoint(function, (x, w), scale=0.1, use_reentrant=False)
    got = grad((found["sum"] + found["product"]).sum(), [x, w])
    plain = function((x, w), scale=0.1)
    expected = grad((plain["sum"] + plain["product"]).sum(), [x, w])
    assert [g.tolist() for g in got] == [e.tolist() for e in expected]


def test_reentrant_with_several_outputs_and_other_arguments() -> None:
    x = leaf()

    def function(x, power, flag):
        return x**power, x.detach(), "word" if flag else None

    y, apart, word = checkpoint(function, x, 3, True, use_reentrant=True)
    assert word == "word"
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 12.0, 27.0]


def test_second_derivative() -> None:
    x = leaf()
    (first,) = grad(checkpoint(deep, x, use_reentrant=False).sum(), x, create_graph=True)
    (second,) = grad(first.sum(), x)
    (expected,) = grad(deep(x).sum(), x, create_graph=True)
    assert first.tolist() == pytest.approx(expected.tolist())
    assert second.tolist() == pytest.approx(grad(expected.sum(), x)[0].tolist())


def test_several_passes() -> None:
    x = leaf()
    run = Counted(deep)
    y = checkpoint(run, x, use_reentrant=False).sum()
    backward(y, retain_graph=True)
    backward(y)
    assert run.runs == 3
    with pytest.raises(RuntimeError, match="a second time"):
        backward(y)


@pytest.mark.parametrize("inner", [True, False])
def test_nested(inner) -> None:
    x, y = leaf(), leaf()
    run = Counted(deep)

    def outer(x):
        a = x.exp().sin()
        b = checkpoint(run, a * a, use_reentrant=inner)
        return checkpoint(deep, b.cos(), use_reentrant=False) * b

    def plain(x):
        a = x.exp().sin()
        b = deep(a * a)
        return deep(b.cos()) * b

    checkpoint(outer, x, use_reentrant=False).sum().backward()
    plain(y).sum().backward()
    assert x.grad.tolist() == pytest.approx(y.grad.tolist())
    assert run.runs == 3


def test_arguments_of_an_inner_checkpoint_are_not_kept() -> None:
    made = []

    def outer(x):
        a = x.exp()
        made.append(weakref.ref(a._array))
        return checkpoint(deep, a, use_reentrant=False)

    z = checkpoint(outer, leaf(), use_reentrant=False)
    assert made[0]() is None
    z.sum().backward()


def test_backward_inside() -> None:
    x = leaf()

    def function(x):
        y = x.exp()
        (inner,) = grad(y.sum(), x, create_graph=True)
        return inner * x

    checkpoint(function, x, use_reentrant=False).sum().backward()
    expected = leaf()
    function(expected).sum().backward()
    assert x.grad.tolist() == expected.grad.tolist()


def test_early_stop() -> None:
    ends = []

    def function(x):
        y = x.exp()
        z = y + 1
        ends.append("end")
        return z

    def ends_of(**options):
        ends.clear()
        checkpoint(function, leaf(), use_reentrant=False, **options).sum().backward()
        return len(ends)

    assert ends_of() == 1
    assert ends_of(early_stop=False) == 2
    with set_checkpoint_early_stop(False):
        assert ends_of() == 2
    with set_checkpoint_early_stop(True):
        assert ends_of(early_stop=False) == 1


def changing(*functions):
    remaining = list(functions)
    return lambda x: remaining.pop(0)(x)


def test_runs_that_differ() -> None:
    def end(*functions, **options):
        checkpoint(changing(*functions), leaf(), use_reentrant=False, **options).sum().backward()

    with pytest.raises(CheckpointError, match="during forward: 2\n.*recomputation: 1"):
        end(lambda x: x.exp().sin(), lambda x: x.exp())
    with pytest.raises(CheckpointError, match="more tensors during recomputation"):
        end(lambda x: x.exp(), lambda x: x.exp().exp(), early_stop=False)
    with pytest.raises(CheckpointError, match=r"position 0:\nsaved .*\[3\].*\nrecomputed .*\[2\]"):
        end(lambda x: x.exp(), lambda x: x[:2].exp())
    with pytest.raises(RuntimeError, match="must match"):
        end(lambda x: x.exp(), lambda x: x[:2].exp(), determinism_check="none")
    ops = "original forward:\n *exp\\(\\[3\\]\\)\nops of the recomputation:\n.*\n *sin\\(\\[2\\]\\)"
    with pytest.raises(CheckpointError, match=ops):
        end(lambda x: x.exp(), lambda x: x[:2].sin(), debug=True)
    traces = (
        r"stack traces of the original forward:\n(.*\n)* *exp\(\[3\]\)   \(\d of \d\)\n"
        r" *\S*test_checkpoint.py:\d+, in <lambda>\n(.*\n)*stack traces of the recomputation:\n"
    )
    with pytest.raises(CheckpointError, match=traces):
        end(lambda x: x.exp(), lambda x: x[:2].sin(), debug=True)
    with set_checkpoint_debug_enabled(True), pytest.raises(CheckpointError, match=ops):
        end(lambda x: x.exp(), lambda x: x[:2].sin())


def test_argument_that_was_written() -> None:
    for reentrant in (True, False):
        y = leaf() * 1
        z = checkpoint(deep, y, use_reentrant=reentrant)
        y.add_(1)
        with pytest.raises(RuntimeError, match="version 1; expected version 0"):
            z.sum().backward()


def test_contexts() -> None:
    entered = []

    class Noting:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            entered.append(self.name)

        def __exit__(self, *exc):
            pass

    z = checkpoint(
        deep, leaf(), use_reentrant=False, context_fn=lambda: (Noting("first"), Noting("again"))
    )
    assert entered == ["first"]
    z.sum().backward()
    assert entered == ["first", "again"]


def test_reentrant_errors() -> None:
    x = leaf()
    with pytest.raises(ValueError, match="Unexpected keyword arguments: factor"):
        checkpoint(deep, x, use_reentrant=True, factor=3)
    with pytest.raises(ValueError, match="only supported when use_reentrant=False"):
        checkpoint(deep, x, use_reentrant=True, debug=True)
    with pytest.raises(RuntimeError, match="incompatible with .grad"):
        grad(checkpoint(deep, x, use_reentrant=True).sum(), x)
    with pytest.raises(RuntimeError, match="none of output has requires_grad"):
        checkpoint(lambda x: x.detach(), x, use_reentrant=True).sum().backward()
    with pytest.warns(UserWarning, match="Gradients will be None"):
        checkpoint(deep, x.detach(), use_reentrant=True)
    with pytest.warns(UserWarning, match="use_reentrant parameter explicitly"):
        checkpoint(deep, x)
    with pytest.raises(ValueError, match="should be one of"):
        checkpoint(deep, x, use_reentrant=False, determinism_check="some")


@BOTH
def test_sequential(reentrant) -> None:
    runs = [Counted(deep) for _ in range(5)]
    x, y = leaf(), leaf()
    checkpoint_sequential(runs, 2, x, use_reentrant=reentrant).sum().backward()
    z = y
    for _ in runs:
        z = deep(z)
    z.sum().backward()
    assert x.grad.tolist() == pytest.approx(y.grad.tolist())
    assert [each.runs for each in runs] == [2, 2, 1, 1, 1]
    with pytest.raises(ValueError, match="5 segments, but only 2"):
        checkpoint_sequential([deep, deep], 5, x, use_reentrant=reentrant)


def test_group_of_passes_recomputes_once() -> None:
    def passes_of(run):
        x, y = leaf(), leaf()
        a, b = checkpoint(lambda x, y: run(x, y), x, y, use_reentrant=False)
        a.sum().backward()
        b.sum().backward()
        return x.grad.tolist(), y.grad.tolist()

    def pair(x, y):
        return x.exp(), y.exp()

    alone, together = Counted(pair), Counted(pair)
    expected = passes_of(alone)
    with module.GraphExecGroup():
        assert passes_of(together) == expected
    assert (alone.runs, together.runs) == (3, 2)


class CountOps:
    """Counts the kernels that run, by the names of their ops."""

    def __init__(self):
        self.counts = {}
        self.context = observing(self.note)

    def note(self, op, below, args):
        self.counts[op.name] = self.counts.get(op.name, 0) + 1
        return below(*args)


@pytest.mark.parametrize("given", ["list", "function", "offload"])
def test_selective(given) -> None:
    def function(x, w):
        return (x @ w).sin().exp() @ w

    def policy(ctx, op, *args):
        assert isinstance(ctx.op_output, lc.Tensor) and not ctx.is_recompute
        if op is not lc.matmul:
            return CheckpointPolicy.PREFER_RECOMPUTE
        offload = given == "offload"
        return CheckpointPolicy.MUST_CPU_OFFLOAD if offload else CheckpointPolicy.MUST_SAVE

    x, w = lc.eye(3).requires_grad_(), (lc.eye(3) * 2).requires_grad_()
    choice = [lc.matmul] if given == "list" else policy
    z = checkpoint(
        function,
        x,
        w,
        use_reentrant=False,
        early_stop=False,
        context_fn=partial(create_selective_checkpoint_contexts, choice),
    )
    seen = []
    counter = CountOps()
    with graph.register_multi_grad_hook((x, w), seen.append), counter.context:
        grads = grad(z.sum(), [x, w])
    expected = grad(function(x, w).sum(), [x, w])
    for got, want in zip(grads, expected, strict=True):
        np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-6)
    assert counter.counts["sin"] == counter.counts["exp"] == 1
    plain = CountOps()
    with plain.context:
        grad(checkpoint(function, x, w, use_reentrant=False, early_stop=False).sum(), [x, w])
    # The plain one runs the function twice here, with two products each; the other, not at all.
    assert plain.counts["matmul"] - counter.counts.get("matmul", 0) == 4


def test_selective_result_that_was_written() -> None:
    def run(**options):
        context_fn = partial(create_selective_checkpoint_contexts, [lc.exp], **options)
        x = leaf()
        z = checkpoint(lambda x: x.exp(), x, use_reentrant=False, context_fn=context_fn)
        z.detach().mul_(2)
        z.sum().backward()
        return x.grad.tolist()

    with pytest.raises(RuntimeError, match="has been mutated"):
        run()
    assert run(allow_cache_entry_mutation=True) == pytest.approx(
        [2 * value for value in leaf().exp().tolist()]
    )
    with pytest.raises(TypeError, match="has to hold functions"):
        create_selective_checkpoint_contexts([3])
    with pytest.raises(TypeError, match="either a function or a list"):
        create_selective_checkpoint_contexts(3)


def test_a_function_of_the_users_saves_through_it() -> None:
    class Cube(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 3 * x * x

    x = leaf()
    checkpoint(lambda x: Cube.apply(x * 2).sin(), x, use_reentrant=False).sum().backward()
    y = leaf()
    Cube.apply(y * 2).sin().sum().backward()
    assert x.grad.tolist() == y.grad.tolist()
