"""The arithmetic operators. Values by Python and NumPy; result types and the texts of refusals were
recorded from PyTorch 2.13 on CPU."""

from __future__ import annotations

import operator
import warnings

import numpy as np
import pytest

import lamella_core as lc

INF = float("inf")
A = np.array([[1.5, -2.0, 0.25], [3.0, -0.5, 7.0]], np.float32)
B = np.array([2.0, -0.75, 4.0], np.float32)
INTS = np.array([7, -7, 8, -8])
DIVISORS = np.array([2, 2, -3, -3])


@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv", "floordiv", "mod"])
def test_tensors_and_numbers(name: str) -> None:
    compute = getattr(operator, name)
    a, b = lc.from_numpy(A), lc.from_numpy(B)
    np.testing.assert_allclose(compute(a, b).numpy(), compute(A, B), rtol=1e-6)
    np.testing.assert_allclose(compute(a, 1.25).numpy(), compute(A, np.float32(1.25)), rtol=1e-6)
    np.testing.assert_allclose(compute(1.25, a).numpy(), compute(np.float32(1.25), A), rtol=1e-6)


@pytest.mark.parametrize("name", ["iadd", "isub", "imul", "itruediv", "ifloordiv", "imod"])
def test_in_place(name: str) -> None:
    compute = getattr(operator, name)
    a = lc.from_numpy(A.copy())
    same = compute(a, lc.from_numpy(B))
    assert same is a
    np.testing.assert_allclose(a.numpy(), compute(A.copy(), B), rtol=1e-6)


@pytest.mark.parametrize("name", ["floordiv", "mod"])
def test_integer_division_rounds_down(name: str) -> None:
    compute = getattr(operator, name)
    got = compute(lc.from_numpy(INTS), lc.from_numpy(DIVISORS))
    assert got.tolist() == [
        compute(a, b) for a, b in zip(INTS.tolist(), DIVISORS.tolist(), strict=True)
    ]
    assert got.dtype is lc.int64


def test_powers() -> None:
    a = lc.tensor([0.5, 2.0, 3.0])
    assert (a**2).tolist() == [0.25, 4.0, 9.0]
    assert (a**3).tolist() == [0.125, 8.0, 27.0]
    assert (a**-1).tolist() == [2.0, 0.5, pytest.approx(1 / 3)]
    assert (2**a).tolist() == pytest.approx([2**0.5, 4.0, 8.0])
    assert (lc.tensor([4.0, -1.0]) ** 0.5).tolist()[0] == 2.0
    assert lc.pow(lc.tensor([0.0, 0.0]), lc.tensor([0.0, -1.0])).tolist() == [1.0, INF]


def test_integers_to_negative_powers() -> None:
    with pytest.raises(RuntimeError, match="negative integer powers"):
        lc.tensor([2]) ** -1
    base, exponent = lc.tensor([2, 1, -1, -1, 3]), lc.tensor([-1, -1, -3, -2, 2])
    assert (base**exponent).tolist() == [0, 1, -1, 1, 9]
    assert (2 ** lc.tensor([-1, 3])).tolist() == [0, 8]


def truncated(a: lc.Tensor, b: object) -> lc.Tensor:
    return lc.div(a, b, rounding_mode="trunc")


@pytest.mark.parametrize("divide", [operator.floordiv, operator.mod, lc.fmod, truncated])
def test_integers_by_zero(divide: object) -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        divide(lc.tensor([1, 2]), 0)  # type: ignore[operator]
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        divide(lc.tensor([1, 2]), lc.tensor([1, 0]))  # type: ignore[operator]


