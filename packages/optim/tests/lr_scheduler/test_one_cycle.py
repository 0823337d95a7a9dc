"""Rates once up and down. The numbers were recorded from PyTorch 2.13"""

from __future__ import annotations

import pytest

from lamella_optim.lr_scheduler import OneCycleLR

# What makes a schedule; by epoch, the rates of the two groups and the momentum of the second.
SEQUENCES = [
    (
        lambda optimizer: OneCycleLR(optimizer, 0.2, total_steps=9),
        [
            [0.008000000000000007, 0.008000000000000007, 0.95],
            [0.13027164704691999, 0.13027164704691999, 0.8863168504963959],
            [0.19888308709018238, 0.19888308709018238, 0.8505584586887436],
            [0.17971333186928937, 0.17971333186928937, 0.8601433746388538],
            [0.14112894579821994, 0.14112894579821994, 0.8794356448434694],
            [0.09252742053339501, 0.09252742053339501, 0.9037365046793212],
            [0.04574599063192962, 0.04574599063192962, 0.9271273131932879],
            [0.012178593951606484, 0.012178593951606484, 0.9439110786685114],
            [8e-07, 8e-07, 0.95],
        ],
    ),
    (
        lambda optimizer: OneCycleLR(
            optimizer, 0.2, epochs=3, steps_per_epoch=3, anneal_strategy="linear"
        ),
        [
            [0.008, 0.008, 0.95],
            [0.12094117647058827, 0.12094117647058827, 0.8911764705882352],
            [0.19047622857142857, 0.19047622857142857, 0.8547619047619047],
            [0.15873032380952382, 0.15873032380952382, 0.8706349206349207],
            [0.12698441904761906, 0.12698441904761906, 0.8865079365079365],
            [0.09523851428571428, 0.09523851428571428, 0.9023809523809524],
            [0.06349260952380953, 0.06349260952380953, 0.9182539682539682],
            [0.03174670476190475, 0.03174670476190475, 0.9341269841269841],
            [7.99999999995249e-07, 7.99999999995249e-07, 0.95],
        ],
    ),
    (
        lambda optimizer: OneCycleLR(
            optimizer, [0.2, 0.4], total_steps=9, three_phase=True, div_factor=10.0
        ),
        [
            [0.01999999999999999, 0.03999999999999998, 0.95],
            [0.1346296691064875, 0.269259338212975, 0.8863168504963959],
            [0.18651954221566527, 0.37303908443133055, 0.8574891432135193],
            [0.04348919745014064, 0.08697839490028128, 0.9369504458610329],
            [0.019172195803753025, 0.03834439160750605, 0.95],
            [0.014601190312273787, 0.029202380624547573, 0.95],
            [0.007966643325486715, 0.01593328665097343, 0.95],
            [0.0022446628042465055, 0.004489325608493011, 0.95],
            [2e-06, 4e-06, 0.95],
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
    ("options", "text"),
    [
        ({}, "You must define either total_steps OR (epochs AND steps_per_epoch)"),
        ({"total_steps": -1}, "Expected positive integer total_steps, but got -1"),
        ({"epochs": 1.5, "steps_per_epoch": 2}, "Expected positive integer epochs, but got 1.5"),
        (
            {"total_steps": 5, "pct_start": 1.5},
            "Expected float between 0 and 1 pct_start, but got 1.5",
        ),
        (
            {"total_steps": 5, "anneal_strategy": "x"},
            "anneal_strategy must be one of 'cos' or 'linear', instead got x",
        ),
    ],
)
def test_bad_arguments(options, text, optimizer_of_two) -> None:
    with pytest.raises(ValueError) as caught:
        OneCycleLR(optimizer_of_two(), 0.1, **options)
    assert str(caught.value) == text


def test_too_many_steps(optimizer_of_two, walk) -> None:
    optimizer = optimizer_of_two()
    scheduler = OneCycleLR(optimizer, 0.1, 3)
    walk(optimizer, scheduler, 3)
    with pytest.raises(ValueError, match="Tried to step 4 times"):
        scheduler.step()
