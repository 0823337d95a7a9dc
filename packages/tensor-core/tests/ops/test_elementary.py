"""Elementary functions against Python's ``math`` and ``cmath``."""

from __future__ import annotations

import cmath
import math
import warnings

import numpy as np
import pytest

import lamella_core as lc

INF, NAN = float("inf"), float("nan")
UNIT = [-0.9, -0.3, 0.0, 0.2, 0.7]
POSITIVE = [1e-3, 0.5, 1.0, 2.5, 40.0]
ANY = [-3.0, -0.4, 0.0, 0.3, 2.0]
DOMAINS = {
    "exp": ANY, "exp2": ANY, "expm1": ANY,
    "log": POSITIVE, "log2": POSITIVE, "log10": POSITIVE, "log1p": POSITIVE,
    "sin": ANY, "cos": ANY, "tan": ANY, "asin": UNIT, "acos": UNIT, "atan": ANY,
    "sinh": ANY, "cosh": ANY, "tanh": ANY, "asinh": ANY, "atanh": UNIT,
    "acosh": [1.0, 1.5, 30.0],
}  # fmt: skip


def function_of(name: str) -> object:
    return (lambda x: 2.0**x) if name == "exp2" else getattr(math, name)


@pytest.mark.parametrize("name", DOMAINS)
def test_values(name: str) -> None:
    expected = [function_of(name)(x) for x in DOMAINS[name]]  # type: ignore[operator]
    wide = lc.tensor(DOMAINS[name], dtype=lc.float64)
    np.testing.assert_allclose(getattr(lc, name)(wide).numpy(), expected, rtol=1e-14)
    for dtype, tolerance in ((lc.float32, 1e-6), (lc.float16, 2e-3), (lc.bfloat16, 2e-2)):
        a = lc.tensor(DOMAINS[name], dtype=dtype)
        got = getattr(lc, name)(a)
        assert got.dtype is dtype
        exact = [function_of(name)(x) for x in a.tolist()]  # type: ignore[operator]
        np.testing.assert_allclose(got.tolist(), exact, rtol=tolerance, atol=1e-7)


@pytest.mark.parametrize("name", DOMAINS)
def test_integers_and_bools(name: str) -> None:
    for dtype in (lc.int64, lc.uint8, lc.bool):
        got = getattr(lc, name)(lc.ones(1, dtype=dtype))
        assert got.dtype is lc.float32
    with pytest.raises(RuntimeError, match="can't be cast"):
        getattr(lc.tensor([1]), f"{name}_")()


@pytest.mark.parametrize("name", sorted(set(DOMAINS) - {"exp2", "expm1", "log1p", "log2"}))
def test_complex_numbers(name: str) -> None:
    points = [0.3 + 0.4j, -1.2 + 0.5j, 0.7 - 2j]
    got = getattr(lc, name)(lc.tensor(points, dtype=lc.complex128)).tolist()
    assert got == pytest.approx([getattr(cmath, name)(z) for z in points], rel=1e-12)


def test_in_place_and_out() -> None:
    a = lc.tensor([0.5])
    assert a.tanh_() is a
    assert a.tolist() == pytest.approx([math.tanh(0.5)])
    out = lc.empty(1)
    assert lc.exp(lc.tensor([0.0]), out=out) is out
    assert out.tolist() == [1.0]


def test_outside_of_the_domain_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert lc.log(lc.tensor([0.0])).tolist() == [-INF]
        for call in (lc.log, lc.asin, lc.acosh):
            assert math.isnan(call(lc.tensor([-2.0])).item())
        assert lc.exp(lc.tensor([1000.0])).tolist() == [INF]


def test_other_names() -> None:
    for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh"):
        a = lc.full((2,), 1.0 if name == "cosh" else 0.5)
        expected = getattr(lc, f"a{name}")(a).tolist()
        assert getattr(lc, f"arc{name}")(a).tolist() == expected
        assert getattr(a, f"arc{name}")().tolist() == expected
        assert getattr(a.clone(), f"arc{name}_")().tolist() == expected


def test_atan2() -> None:
    ys, xs = [0.0, 1.0, -1.0, 0.0], [1.0, 1.0, -1.0, -1.0]
    got = lc.atan2(lc.tensor(ys, dtype=lc.float64), lc.tensor(xs, dtype=lc.float64)).tolist()
    assert got == pytest.approx([math.atan2(y, x) for y, x in zip(ys, xs, strict=True)])
    assert lc.arctan2(lc.tensor([1]), lc.tensor([1])).dtype is lc.float32
    with pytest.raises(NotImplementedError):
        lc.atan2(lc.tensor([1j]), lc.tensor([1j]))


def test_sinc() -> None:
    got = lc.sinc(lc.tensor([0.0, 0.5, 1.0], dtype=lc.float64)).tolist()
    assert got == pytest.approx([1.0, 2 / math.pi, 0.0], abs=1e-15)


def test_sums_of_exponentials() -> None:
    a, b = lc.tensor([1000.0, -INF, 0.0]), lc.tensor([1000.0, -INF, 1.0])
    assert lc.logaddexp(a, b).tolist() == pytest.approx(
        [1000 + math.log(2), -INF, math.log(1 + math.e)]
    )
    assert lc.logaddexp2(a, b).tolist() == pytest.approx([1001.0, -INF, math.log2(3)])
    z, w = 0.3 + 0.4j, -0.2 + 1j
    got = lc.logaddexp(lc.tensor([z], dtype=lc.complex128), lc.tensor([w], dtype=lc.complex128))
    assert got.item() == pytest.approx(cmath.log(cmath.exp(z) + cmath.exp(w)))
    with pytest.raises(NotImplementedError, match="'Long'"):
        lc.logaddexp(lc.tensor([1]), lc.tensor([1]))


def test_xlogy() -> None:
    a, b = lc.tensor([0.0, 0.0, 2.0, 0.0]), lc.tensor([0.0, INF, 3.0, NAN])
    got = lc.xlogy(a, b).tolist()
    assert got[:3] == pytest.approx([0.0, 0.0, 2 * math.log(3)])
    assert math.isnan(got[3])
    assert lc.xlogy(2, lc.tensor([3.0])).item() == pytest.approx(2 * math.log(3))
    assert lc.xlogy(lc.tensor([1, 2]), lc.tensor([1, 2])).dtype is lc.float32


def test_converted_expanded_tensors_give_rows():
    # The strides that PyTorch gives.
    x = lc.arange(6).expand(2, 6)
    for result in (x.sin(), x.half() + 1, x + 1.5, x > 1.5):
        assert result.stride() == (6, 1)
