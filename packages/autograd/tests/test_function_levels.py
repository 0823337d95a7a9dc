"""Custom Functions under transforms."""

import numpy as np
import pytest

from lamella_autograd import Function
from lamella_autograd.func import grad, hessian, jvp, vmap
from lamella_core import Tensor, tensor

X = np.array([[0.5, -1.25], [2.0, 1.0], [3.0, -0.5]])


class Cube(Function):
    """``x**3``; its derivative is ten times too large, which tells that it is the one used."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:  # type: ignore[override]
        return tensor(x.numpy() ** 3) if x.numpy(force=True).ndim else x**3

    @staticmethod
    def setup_context(ctx, inputs, output):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, g):  # type: ignore[no-untyped-def, override]
        (x,) = ctx.saved_tensors
        return g * 30 * x**2

    @staticmethod
    def jvp(ctx, t):  # type: ignore[no-untyped-def, override]
        (x,) = ctx.saved_tensors
        return t * 30 * x**2


class Plain(Cube):
    """The same over ops, which can be batched."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:  # type: ignore[override]
        return x**3


def test_gradients_are_the_functions_own() -> None:
    for cls in (Cube, Plain):
        found = grad(lambda a, cls=cls: cls.apply(a).sum())(tensor(X))
        assert np.allclose(found.numpy(), 30 * X**2)
        found = jvp(cls.apply, (tensor(X),), (tensor(X),))[1]
        assert np.allclose(found.numpy(), 30 * X**3)


def test_batches_and_their_gradients() -> None:
    assert np.allclose(vmap(Plain.apply)(tensor(X)).numpy(), X**3)
    each = vmap(grad(lambda a: Plain.apply(a).sum()))
    assert np.allclose(each(tensor(X)).numpy(), 30 * X**2)
    whole = grad(lambda a: vmap(Plain.apply)(a).sum())
    assert np.allclose(whole(tensor(X)).numpy(), 30 * X**2)


def test_second_derivatives_go_through_backward() -> None:
    found = hessian(lambda a: Plain.apply(a).sum())(tensor(X[0]))
    assert np.allclose(found.numpy(), np.diag(60 * X[0]))


def test_a_vmap_of_its_own() -> None:
    seen = []

    class Own(Plain):
        generate_vmap_rule = False

        @staticmethod
        def vmap(info, in_dims, x):  # type: ignore[no-untyped-def, override]
            seen.append((info.batch_size, info.randomness, in_dims))
            return Own.apply(x).t(), 1

    assert np.allclose(vmap(Own.apply)(tensor(X)).numpy(), X**3)
    assert seen == [(3, "error", (0,))]


def test_errors() -> None:
    class OldStyle(Function):
        @staticmethod
        def forward(ctx, x):  # type: ignore[no-untyped-def, override]
            return x * 2

    class NoVmap(Plain):
        generate_vmap_rule = False

    class NoJvp(Plain):
        jvp = Function.jvp

    with pytest.raises(RuntimeError, match="setup_context"):
        vmap(OldStyle.apply)(tensor(X))
    with pytest.raises(RuntimeError, match="does not have vmap support"):
        vmap(NoVmap.apply)(tensor(X))
    with pytest.raises(NotImplementedError, match="jvp"):
        jvp(NoJvp.apply, (tensor(X),), (tensor(X),))
