"""Element-wise functions against NumPy, over types and shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lamella_array_api as xp

Agree = Callable[..., None]
Sample = Callable[..., np.ndarray]
INTS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
REAL = ("float32", "float64")
FLOATS = (*REAL, "complex64", "complex128")
NUMBERS = (*INTS, *FLOATS)
# Whose domain is not the whole line: the interval that samples come from.
DOMAINS = {
    "acos": (-1, 1), "acosh": (1, 3), "asin": (-1, 1), "atanh": (-0.9, 0.9), "log": (0.1, 3),
    "log10": (0.1, 3), "log1p": (-0.9, 3), "log2": (0.1, 3), "sqrt": (0, 3),
    "reciprocal": (0.5, 3), "tan": (-1.5, 1.5),
}  # fmt: skip
ONE = {
    "acos acosh asin asinh atan atanh cos cosh exp expm1 log log10 log1p log2 reciprocal sin sinh "
    "sqrt tan tanh": FLOATS,
    "abs negative positive sign square": NUMBERS,
    "isfinite isinf isnan": NUMBERS,
    "ceil floor trunc round": (*INTS, *REAL),
    "signbit": REAL,
    "conj real": FLOATS,
    "imag": FLOATS[2:],
    "bitwise_invert": (*INTS, "bool"),
    "logical_not": ("bool",),
}
TWO = {
    "add multiply": NUMBERS,
    "subtract": NUMBERS,
    "divide": FLOATS,
    "equal not_equal": (*NUMBERS, "bool"),
    "greater greater_equal less less_equal maximum minimum": (*INTS, *REAL),
    "atan2 copysign hypot logaddexp nextafter": REAL,
    "bitwise_and bitwise_or bitwise_xor": (*INTS, "bool"),
    "logical_and logical_or logical_xor": ("bool",),
}
SHAPES = [((), ()), ((3,), ()), ((2, 3), (3,)), ((2, 1), (1, 3)), ((0,), (1,))]


def cases(table: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(n, d) for names, dtypes in table.items() for n in names.split() for d in dtypes]


@pytest.mark.parametrize(("name", "dtype"), cases(ONE))
def test_of_one_array(agree: Agree, sample: Sample, name: str, dtype: str) -> None:
    low, high = DOMAINS.get(name, (-3, 3))
    for shape in ((), (3,), (2, 3), (0,)):
        x = sample(dtype, *shape, low=low, high=high)
        agree(lambda xp, a, x=x: getattr(xp, name)(a(x)))


@pytest.mark.parametrize(("name", "dtype"), cases(TWO))
def test_of_two_arrays(agree: Agree, sample: Sample, name: str, dtype: str) -> None:
    for first, second in SHAPES:
        x, y = sample(dtype, *first), sample(dtype, *second)
        agree(lambda xp, a, x=x, y=y: getattr(xp, name)(a(x), a(y)))


@pytest.mark.parametrize("name", ["add", "multiply", "subtract", "less", "maximum", "hypot"])
def test_promotion_and_python_numbers(agree: Agree, sample: Sample, name: str) -> None:
    for first, second in SHAPES:
        single, double = sample("float32", *first), sample("float64", *second)
        agree(lambda xp, a, x=single, y=double: getattr(xp, name)(a(x), a(y)))
    x = sample("float32", 2, 3)
    agree(lambda xp, a: getattr(xp, name)(a(x), 2))
    agree(lambda xp, a: getattr(xp, name)(0.5, a(x)))


@pytest.mark.parametrize("dtype", [*INTS, *REAL])
def test_division_with_a_floor(agree: Agree, sample: Sample, dtype: str) -> None:
    x, y = sample(dtype, 2, 3), sample(dtype, 3, low=1, high=3)
    for sign in (1, -1):
        if not dtype.startswith("u"):
            y = y * np.asarray(sign, dtype)
        agree(lambda xp, a, y=y: xp.floor_divide(a(x), a(y)))
        agree(lambda xp, a, y=y: xp.remainder(a(x), a(y)))


@pytest.mark.parametrize("dtype", NUMBERS)
def test_powers(agree: Agree, sample: Sample, dtype: str) -> None:
    x, y = sample(dtype, 2, 3, low=1), sample(dtype, 3, low=0)
    agree(lambda xp, a: xp.pow(a(x), a(y)))
    agree(lambda xp, a: xp.pow(a(x), 2))


@pytest.mark.parametrize("dtype", INTS)
def test_shifts(agree: Agree, sample: Sample, dtype: str) -> None:
    x, y = sample(dtype, 2, 3), sample(dtype, 3, low=0, high=2)
    agree(lambda xp, a: xp.bitwise_left_shift(a(x), a(y)))
    agree(lambda xp, a: xp.bitwise_right_shift(a(x), 1))


@pytest.mark.parametrize("dtype", [*INTS, *REAL])
def test_clip(agree: Agree, sample: Sample, dtype: str) -> None:
    x = sample(dtype, 2, 3)
    low, high = sample(dtype, 3, low=0, high=1), sample(dtype, 2, 1, low=1, high=2)
    limits: list[tuple[Any, Any]] = [(None, None), (1, None), (None, 2), (1, 2), (low, high)]
    for least, most in limits:

        def call(xp: Any, a: Any, limits: tuple[Any, Any] = (least, most)) -> Any:
            bounds = (v if v is None or isinstance(v, int) else a(v) for v in limits)
            return xp.clip(a(x), *bounds)

        agree(call)


def test_special_values(agree: Agree) -> None:
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.5, 2.5, -1.5])
    for name in ("round", "sign", "signbit", "isnan", "isinf", "isfinite", "sqrt", "trunc"):
        agree(lambda xp, a, n=name: getattr(xp, n)(a(x)))
    for name in ("maximum", "minimum", "atan2", "copysign", "logaddexp"):
        agree(lambda xp, a, n=name: getattr(xp, n)(a(x), a(x[::-1])))


def test_every_function_of_the_module_is_tested() -> None:
    from lamella_array_api import elementwise

    named = {name for name, _ in cases(ONE) + cases(TWO)}
    own = {"bitwise_left_shift", "bitwise_right_shift", "clip", "floor_divide", "pow", "remainder"}
    assert named | own == set(elementwise.__all__)
    assert all(getattr(xp, name) is getattr(elementwise, name) for name in named)


def test_complex_numbers_are_rounded_by_parts(agree: Agree) -> None:
    for dtype in ("complex64", "complex128"):
        x = np.array([1.5 - 2.5j, 0.4 + 0.6j, -3.5 + 1j], dtype)
        agree(lambda xp, a, x=x: xp.round(a(x)))
