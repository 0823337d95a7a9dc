"""gradcheck: right functions pass, wrong ones are named."""

from __future__ import annotations

import pytest

import lamella_core as lc
from lamella_autograd import Function, GradcheckError, gradcheck, gradgradcheck


def leaf(*values: complex, dtype=lc.float64):
    return lc.tensor(list(values), dtype=dtype, requires_grad=True)


@pytest.mark.parametrize("fast_mode", [False, True])
def test_right_functions(fast_mode: bool) -> None:
    a, b = leaf(0.3, 0.4), leaf(0.5, -0.4)
    z = leaf(0.3 + 0.2j, 0.4 - 0.1j, dtype=lc.complex128)
    for function, inputs in (
        (lambda a, b: a * b, (a, b)),
        (lambda a, b: (a.exp(), (a * b).sum(), a > 0), (a, b)),
        (lambda z, a: (z * a, z.exp(), z.abs()), (z, a)),
        (lambda z: z.real * z.imag, z),
        (lambda a: a * lc.tensor(1 + 2j), a),
        (lambda a, k: a**k, (a, 3)),
        (lambda a: a[2:], a),
        (lambda a: a.view(1, 2).t(), a),
    ):
        assert gradcheck(function, inputs, fast_mode=fast_mode)
        assert gradgradcheck(function, inputs, fast_mode=fast_mode)
    assert gradgradcheck(lambda a: a**3, a, gen_non_contig_grad_outputs=True)
    assert gradgradcheck(lambda a: a**3, a, lc.ones(2, dtype=lc.float64, requires_grad=True))
    assert a.tolist() == [0.3, 0.4] and a._version == 0


def made(forward, backward):
    class Made(Function):
        pass

    Made.forward = staticmethod(forward)
    Made.backward = staticmethod(backward)
    return Made.apply


tripled = made(lambda ctx, x: x * 2, lambda ctx, g: g * 3)


def test_wrong_derivative_is_shown() -> None:
    with pytest.raises(GradcheckError) as error:
        gradcheck(lambda a, b: (a * 1, tripled(b)), (leaf(1.0), leaf(1.0, 2.0)))
    assert isinstance(error.value, RuntimeError)
    text = str(error.value)
    assert "Jacobian mismatch for output 1 with respect to input 1" in text
    assert "numerical:[[2. 0.]\n [0. 2.]]" in text
    assert "analytical:[[3. 0.]\n [0. 3.]]" in text
    assert "element (0) of the output by element (0) of the input: numerical 1.99999" in text
    assert not gradcheck(tripled, leaf(1.0), raise_exception=False)
    with pytest.raises(GradcheckError, match="(?s)along a random direction.*analytical:"):
        gradcheck(tripled, leaf(1.0, 2.0), fast_mode=True)


def test_wrong_complex_derivative() -> None:
    unconjugated = made(
        lambda ctx, z: (ctx.save_for_backward(z), z * z)[1],
        lambda ctx, g: g * 2 * ctx.saved_tensors[0],
    )
    with pytest.raises(GradcheckError, match="pairs of real and imaginary") as error:
        gradcheck(unconjugated, leaf(1 + 2j, 5 + 7j, dtype=lc.complex128))
    assert "element (1).imag of the output by element (1).real of the input" in str(error.value)


def test_outputs_must_be_tensors() -> None:
    with pytest.raises(TypeError, match="output 1 is of type int"):
        gradcheck(lambda a: (a * 2, 3), leaf(1.0))


def test_wrong_second_derivative() -> None:
    def backward(ctx, g):
        return g * 2 * ctx.saved_tensors[0].detach()

    square = made(lambda ctx, x: (ctx.save_for_backward(x), x * x)[1], backward)
    assert gradcheck(square, leaf(1.0, 2.0))
    with pytest.raises(GradcheckError):
        gradgradcheck(square, leaf(1.0, 2.0))


def test_output_cut_off_from_its_input() -> None:
    with pytest.raises(GradcheckError, match="expected to be zero"):
        gradcheck(lambda a: a.detach() * 2, leaf(1.0))
    assert gradcheck(lambda a: a.detach() * 0, leaf(1.0))


def test_not_reentrant() -> None:
    calls = []

    def backward(ctx, g):
        calls.append(1)
        return g * (2 + 1e-9 * len(calls))

    wobbly = made(lambda ctx, x: x * 2, backward)
    with pytest.raises(GradcheckError, match="not reentrant"):
        gradcheck(wobbly, leaf(1.0))
    assert gradcheck(wobbly, leaf(1.0), nondet_tol=1e-6)


def test_undefined_gradients() -> None:
    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        return x * 1, x * 1, x * 1

    def backward(ctx, a, b, c):
        given = [g for g in (a, b, c) if g is not None]
        return sum(given) + (7 if len(given) == 2 else 0)

    with pytest.raises(GradcheckError, match="without a gradient for output 0"):
        gradcheck(made(forward, backward), leaf(1.0))
    assert gradcheck(made(forward, backward), leaf(1.0), check_undefined_grad=False)

    def careless(ctx, a, b, c):
        return a + b + c if b is None or c is None or a is not None else 1 / 0

    with pytest.raises(TypeError):
        gradcheck(made(forward, careless), leaf(1.0))


def test_gradient_of_zero() -> None:
    offset = made(lambda ctx, x: x * 2, lambda ctx, g: g * 2 + 1e-7)
    with pytest.raises(GradcheckError, match="not multiplied by grad_output"):
        gradcheck(offset, leaf(1.0))


def test_arguments() -> None:
    with pytest.raises(ValueError, match="at least one input tensor"):
        gradcheck(lambda a: a, lc.ones(3))
    with pytest.raises(AssertionError, match="check_backward_ad"):
        gradcheck(lambda a: a * 1, leaf(1.0), check_backward_ad=False)
    with pytest.raises(RuntimeError, match="stride 0"):
        gradcheck(lambda a: a * 1, lc.ones(1).double().expand(3).detach().requires_grad_())
    with pytest.warns(UserWarning, match="not a double precision"):
        gradcheck(lambda a: a * 1, leaf(1.0, dtype=lc.float32), eps=1e-3, atol=1e-2)


def test_gradcheck_is_the_function() -> None:
    import lamella_autograd
    import lamella_autograd.gradcheck

    assert lamella_autograd.gradcheck is gradcheck
