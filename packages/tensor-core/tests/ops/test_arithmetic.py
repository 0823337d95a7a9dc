"""Arithmetic functions. Values by Python, NumPy and the definitions; types, edge cases and refusals
were recorded from PyTorch 2.13 on CPU."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lamella_core as lc

INF, NAN = float("inf"), float("nan")
A = np.array([[1.5, -2.0, 0.25], [3.0, -0.5, 7.0]], np.float64)
B = np.array([[2.0, -0.75, 4.0], [0.5, 3.0, -1.25]], np.float64)


def both() -> tuple[lc.Tensor, lc.Tensor]:
    return lc.from_numpy(A.copy()), lc.from_numpy(B.copy())


def test_alpha() -> None:
    a, b = both()
    np.testing.assert_allclose(lc.add(a, b, alpha=2.5).numpy(), A + 2.5 * B)
    np.testing.assert_allclose(a.sub(b, alpha=2.5).numpy(), A - 2.5 * B)
    np.testing.assert_allclose(lc.rsub(a, b, alpha=2.5).numpy(), B - 2.5 * A)
    assert lc.add(lc.tensor([1]), 2, alpha=3).tolist() == [7]
    assert a.add_(b, alpha=-1) is a
    np.testing.assert_allclose(a.numpy(), A - B)
    a.sub_(b, alpha=2)
    np.testing.assert_allclose(a.numpy(), A - 3 * B)


def test_alpha_is_applied_in_the_common_type() -> None:
    result = lc.add(lc.tensor([0.5], dtype=lc.float64), lc.tensor([3]), alpha=0.1)
    assert result.tolist() == [0.5 + 3 * 0.1]
    assert lc.tensor([True]).add(lc.tensor([True]), alpha=False).tolist() == [True]
    assert lc.tensor([False]).add(lc.tensor([True]), alpha=False).tolist() == [False]


def test_half_precision_rounds_alpha_and_then_the_sum_alone() -> None:
    # Recorded from PyTorch: 27.25 with an exact alpha, or with the product rounded, too.
    a = lc.full((64,), 21.0, dtype=lc.bfloat16)
    out = lc.empty(64, dtype=lc.bfloat16)
    for got in (
        lc.add(a, a, alpha=0.3),
        lc.sub(a, a, alpha=-0.3, out=out),
        lc.rsub(a, a, alpha=-0.3),
        a.clone().add_(a, alpha=0.3),
        a.clone().sub_(a, alpha=-0.3),
    ):
        assert got.dtype is lc.bfloat16
        assert got.tolist() == [27.375] * 64


@pytest.mark.parametrize("kind", ["uint8", "int8", "int64"])
def test_alpha_of_many_integers_wraps_around(kind: str) -> None:
    many = (np.arange(300_000) % 256).astype(kind)
    a, b = lc.tensor(many), lc.tensor(many[::-1].copy())
    factor, other = np.array(3, kind), many[::-1]
    np.testing.assert_array_equal(lc.add(a, b, alpha=3).numpy(), many + factor * other)
    np.testing.assert_array_equal(lc.sub(a, b, alpha=3).numpy(), many - factor * other)
    np.testing.assert_array_equal(lc.rsub(a, b, alpha=3).numpy(), other - factor * many)
    np.testing.assert_array_equal(a.clone().sub_(b, alpha=3).numpy(), many - factor * other)
    with pytest.raises(RuntimeError, match="alpha must not be a floating point number"):
        lc.add(a, b, alpha=1.5)
    with pytest.raises(RuntimeError, match="Boolean alpha only supported"):
        lc.add(a, b, alpha=True)


def test_ldexp_of_many() -> None:
    x, e = np.linspace(-3, 3, 200_000), np.arange(200_000) % 40 - 20
    found = lc.ldexp(lc.tensor(x), lc.tensor(e.astype(np.float64))).numpy()
    np.testing.assert_array_equal(found, np.ldexp(x, e))


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float32", "float64"])
def test_ldexp_by_integers_keeps_the_type_and_goes_beyond_it(kind: str) -> None:
    """2 ** 200 and 2 ** -200 are not in float32; the products of the first and last are."""
    own = getattr(lc, kind)
    x = lc.tensor([2.0**-10, 0.0, math.inf, 3.0], dtype=own)
    found = lc.ldexp(x, lc.tensor([12, 2000, -2000, -3], dtype=lc.int16))
    assert found.dtype is own and found.tolist() == [4.0, 0.0, math.inf, 0.375]
    assert x.clone().ldexp_(lc.tensor(1)).dtype is own
    if kind != "float16":
        ends = lc.tensor([2.0**-120, 2.0**120], dtype=own)
        assert lc.ldexp(ends, lc.tensor([200, -200])).tolist() == [2.0**80, 2.0**-80]


def test_alpha_of_too_high_a_category() -> None:
    with pytest.raises(RuntimeError, match="alpha must not be a floating point number"):
        lc.add(lc.tensor([1]), 1, alpha=1.5)
    with pytest.raises(RuntimeError, match="alpha must not be a complex number"):
        lc.add(lc.tensor([1.0]), 1, alpha=1j)
    with pytest.raises(RuntimeError, match="Boolean alpha"):
        lc.add(lc.tensor([1.0]), 1, alpha=True)


def test_a_number_first() -> None:
    a = lc.tensor([2.0, 4.0])
    assert lc.add(1, a).tolist() == [3.0, 5.0]
    assert lc.sub(1, a).tolist() == [-1.0, -3.0]
    assert lc.mul(3, a).tolist() == [6.0, 12.0]
    assert lc.div(1, a).tolist() == [0.5, 0.25]
    assert lc.remainder(5, a).tolist() == [1.0, 1.0]


def test_out() -> None:
    a, b = both()
    out = lc.empty(2, 3, dtype=lc.float64)
    assert lc.add(a, b, out=out) is out
    np.testing.assert_array_equal(out.numpy(), A + B)
    lc.add(a, b, alpha=2, out=out)
    np.testing.assert_array_equal(out.numpy(), A + 2 * B)
    with pytest.raises(RuntimeError, match="can't be cast"):
        lc.add(a, b, out=lc.empty(2, 3, dtype=lc.int64))


def test_rounded_quotients() -> None:
    a, b = lc.tensor([7, -7, 8, -8]), lc.tensor([2, 2, -3, -3])
    assert lc.div(a, b, rounding_mode="trunc").tolist() == [3, -3, -2, 2]
    assert lc.div(a, b, rounding_mode="floor").tolist() == [3, -4, -3, 2]
    assert lc.div(a, b, rounding_mode="trunc").dtype is lc.int64
    x, y = both()
    np.testing.assert_array_equal(lc.div(x, y, rounding_mode="trunc").numpy(), np.trunc(A / B))
    assert x.div_(y, rounding_mode="floor") is x
    np.testing.assert_array_equal(x.numpy(), np.floor(A / B))
    with pytest.raises(RuntimeError, match="rounding_mode to be one of None, 'trunc', or 'floor'"):
        lc.div(a, b, rounding_mode="up")
    assert lc.true_divide(a, b).tolist() == [3.5, -3.5, pytest.approx(-8 / 3), pytest.approx(8 / 3)]


def test_fmod_has_the_sign_of_the_dividend() -> None:
    assert lc.fmod(lc.tensor([7, -7]), lc.tensor([-3, 3])).tolist() == [1, -1]
    a, b = both()
    np.testing.assert_allclose(lc.fmod(a, b).numpy(), np.fmod(A, B))


def test_roots_and_squares() -> None:
    a = lc.tensor([4.0, 0.0, -1.0])
    root = lc.sqrt(a).tolist()
    assert root[:2] == [2.0, 0.0]
    assert math.isnan(root[2])
    assert lc.rsqrt(a).tolist()[:2] == [0.5, INF]
    assert lc.rsqrt(lc.tensor(4.0)).item() == 0.5
    assert lc.sqrt(lc.tensor([9])).dtype is lc.float32
    assert lc.sqrt(lc.tensor([-4 + 0j])).tolist() == [2j]
    assert lc.square(lc.tensor([-3, 2])).tolist() == [9, 4]
    assert lc.square(lc.tensor([True])).dtype is lc.int64
    assert a.square_() is a
    assert a.tolist() == [16.0, 0.0, 1.0]


def test_float_power() -> None:
    result = lc.float_power(lc.tensor([2, 3]), -1)
    assert result.dtype is lc.float64
    assert result.tolist() == [0.5, 1 / 3]
    assert lc.float_power(2, lc.tensor([0.5])).tolist() == [2**0.5]
    assert lc.float_power(lc.tensor([1j], dtype=lc.complex64), 2).dtype is lc.complex128
    with pytest.raises(RuntimeError, match="requires dtype Double"):
        lc.float_power(lc.tensor([2.0]), 2, out=lc.empty(1))
    with pytest.raises(RuntimeError, match="requires dtype Double"):
        lc.tensor([2.0]).float_power_(2)


def test_hypot_ldexp_frexp() -> None:
    assert lc.hypot(lc.tensor([3.0, 1e30]), lc.tensor([4.0, 1e30])).tolist() == pytest.approx(
        [5.0, math.sqrt(2) * 1e30]
    )
    assert lc.ldexp(lc.tensor([1.5, 3.0]), lc.tensor([3, -1])).tolist() == [12.0, 1.5]
    mantissa, exponent = lc.frexp(lc.tensor([8.0, 0.3125, 0.0]))
    assert mantissa.tolist() == [0.5, 0.625, 0.0]
    assert exponent.tolist() == [4, -1, 0]
    assert exponent.dtype is lc.int32
    assert lc.frexp(lc.tensor([8.0])).mantissa.tolist() == [0.5]
    with pytest.raises(RuntimeError, match="only supports floating-point"):
        lc.frexp(lc.tensor([8]))


@pytest.mark.parametrize("weight", [0.0, 0.25, 0.75, 1.0])
def test_lerp(weight: float) -> None:
    a, b = both()
    expected = A + weight * (B - A)
    np.testing.assert_allclose(lc.lerp(a, b, weight).numpy(), expected)
    weights = lc.full((2, 3), weight, dtype=lc.float64)
    np.testing.assert_allclose(lc.lerp(a, b, weights).numpy(), expected)
    assert a.lerp_(b, weight) is a
    np.testing.assert_allclose(a.numpy(), expected)


def test_lerp_reaches_the_end_exactly() -> None:
    a, b = lc.tensor([1e8]), lc.tensor([0.1])
    assert lc.lerp(a, b, 1.0).tolist() == b.tolist()
    with pytest.raises(RuntimeError, match="expected dtype torch.float32 for `end`"):
        lc.lerp(a, b.double(), 0.5)
    with pytest.raises(NotImplementedError, match="not implemented for 'Long'"):
        lc.lerp(lc.tensor([1]), lc.tensor([2]), 0.5)


def test_addcmul_addcdiv() -> None:
    a, b = both()
    c = lc.full((1, 3), 3.0, dtype=lc.float64)
    np.testing.assert_allclose(lc.addcmul(a, b, c, value=0.5).numpy(), A + 0.5 * B * 3)
    np.testing.assert_allclose(lc.addcdiv(a, b, c, value=0.5).numpy(), A + 0.5 * B / 3)
    a.addcmul_(b, b, value=-1).addcdiv_(b, c)
    np.testing.assert_allclose(a.numpy(), A - B * B + B / 3)
    ones = lc.tensor([1])
    assert lc.addcmul(ones, ones, ones, value=2).tolist() == [3]
    with pytest.raises(RuntimeError, match="Integer division with addcdiv"):
        lc.addcdiv(ones, ones, ones)


def test_signs() -> None:
    a = lc.tensor([-2.0, -0.0, 0.0, 5.0, NAN])
    assert lc.sign(a).tolist() == [-1.0, 0.0, 0.0, 1.0, 0.0]
    assert lc.signbit(a).tolist()[:4] == [True, True, False, False]
    assert lc.sign(lc.tensor([True, False])).tolist() == [True, False]
    assert lc.sgn(lc.tensor([3 + 4j, 0j])).tolist() == pytest.approx([0.6 + 0.8j, 0j])
    with pytest.raises(NotImplementedError):
        lc.sign(lc.tensor([1j]))
    result = lc.copysign(lc.tensor([1, -2]), lc.tensor([-0.0, 0.0]))
    assert result.tolist() == [-1.0, 2.0]
    assert lc.copysign(lc.tensor([1, 2]), -1).dtype is lc.float32


def test_angle() -> None:
    assert lc.angle(lc.tensor([1j, -1 + 0j])).tolist() == pytest.approx([math.pi / 2, math.pi])
    result = lc.angle(lc.tensor([-1.0, 1.0, NAN])).tolist()
    assert result[:2] == pytest.approx([math.pi, 0.0])
    assert math.isnan(result[2])
    assert lc.angle(lc.tensor([-1])).dtype is lc.float32


def test_heaviside() -> None:
    a = lc.tensor([-1.0, 0.0, 2.0, NAN])
    assert lc.heaviside(a, lc.tensor([0.5])).tolist() == [0.0, 0.5, 1.0, 0.0]
    with pytest.raises(RuntimeError, match="different dtypes"):
        lc.heaviside(a, lc.tensor([1]))
    with pytest.raises(RuntimeError, match="complex"):
        lc.heaviside(lc.tensor([1j]), lc.tensor([1j]))


def test_nextafter() -> None:
    one, two = lc.tensor([1.0]), lc.tensor([2.0])
    assert lc.nextafter(one, two).tolist() == [1 + 2.0**-23]
    with pytest.raises(NotImplementedError, match="'Long'"):
        lc.nextafter(lc.tensor([1]), lc.tensor([2]))


def test_divisors() -> None:
    a, b = [12, -12, 0, 7], [18, 18, 0, 0]
    divisors = lc.gcd(lc.tensor(a), lc.tensor(b)).tolist()
    assert divisors == [math.gcd(x, y) for x, y in zip(a, b, strict=True)]
    multiples = lc.lcm(lc.tensor(a), lc.tensor(b)).tolist()
    assert multiples == [math.lcm(x, y) for x, y in zip(a, b, strict=True)]
    with pytest.raises(NotImplementedError, match="'Float'"):
        lc.gcd(lc.tensor([1.0]), lc.tensor([2.0]))


def test_conjugates() -> None:
    z = lc.tensor([1 + 2j])
    assert lc.conj(z).tolist() == [1 - 2j]
    assert lc.conj_physical(z).tolist() == [1 - 2j]
    real = lc.tensor([1.0])
    assert lc.conj(real) is real


def test_other_names() -> None:
    a, b = both()
    for name, other in (
        ("multiply", "mul"),
        ("subtract", "sub"),
        ("divide", "div"),
        ("true_divide", "div"),
    ):
        expected = getattr(lc, other)(a, b).numpy()
        np.testing.assert_array_equal(getattr(lc, name)(a, b).numpy(), expected)
        np.testing.assert_array_equal(getattr(a, name)(b).numpy(), expected)
        np.testing.assert_array_equal(getattr(a.clone(), f"{name}_")(b).numpy(), expected)
    np.testing.assert_array_equal(lc.negative(a).numpy(), -A)
    np.testing.assert_array_equal(a.clone().absolute_().numpy(), np.abs(A))


@pytest.mark.parametrize("size", [3, 300, 5000])
@pytest.mark.parametrize("dtype", [lc.float16, lc.float32, lc.float64, lc.complex128, lc.int64])
def test_keep_where(size: int, dtype: lc.dtype.dtype) -> None:
    from lamella_core.ops.arithmetic import keep_where

    rng = np.random.default_rng(0)
    mask = rng.random(size) < 0.5
    values = rng.integers(1, 9, size)
    kept = keep_where(lc.from_numpy(values).to(dtype), lc.from_numpy(mask))
    np.testing.assert_array_equal(kept.numpy(), np.where(mask, values, 0))
    infinite = lc.full((size,), INF)
    dropped = keep_where(infinite, lc.zeros(size, dtype=lc.bool))
    assert not dropped.any()


def test_numbers_of_another_kind_keep_the_type() -> None:
    x = lc.tensor([1.0, 2.0])
    assert lc.xlogy(x, 3).numpy().dtype == np.float32
    assert lc.xlogy(x, 3).tolist() == pytest.approx([np.log(3), 2 * np.log(3)])
    z = lc.tensor([1 + 1j], dtype=lc.complex64)
    got = lc.lerp(z, 2 * z, 0.25j).numpy()
    assert got.dtype == np.complex64
    np.testing.assert_allclose(got, [0.75 + 1.25j])


def test_the_target_is_looked_at_before_the_operands() -> None:
    x, z = lc.tensor([1.0]), lc.tensor([1j])
    for call in (
        lambda: x.fmod_(z),
        lambda: lc.fmod(x, z, out=lc.zeros(1)),
        lambda: lc.tensor(1.0).fmod_(lc.tensor([1j, 1j])),
    ):
        with pytest.raises(RuntimeError) as error:
            call()
        assert error.type is RuntimeError
    with pytest.raises(NotImplementedError):
        z.fmod_(x)
    with pytest.raises(RuntimeError, match="Integer division"):
        lc.addcdiv(x, lc.tensor([1]), lc.tensor([2]))


def test_the_least_integers() -> None:
    least = -(2**63)
    n = lc.tensor([least, 2, -1, 1])
    assert lc.pow(n, lc.tensor([least] * 4)).tolist() == [0, 0, 1, 1]
    assert lc.fmod(lc.tensor([], dtype=lc.int64), 0).tolist() == []
