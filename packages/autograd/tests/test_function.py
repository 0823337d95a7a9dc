"""Function: both styles, what backward may return, writes, second derivatives, memory."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import lamella_core as lc
from lamella_autograd import Function, grad, gradcheck, gradgradcheck, no_grad
from lamella_autograd.function import once_differentiable


def leaf(*values: float):
    return lc.tensor([float(v) for v in values or (1, 2, 3)], dtype=lc.float64, requires_grad=True)


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        out = x**3
        ctx.save_for_backward(x, out)
        return out

    @staticmethod
    def backward(ctx, grad):
        x, out = ctx.saved_tensors
        return grad * 3 * out / x


class CubeInTwo(Function):
    @staticmethod
    def forward(x, power=3):
        return x**power

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, *_ = inputs
        ctx.save_for_backward(x, output)

    @staticmethod
    def backward(ctx, grad):
        x, out = ctx.saved_tensors
        return grad * 3 * out / x, None


@pytest.mark.parametrize("cls", [Cube, CubeInTwo])
def test_both_styles(cls) -> None:
    x = leaf()
    y = cls.apply(x)
    assert y.grad_fn.name() == f"{cls.__name__}Backward"
    assert gradcheck(cls.apply, (x,))
    assert gradgradcheck(cls.apply, (x,))
    (g,) = grad(y.sum(), x, create_graph=True)
    (g,) = grad(g.sum(), x, create_graph=True)
    (g,) = grad(g.sum(), x)
    np.testing.assert_allclose(g.numpy(), [6.0] * 3)


def test_second_pass_is_an_error() -> None:
    y = Cube.apply(leaf()).sum()
    y.backward()
    with pytest.raises(RuntimeError, match=r"a second time \(at CubeBackward\)"):
        y.backward()


def test_not_recorded() -> None:
    with no_grad():
        assert not Cube.apply(leaf()).requires_grad
    assert not Cube.apply(lc.ones(2)).requires_grad


class Several(Function):
    seen: list = []

    @staticmethod
    def forward(ctx, x, k, w, materialize):
        Several.seen.append(ctx.needs_input_grad)
        ctx.set_materialize_grads(materialize)
        places = (x > 1).to(lc.int64)
        half = x * 0.5
        ctx.mark_non_differentiable(places, half)
        return x * k, w * x, places, half

    @staticmethod
    def backward(ctx, a, b, places, half):
        Several.seen.append([None if g is None else g.tolist() for g in (a, b, places, half)])
        return a * 2, None, None, None


def test_context() -> None:
    x, w = leaf(), lc.ones(3, dtype=lc.float64)
    Several.seen.clear()
    a, b, places, half = Several.apply(x, 2, w, False)
    flags = [each.requires_grad for each in (a, b, places, half)]
    assert flags == [True, True, False, False]
    a.sum().backward()
    zeros, ones = [0.0] * 3, [1.0] * 3
    assert Several.seen == [(True, False, False, False), [ones, None, None, None]]
    Several.apply(x, 2, w, True)[0].sum().backward()
    assert Several.seen[-1][:2] == [ones, zeros]
    assert x.grad.tolist() == [4.0] * 3


def with_backward(backward):
    class Made(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

    Made.backward = staticmethod(backward)
    return Made


def test_wrong_gradients() -> None:
    with pytest.raises(RuntimeError, match=r"expected 1, got 2"):
        with_backward(lambda ctx, g: (g, g)).apply(leaf()).sum().backward()
    with pytest.raises(RuntimeError, match=r"got \[2\] but expected shape compatible with \[3\]"):
        with_backward(lambda ctx, g: g[:2]).apply(leaf()).sum().backward()
    with pytest.raises(RuntimeError, match=r"got \[\] but expected shape compatible with \[3\]"):
        with_backward(lambda ctx, g: g.sum()).apply(leaf()).sum().backward()
    with pytest.raises(RuntimeError, match="got float"):
        with_backward(lambda ctx, g: 1.0).apply(leaf()).sum().backward()
    x = leaf()
    with_backward(lambda ctx, g: (g, None, None)).apply(x).sum().backward()
    assert x.grad.tolist() == [1.0] * 3


def test_gradients_are_fitted() -> None:
    """Summed over dimensions that the argument has not, and cast to its type."""
    x = leaf()
    with_backward(lambda ctx, g: g.float().expand(2, 3)).apply(x).sum().backward()
    assert x.grad.dtype == lc.float64 and x.grad.tolist() == [2.0] * 3


def test_no_backward() -> None:
    class Only(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

    y = Only.apply(leaf())
    with pytest.raises(NotImplementedError, match="backward"):
        y.sum().backward()
    with pytest.raises(NotImplementedError, match="forward"):
        Function.apply(leaf())


class Double(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    @staticmethod
    def backward(ctx, g):
        return g * 2


def test_dirty_input() -> None:
    x = leaf()
    y = x * 1
    z = Double.apply(y)
    assert z is y
    (z * z).sum().backward()
    assert x.grad.tolist() == [8.0, 16.0, 24.0]
    with pytest.raises(RuntimeError, match="leaf Variable"):
        Double.apply(leaf())


def test_dirty_view() -> None:
    x = leaf()
    y = x * 1
    Double.apply(y[0:2])
    (y * y).sum().backward()
    assert x.grad.tolist() == [8.0, 16.0, 6.0]


def test_dirty_input_was_saved() -> None:
    y = leaf() * 1
    z = y * y
    Double.apply(y)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_input_returned() -> None:
    class Same(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 5

    x = leaf()
    y = Same.apply(x)
    assert y is not x and not y.is_leaf and x.is_leaf
    y.sum().backward()
    assert x.grad.tolist() == [5.0] * 3


def test_view_returned() -> None:
    class Head(Function):
        @staticmethod
        def forward(ctx, x):
            return x[:2]

        @staticmethod
        def backward(ctx, g):
            return lc.cat([g * 7, g[:1]])

    x = leaf()
    Head.apply(x).sum().backward()
    assert x.grad.tolist() == [7.0, 7.0, 1.0]
    with pytest.raises(RuntimeError, match="Output 0 of HeadBackward is a view"):
        Head.apply(x * 1).mul_(2)


def test_saved_tensor_was_written() -> None:
    y = leaf() * 1
    z = Cube.apply(y)
    y.add_(1)
    with pytest.raises(RuntimeError, match="CubeBackward, is at version 1; expected version 0"):
        z.sum().backward()
    z = Cube.apply(leaf())
    z.mul_(2)
    with pytest.raises(RuntimeError, match="saved tensor 1"):
        z.sum().backward()


def test_save_for_backward_takes_tensors() -> None:
    class Number(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(3)
            return x * 1

    with pytest.raises(TypeError, match="int"):
        Number.apply(leaf())


def test_once_differentiable() -> None:
    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            return g * 2 * ctx.saved_tensors[0]

    x = leaf()
    (g,) = grad((Square.apply(x) * x).sum(), x, create_graph=True)
    assert g.tolist() == [3.0, 12.0, 27.0]
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g.sum().backward()


def test_saved_output_makes_no_cycle() -> None:
    gc.collect()
    gc.disable()
    try:
        for cls in (Cube, CubeInTwo):
            y = cls.apply(leaf())
            node, tensor = weakref.ref(y.grad_fn), weakref.ref(y)
            del y
            assert node() is None and tensor() is None
    finally:
        gc.enable()


def test_attributes_of_the_context() -> None:
    class Scaled(Function):
        @staticmethod
        def forward(ctx, x, factor):
            ctx.factor = factor
            return x * factor

        @staticmethod
        def backward(ctx, g):
            return g * ctx.factor, None

    x = leaf()
    y = Scaled.apply(x, 4)
    y.grad_fn.metadata["note"] = 1
    y.sum().backward()
    assert x.grad.tolist() == [4.0] * 3


def test_vjp_is_another_name_of_backward() -> None:
    class Triple(Function):
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

    x = leaf()
    Triple.apply(x).sum().backward()
    assert x.grad.tolist() == [3.0] * 3
    with pytest.raises(RuntimeError, match="both 'backward' and 'vjp'"):
        Both.apply(x).sum().backward()


def test_arguments_by_name_and_defaults() -> None:
    seen = []

    class Scale(Function):
        @staticmethod
        def forward(x, factor=3):
            return x * factor

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.factor = inputs[1]

        @staticmethod
        def backward(ctx, g):
            seen.append(ctx.needs_input_grad)
            return g * ctx.factor, None

    x = leaf()
    (Scale.apply(x) + Scale.apply(x, factor=5)).sum().backward()
    assert x.grad.tolist() == [8.0] * 3
    assert seen == [(True, False)] * 2
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        Cube.apply(x, other=1)


def test_what_is_no_tensor_passes_through() -> None:
    class Mixed(Function):
        @staticmethod
        def forward(ctx, x, result):
            return result(x)

        @staticmethod
        def backward(ctx, *grads):
            return grads[0], None

    x = leaf()
    y, word = Mixed.apply(x, lambda x: (x * 1, "word"))
    assert word == "word" and y.requires_grad
    assert Mixed.apply(x, lambda x: 3) == 3
    (inside,) = Mixed.apply(x, lambda x: [x * 1])
    assert not inside.requires_grad


def test_instances_are_refused() -> None:
    with pytest.warns(DeprecationWarning, match="should not be instantiated"):
        instance = Cube()
    with pytest.raises(RuntimeError, match="non-static forward"):
        instance(leaf())


def test_marks_take_tensors_that_are_returned() -> None:
    def marking(mark, returns):
        class Marked(Function):
            @staticmethod
            def forward(ctx, x):
                mark(ctx, x)
                return returns(x)

        return Marked

    with pytest.raises(RuntimeError, match="mark_dirty can only accept variables, but argument 1"):
        marking(lambda ctx, x: ctx.mark_dirty(x, 3), lambda x: x).apply(leaf() * 1)
    with pytest.raises(RuntimeError, match="mark_non_differentiable can only accept variables"):
        marking(lambda ctx, x: ctx.mark_non_differentiable(3), lambda x: x).apply(leaf() * 1)
    with pytest.raises(RuntimeError, match="marked as dirty .* not returned"):
        marking(lambda ctx, x: ctx.mark_dirty(x), lambda x: x * 1).apply(leaf() * 1)


def test_gradient_where_there_was_no_tensor() -> None:
    class Scale(Function):
        @staticmethod
        def forward(ctx, x, factor):
            return x * factor

        @staticmethod
        def backward(ctx, g):
            return g, g

    with pytest.raises(RuntimeError, match="different than None at position 2"):
        Scale.apply(leaf(), 2).sum().backward()


def test_node_is_named_after_the_function() -> None:
    node = Cube.apply(leaf()).grad_fn
    assert type(node).__name__ == node.name() == "CubeBackward"
    assert repr(node).startswith("<torch.autograd.function.CubeBackward object at")
    assert node.needs_input_grad == (True,)
