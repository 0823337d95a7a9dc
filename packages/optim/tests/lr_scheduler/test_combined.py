"""Schedules made of others. The numbers were recorded from PyTorch 2.13"""

from __future__ import annotations

import pytest

from lamella_optim.lr_scheduler import (
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LinearLR,
    SequentialLR,
    StepLR,
)

# What makes a schedule; by epoch, the rates of the two groups.
SEQUENCES = [
    (
        lambda optimizer: SequentialLR(
            optimizer, [LinearLR(optimizer, total_iters=3), ExponentialLR(optimizer, 0.5)], [3]
        ),
        [
            [0.03333333333333333, 0.16666666666666666],
            [0.05555555555555556, 0.2777777777777778],
            [0.07777777777777778, 0.3888888888888889],
            [0.1, 0.5],
            [0.05, 0.25],
            [0.025, 0.125],
            [0.0125, 0.0625],
            [0.00625, 0.03125],
            [0.003125, 0.015625],
        ],
    ),
    (
        lambda optimizer: SequentialLR(
            optimizer, [ConstantLR(optimizer), CosineAnnealingWarmRestarts(optimizer, 3)], [2]
        ),
        [
            [0.03333333333333333, 0.16666666666666666],
            [0.03333333333333333, 0.16666666666666666],
            [0.1, 0.5],
            [0.07500000000000001, 0.375],
            [0.025000000000000012, 0.12500000000000006],
            [0.1, 0.5],
            [0.07500000000000001, 0.375],
            [0.025000000000000012, 0.12500000000000006],
            [0.1, 0.5],
        ],
    ),
    (
        lambda optimizer: ChainedScheduler(
            [
                ConstantLR(optimizer, total_iters=4),
                StepLR(optimizer, 3),
                ExponentialLR(optimizer, 0.9),
            ]
        ),
        [
            [0.03333333333333333, 0.16666666666666666],
            [0.03, 0.15],
            [0.027, 0.135],
            [0.0024300000000000003, 0.012150000000000001],
            [0.006561000000000002, 0.032805],
            [0.005904900000000002, 0.029524500000000002],
            [0.0005314410000000002, 0.0026572050000000006],
            [0.0004782969000000002, 0.0023914845000000007],
            [0.0004304672100000002, 0.0021523360500000006],
        ],
    ),
]


@pytest.mark.parametrize(("build", "expected"), SEQUENCES)
def test_sequence(build, expected, assert_sequence) -> None:
    assert_sequence(build, expected)


@pytest.mark.parametrize(("build", "expected"), SEQUENCES)
def test_goes_on_from_a_state(build, expected, assert_goes_on) -> None:
    assert_goes_on(build)


def test_bad_arguments(optimizer_of_two) -> None:
    optimizer = optimizer_of_two()
    step = StepLR(optimizer, 2)
    with pytest.raises(ValueError, match="expects at least one scheduler"):
        SequentialLR(optimizer, [], [])
    with pytest.raises(ValueError, match="milestones to be equal to 1"):
        SequentialLR(optimizer, [step], [1])
    with pytest.raises(TypeError, match="should have `optimizer` as its attribute"):
        SequentialLR(optimizer, [3], [])
    with pytest.raises(ValueError, match="StepLR at index 0"):
        ChainedScheduler([step], optimizer_of_two())
