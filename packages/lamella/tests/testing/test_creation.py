"""``make_tensor``: the numbers are PyTorch 2.13's after ``manual_seed(0)``."""

from __future__ import annotations

import pytest

import lamella
from lamella.testing import make_tensor


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("float32", {}, [-0.0674, 4.8280, -7.4074]),
        ("float32", {"low": 0, "high": 3}, [1.4888, 2.3047, 0.2654]),
        ("float32", {"noncontiguous": True}, [4.8280, -6.6235, 2.4134]),
        ("float32", {"low": -float("inf"), "high": float("inf")}, None),
        ("float64", {"low": -2}, [8.6706, 5.7860, 3.0532]),
        ("int64", {}, [6, -5, -9]),
        ("int32", {"high": 1.5}, [1, -2, -8]),
        ("uint8", {"low": -2}, [4, 9, 3]),
        ("uint8", {"low": 0, "high": 2, "exclude_zero": True}, [1, 1, 1]),
    ],
)
def test_numbers(name: str, options: dict[str, float], expected: list[float] | None) -> None:
    lamella.manual_seed(0)
    found = make_tensor((2, 3), dtype=getattr(lamella, name), device="cpu", **options)
    if expected is None:
        assert found.isfinite().all() and found.abs().max() > 1e37
    else:
        assert found[0].tolist() == pytest.approx(expected, abs=1e-4)
    assert found.is_contiguous() is not options.get("noncontiguous", False)


def test_shapes_and_kinds() -> None:
    assert make_tensor(2, 3, dtype=lamella.bool, device="cpu").shape == (2, 3)
    assert make_tensor((), dtype=lamella.bfloat16, device="cpu").shape == ()
    z = make_tensor(50, dtype=lamella.complex64, device="cpu", low=1, high=2, requires_grad=True)
    assert z.requires_grad and z.is_leaf
    parts = lamella.view_as_real(z.detach())
    assert parts.min() >= 1 and parts.max() < 2
    x = make_tensor(
        (2, 3, 4, 5), dtype=lamella.float32, device="cpu", memory_format=lamella.channels_last
    )
    assert x.stride() == (60, 1, 15, 3)


def test_refusals() -> None:
    def make(dtype: object = lamella.int64, **options: object) -> None:
        make_tensor(3, dtype=dtype, device="cpu", **options)  # type: ignore[arg-type]

    with pytest.raises(ValueError, match="is not supported for boolean and integral dtypes"):
        make(requires_grad=True)
    with pytest.raises(ValueError, match="`low` must be less than `high`, but got 5 >= 2"):
        make(low=5, high=2)
    with pytest.raises(ValueError, match="cannot be NaN"):
        make(lamella.float32, low=float("nan"))
    with pytest.raises(ValueError, match="mutually exclusive"):
        make(noncontiguous=True, memory_format=lamella.contiguous_format)
    with pytest.raises(ValueError, match="only supports"):
        make(lamella.int8, low=200, high=300)
    with pytest.warns(FutureWarning, match="low==high"):
        make(lamella.float32, low=3, high=3)
