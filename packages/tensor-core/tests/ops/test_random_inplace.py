"""Filling in place: the numbers of PyTorch 2.13 from the same seed, recorded there on a CPU."""

from __future__ import annotations

import pytest

import lamella_core as lc


@pytest.fixture(autouse=True)
def seeded() -> None:
    lc.manual_seed(0)


def test_a_transposed_tensor_is_filled_in_the_order_of_memory() -> None:
    got = lc.zeros(2, 3).transpose(0, 1).uniform_(-1, 1)
    assert got.tolist() == [
        [-0.007486820220947266, -0.7359390258789062],
        [0.5364435911178589, -0.3851543664932251],
        [-0.8230451345443726, 0.26815736293792725],
    ]


def test_filled_in_place_in_turn() -> None:
    expected = [
        ("cauchy_", (), [10.597729682922363, 0.7647672891616821, -0.12829934060573578]),
        ("exponential_", (2.0,), [1.267559289932251, 0.5178527235984802, 0.7830644249916077]),
        ("geometric_", (0.3,), [5.0, 3.0, 2.0]),
        ("log_normal_", (), [1.6118322610855103, 22.951871871948242, 6.2450079917907715]),
        ("random_", (5,), [4.0, 4.0, 4.0]),
        ("normal_", (1, 2), [2.6791329383850098, 3.1999404430389404, 0.824622392654419]),
    ]
    for name, arguments, numbers in expected:
        got = getattr(lc.zeros(3), name)(*arguments)
        assert got.tolist() == pytest.approx(numbers, rel=1e-6), name


def test_bounds_by_name() -> None:
    x = lc.zeros(100).uniform_(**{"from": 2, "to": 3})
    assert 2 <= x.amin().item() <= x.amax().item() < 3
    assert lc.zeros(100).random_(to=2).amax().item() <= 1
    with pytest.raises(TypeError, match="unexpected keyword"):
        lc.zeros(2).uniform_(low=1)
