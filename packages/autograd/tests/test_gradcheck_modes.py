"""``gradcheck`` of forward mode and of batches: right derivatives pass, wrong ones are told."""

from __future__ import annotations

from typing import Any

import pytest

from lamella_autograd import Function, GradcheckError, gradcheck, gradgradcheck
from lamella_core import Tensor, complex128, float64, tensor


def leaf(*values: float) -> Tensor:
    return tensor(list(values), dtype=float64, requires_grad=True)


class Square(Function):
    """``x**2``, with factors that make its derivatives wrong."""

    forward_factor = 2.0
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:  # type: ignore[override]
        return x * x

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return g * 2 * x

    @classmethod
    def jvp(cls, ctx: Any, t: Any) -> Any:  # type: ignore[override]
        (x,) = ctx.saved_tensors
        return cls.forward_factor * t * x


class WrongForward(Square):
    forward_factor = 3.0


class ValueDependent(Square):
    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return g * 2 * x if float(g.sum()) > -1e9 else g


@pytest.mark.parametrize("fast_mode", [False, True])
def test_what_is_right_passes(fast_mode: bool) -> None:
    def f(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return a.sin() * b.sum(), (a * b).exp()

    options = {"check_batched_grad": True, "fast_mode": fast_mode}
    x, y = leaf(0.5, -1.0), leaf(2.0, 0.25)
    assert gradcheck(f, (x, y), check_forward_ad=True, check_batched_forward_grad=True, **options)
    assert gradcheck(Square.apply, (x,), check_forward_ad=True, **options)
    assert gradcheck(f, (x, y), check_forward_ad=True, check_backward_ad=False)
    assert gradgradcheck(f, (x, y), check_fwd_over_rev=True, **options)


def test_complex_numbers() -> None:
    z = tensor([1 + 2j, 0.5 - 1j], dtype=complex128, requires_grad=True)
    assert gradcheck(
        lambda a: (a * a, abs(a)),
        (z,),
        check_forward_ad=True,
        check_batched_grad=True,
        check_batched_forward_grad=True,
    )


@pytest.mark.parametrize("fast_mode", [False, True])
def test_a_wrong_forward_derivative_is_told(fast_mode: bool) -> None:
    x = leaf(0.5, -1.0)
    with pytest.raises(GradcheckError, match="forward mode mismatch for output 0.*input 0"):
        gradcheck(WrongForward.apply, (x,), check_forward_ad=True, fast_mode=fast_mode)
    assert gradcheck(WrongForward.apply, (x,))
    assert not gradcheck(WrongForward.apply, (x,), check_forward_ad=True, raise_exception=False)


def test_a_backward_that_cannot_be_batched_is_told() -> None:
    with pytest.raises(GradcheckError, match="batched gradients"):
        gradcheck(ValueDependent.apply, (leaf(1.0),), check_batched_grad=True)


def test_what_does_not_go_together() -> None:
    x = leaf(1.0)
    with pytest.raises(AssertionError, match="check_forward_ad"):
        gradcheck(Square.apply, (x,), check_batched_forward_grad=True)
    with pytest.raises(AssertionError, match="check_backward_ad"):
        gradcheck(
            Square.apply,
            (x,),
            check_forward_ad=True,
            check_backward_ad=False,
            check_batched_grad=True,
        )
    with pytest.raises(AssertionError, match="check_rev_over_rev"):
        gradgradcheck(Square.apply, (x,), check_fwd_over_rev=True, check_rev_over_rev=False)
