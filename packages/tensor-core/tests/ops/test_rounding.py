"""Rounding. Values by the definitions; types and refusals were recorded from PyTorch 2.13."""

from __future__ import annotations

import math

import pytest

import lamella_core as lc

INF, NAN = float("inf"), float("nan")
VALUES = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.6]


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("ceil", math.ceil),
        ("floor", math.floor),
        ("trunc", math.trunc),
        ("fix", math.trunc),
        ("round", round),
    ],
)
def test_to_whole_numbers(name: str, function: object) -> None:
    expected = [function(value) for value in VALUES]  # type: ignore[operator]
    a = lc.tensor(VALUES)
    assert getattr(lc, name)(a).tolist() == expected
    assert getattr(a, name)().tolist() == expected
    assert getattr(lc.tensor([3, -4]), name)().tolist() == [3, -4]
    assert getattr(a, f"{name}_")() is a
    assert a.tolist() == expected
    with pytest.raises(NotImplementedError, match="not implemented for 'Bool'"):
        getattr(lc, name)(lc.tensor([True]))
    with pytest.raises(NotImplementedError):
        getattr(lc, name)(lc.tensor([1j]))


def test_decimals() -> None:
    a = lc.tensor([1.2345, -0.125], dtype=lc.float64)
    assert lc.round(a, decimals=2).tolist() == [1.23, -0.12]
    assert lc.round(lc.tensor([15.0, 25.0]), decimals=-1).tolist() == [20.0, 20.0]
    with pytest.raises(NotImplementedError, match="decimals"):
        lc.round(lc.tensor([15]), decimals=-1)


def test_fractions() -> None:
    assert lc.frac(lc.tensor([-1.25, 2.5])).tolist() == [-0.25, 0.5]
    with pytest.raises(NotImplementedError, match="'Long'"):
        lc.frac(lc.tensor([1]))


def test_nan_to_num() -> None:
    a = lc.tensor([NAN, INF, -INF, 1.5], dtype=lc.float64)
    greatest = 1.7976931348623157e308
    assert lc.nan_to_num(a).tolist() == [0.0, greatest, -greatest, 1.5]
    assert lc.nan_to_num(a, 1.0, posinf=2.0, neginf=3.0).tolist() == [1.0, 2.0, 3.0, 1.5]
    assert lc.nan_to_num(lc.tensor([INF], dtype=lc.float16)).tolist() == [65504.0]
    assert lc.nan_to_num(lc.tensor([INF], dtype=lc.bfloat16)).tolist() == [2.0**127 * (2 - 2**-7)]
    assert lc.nan_to_num(lc.tensor([3])).tolist() == [3]
    assert lc.nan_to_num(lc.tensor([complex(NAN, INF)]), posinf=2.0).tolist() == [2j]


def test_degrees() -> None:
    assert lc.deg2rad(lc.tensor([180, 90])).tolist() == pytest.approx([math.pi, math.pi / 2])
    assert lc.rad2deg(lc.tensor([math.pi])).tolist() == pytest.approx([180.0])
    with pytest.raises(RuntimeError, match="not supported for complex"):
        lc.deg2rad(lc.tensor([1j]))


def test_degrees_are_radians_times_one_rounded_number() -> None:
    # PyTorch's numbers; by 180 divided by a rounded pi, 6.283 would be 359.98934936523438.
    degrees = lc.rad2deg(lc.tensor([3.142, -3.142, 6.283, 1.57])).tolist()
    assert degrees == [
        180.02334594726562,
        -180.02334594726562,
        359.9893798828125,
        89.95437622070312,
    ]
    assert lc.rad2deg(lc.tensor([6.28, 0.1], dtype=lc.float16)).tolist() == [360.0, 5.7265625]