def test_floats_by_zero_without_a_warning() -> None:
    a = lc.tensor([1.0, -1.0, 0.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert repr((a / 0).tolist()) == "[inf, -inf, nan]"
        assert repr((a // 0).tolist()) == "[inf, -inf, nan]"
        assert all(value != value for value in (a % 0).tolist())
    assert (lc.tensor([1, -1]) / 0).tolist() == [INF, -INF]


@pytest.mark.parametrize(
    ("left", "right", "add", "div"),
    [
        (lc.int64, lc.int32, lc.int64, lc.float32),
        (lc.uint8, lc.int8, lc.int16, lc.float32),
        (lc.bool, lc.bool, lc.bool, lc.float32),
        (lc.int64, lc.float16, lc.float16, lc.float16),
        (lc.float16, lc.bfloat16, lc.float32, lc.float32),
        (lc.float32, lc.float64, lc.float64, lc.float64),
        (lc.float64, lc.complex64, lc.complex128, lc.complex128),
    ],
)
def test_result_types(
    left: lc.dtype.dtype, right: lc.dtype.dtype, add: lc.dtype.dtype, div: lc.dtype.dtype
) -> None:
    a, b = lc.ones(2, dtype=left), lc.ones(2, dtype=right)
    assert (a + b).dtype is add
    assert (a / b).dtype is div


@pytest.mark.parametrize(
    ("given", "number", "expected"),
    [
        (lc.int32, 2, lc.int32),
        (lc.int32, 2.5, lc.float32),
        (lc.bool, 2, lc.int64),
        (lc.float16, 2.5, lc.float16),
        (lc.bfloat16, 2.5, lc.bfloat16),
        (lc.float64, 2, lc.float64),
        (lc.float32, 2j, lc.complex64),
        (lc.float64, 2j, lc.complex128),
    ],
)
def test_result_types_with_numbers(
    given: lc.dtype.dtype, number: complex, expected: lc.dtype.dtype
) -> None:
    result = lc.ones(2, dtype=given) * number
    assert result.dtype is expected
    assert result.tolist() == [number, number]


def test_numbers_meet_half_precision() -> None:
    # Recorded from PyTorch. A number is rounded to the type first (0.7 to 0.69921875) ...
    def half(value: float) -> lc.Tensor:
        return lc.tensor([value], dtype=lc.bfloat16)

    assert (0.7 - half(0.5)).tolist() == [0.19921875]
    assert (half(5.3) % 0.7).tolist() == [0.41796875]
    assert (lc.tensor([5.3], dtype=lc.float16) % 0.7).tolist() == [0.3994140625]
    assert (half(0.7) == 0.7).tolist() == [True]
    assert lc.mul(0.7, half(9.0)).tolist() == [6.28125]
    assert (lc.tensor(0.7) * half(9.0)).tolist() == [6.28125]
    # ... but for a factor or divisor that comes second.
    assert (half(9.0) * 0.7).tolist() == [6.3125]
    assert (half(9.0) * lc.tensor(0.7)).tolist() == [6.3125]
    assert half(9.0).mul_(lc.tensor(0.7)).tolist() == [6.3125]
    assert (half(11.0) / 0.7).tolist() == [15.6875]
    assert (half(9.0) * lc.tensor(0.7, dtype=lc.bfloat16)).tolist() == [6.28125]


def test_numbers_out_of_the_range_of_half_precision() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (lc.tensor([1.0], dtype=lc.float16) + 70000).tolist() == [INF]
        assert (lc.tensor([0.5], dtype=lc.float16) * 70000).tolist() == [35008.0]


def test_numbers_out_of_range_wrap() -> None:
    assert (lc.tensor([1], dtype=lc.uint8) + 300).tolist() == [45]
    assert (lc.tensor([0], dtype=lc.int8) - 129).tolist() == [127]


def test_bools() -> None:
    a, b = lc.tensor([True, True, False]), lc.tensor([True, False, False])
    assert (a + b).tolist() == [True, True, False]
    assert (a * b).tolist() == [True, False, False]
    for refused in (
        lambda: a - b,
        lambda: a - 1,
        lambda: 1 - a,
        lambda: lc.tensor([1, 2, 3]) - a,
        lambda: lc.tensor([1, 2, 3]) - True,
        lambda: lc.tensor([1.0, 2.0, 3.0]).sub_(a),
    ):
        with pytest.raises(RuntimeError, match="Subtraction, the `-` operator"):
            refused()
    with pytest.raises(RuntimeError, match="Negation"):
        operator.neg(a)
    with pytest.raises(RuntimeError, match=r"`\+` operator"):
        operator.pos(a)
    for refused in (lambda: a // b, lambda: a % b, lambda: a**b, lambda: abs(a)):
        with pytest.raises(NotImplementedError, match="not implemented for 'Bool'"):
            refused()


def test_signs() -> None:
    a = lc.tensor([-1.5, 0.0, 2.0])
    assert (-a).tolist() == [1.5, -0.0, -2.0]
    assert abs(a).tolist() == [1.5, 0.0, 2.0]
    assert (+a) is a
    assert (-lc.tensor([1], dtype=lc.uint8)).tolist() == [255]
    size = abs(lc.tensor([3 + 4j]))
    assert size.dtype is lc.float32
    assert size.tolist() == [5.0]
    with pytest.raises(RuntimeError, match="In-place abs"):
        lc.tensor([1j]).abs_()


def test_reciprocal() -> None:
    result = lc.tensor([4, 0]).reciprocal()
    assert result.dtype is lc.float32
    assert result.tolist() == [0.25, INF]
    assert (2 / lc.tensor([4.0])).tolist() == [0.5]


def test_what_is_no_operand() -> None:
    a = lc.ones(2)
    for symbol in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
        with pytest.raises(TypeError, match="unsupported operand"):
            getattr(operator, symbol)(a, object())
        with pytest.raises(TypeError):
            getattr(operator, symbol)(None, a)

    class Reflected:
        def __radd__(self, other: object) -> str:
            return "reflected"

    assert a + Reflected() == "reflected"
    with pytest.raises(TypeError, match="must be Tensor, not str"):
        lc.mul(a, "text")


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(RuntimeError, match=r"size of tensor a \(3\) must match .* b \(4\) .* 1"):
        lc.ones(2, 3) + lc.ones(2, 4)
    with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
        lc.ones(3).__iadd__(lc.ones(2, 3))


def test_results_that_an_in_place_op_cannot_store() -> None:
    a = lc.tensor([1, 2])
    for write in (lambda: a.__iadd__(1.5), lambda: a.__itruediv__(2), lambda: a.__imul__(1j)):
        with pytest.raises(RuntimeError, match="can't be cast to the desired output type Long"):
            write()
    assert a.tolist() == [1, 2]


def test_numpy_scalars_are_numbers() -> None:
    a = lc.tensor([1.0, 2.0])
    assert (a + np.float64(2)).tolist() == [3.0, 4.0]
    assert (np.float64(2) + a).tolist() == [3.0, 4.0]
    assert (a + np.float64(2)).dtype is lc.float32


def test_overlapping_memory() -> None:
    a = lc.arange(6.0)
    a[:3] += a[::2]
    assert a.tolist() == [0.0, 3.0, 6.0, 3.0, 4.0, 5.0]
    with pytest.raises(RuntimeError, match="single memory location"):
        a[1:] += a[:-1]


def test_power_minus_half_is_the_reciprocal_root() -> None:
    """As in PyTorch, which differs from C's ``pow`` at -0 and -inf."""
    got = lc.tensor([4.0, -0.0, -np.inf]) ** -0.5
    assert got[:2].tolist() == [0.5, -np.inf]
    assert np.isnan(got[2].item())


def test_power_minus_two_is_the_reciprocal_square() -> None:
    """To the last bit as in PyTorch, whose numbers these are; C's ``pow`` gives others."""
    x = lc.tensor([1.1, 3.3, 0.7, -2.9, 0.0])
    expected = [
        0.8264462351799011,
        0.09182737022638321,
        2.040816307067871,
        0.11890605092048645,
        INF,
    ]
    assert (x**-2).tolist() == x.clone().pow_(-2.0).tolist() == expected
