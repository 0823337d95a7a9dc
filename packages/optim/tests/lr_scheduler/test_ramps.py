"""Rates between two shares of the initial rate. The numbers were recorded from PyTorch 2.13"""

from __future__ import annotations

import pytest

from lamella_optim.lr_scheduler import ConstantLR, LinearLR, PolynomialLR

# What makes a schedule; by epoch, the rates of the two groups.
SEQUENCES = [
    (
        lambda optimizer: ConstantLR(optimizer),
        [
            [0.03333333333333333, 0.16666666666666666],
            [0.03333333333333333, 0.16666666666666666],
            [0.03333333333333333, 0.16666666666666666],
            [0.03333333333333333, 0.16666666666666666],
            [0.03333333333333333, 0.16666666666666666],
            [0.1, 0.5],
            [0.1, 0.5],
            [0.1, 0.5],
            [0.1, 0.5],
        ],
    ),
    (
        lambda optimizer: ConstantLR(optimizer, factor=0.5, total_iters=3),
        [
            [0.05, 0.25],
            [0.05, 0.25],
            [0.05, 0.25],
            [0.1, 0.5],
            [0.1, 0.5],
            [0.1, 0.5],
            [0.1, 0.5],
            [0.1, 0.5],
            [0.1, 0.5],
        ],
    ),
    (
        lambda optimizer: LinearLR(optimizer),
        [
            [0.03333333333333333, 0.16666666666666666],
            [0.04666666666666667, 0.23333333333333334],
            [0.060000000000000005, 0.30000000000000004],
            [0.07333333333333335, 0.36666666666666675],
            [0.08666666666666668, 0.43333333333333346],
            [0.1, 0.5000000000000001],
            [0.1, 0.5000000000000001],
            [0.1, 0.5000000000000001],
            [0.1, 0.5000000000000001],
        ],
    ),
    (
        lambda optimizer: LinearLR(optimizer, 0.25, 0.75, total_iters=4),
        [
            [0.025, 0.125],
            [0.037500000000000006, 0.1875],
            [0.05, 0.25],
            [0.0625, 0.3125],
            [0.075, 0.375],
            [0.075, 0.375],
            [0.075, 0.375],
            [0.075, 0.375],
            [0.075, 0.375],
        ],
    ),
    (
        lambda optimizer: PolynomialLR(optimizer),
        [
            [0.1, 0.5],
            [0.08000000000000002, 0.4],
            [0.060000000000000005, 0.3],
            [0.04000000000000001, 0.2],
            [0.02, 0.09999999999999998],
            [0.0, 0.0],
            [0.0, 0.0],
            [0.0, 0.0],
            [0.0, 0.0],
        ],
    ),
    (
        lambda optimizer: PolynomialLR(optimizer, total_iters=4, power=2.0),
        [
            [0.1, 0.5],
            [0.05625, 0.28125],
            [0.024999999999999998, 0.125],
            [0.0062499999999999995, 0.03125],
            [0.0, 0.0],
            [0.0, 0.0],
            [0.0, 0.0],
            [0.0, 0.0],
            [0.0, 0.0],
        ],
    ),
]


@pytest.mark.parametrize(("build", "expected"), SEQUENCES)
def test_sequence(build, expected, assert_sequence) -> None:
    assert_sequence(build, expected)


@pytest.mark.parametrize(("build", "expected"), SEQUENCES)
def test_goes_on_from_a_state(build, expected, assert_goes_on) -> None:
    assert_goes_on(build)


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (
            lambda o: ConstantLR(o, factor=1.5),
            "Constant multiplicative factor expected to be between 0 and 1.",
        ),
        (
            lambda o: LinearLR(o, start_factor=0),
            "Starting multiplicative factor expected to be greater than 0 and less or equal to 1.",
        ),
        (
            lambda o: LinearLR(o, end_factor=-1),
            "Ending multiplicative factor expected to be between 0 and 1.",
        ),
    ],
)
def test_bad_factors(build, text, optimizer_of_two) -> None:
    with pytest.raises(ValueError) as caught:
        build(optimizer_of_two())
    assert str(caught.value) == text
