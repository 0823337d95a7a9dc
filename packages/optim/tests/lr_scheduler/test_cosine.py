"""Rates along a cosine. The numbers were recorded from PyTorch 2.13"""

from __future__ import annotations

import pytest

from lamella_optim.lr_scheduler import CosineAnnealingLR, CosineAnnealingWarmRestarts

# What makes a schedule; by epoch, the rates of the two groups.
SEQUENCES = [
    (
        lambda optimizer: CosineAnnealingLR(optimizer, 7),
        [
            [0.1, 0.5],
            [0.09504844339512096, 0.47524221697560476],
            [0.08117449009293669, 0.4058724504646834],
            [0.061126046697815725, 0.3056302334890786],
            [0.03887395330218429, 0.19436976651092142],
            [0.018825509907063328, 0.09412754953531663],
            [0.004951556604879048, 0.02475778302439524],
            [0.0, 0.0],
            [0.004951556604879043, 0.024757783024395214],
        ],
    ),
    (
        lambda optimizer: CosineAnnealingLR(optimizer, 3, eta_min=0.01),
        [
            [0.1, 0.5],
            [0.0775, 0.3775],
            [0.032500000000000015, 0.13250000000000006],
            [0.01, 0.01],
            [0.0325, 0.13249999999999998],
            [0.07750000000000005, 0.3775000000000003],
            [0.10000000000000007, 0.5000000000000003],
            [0.07750000000000007, 0.37750000000000034],
            [0.03250000000000006, 0.13250000000000026],
        ],
    ),
    (
        lambda optimizer: CosineAnnealingWarmRestarts(optimizer, 3),
        [
            [0.1, 0.5],
            [0.07500000000000001, 0.375],
            [0.025000000000000012, 0.12500000000000006],
            [0.1, 0.5],
            [0.07500000000000001, 0.375],
            [0.025000000000000012, 0.12500000000000006],
            [0.1, 0.5],
            [0.07500000000000001, 0.375],
            [0.025000000000000012, 0.12500000000000006],
        ],
    ),
    (
        lambda optimizer: CosineAnnealingWarmRestarts(optimizer, 2, T_mult=2, eta_min=0.01),
        [
            [0.1, 0.5],
            [0.05500000000000001, 0.255],
            [0.1, 0.5],
            [0.08681980515339464, 0.4282411613907041],
            [0.05500000000000001, 0.255],
            [0.023180194846605363, 0.08175883860929586],
            [0.1, 0.5],
            [0.0965745789630079, 0.48135048546526527],
            [0.08681980515339464, 0.4282411613907041],
        ],
    ),
]


@pytest.mark.parametrize(("build", "expected"), SEQUENCES)
def test_sequence(build, expected, assert_sequence) -> None:
    assert_sequence(build, expected)


@pytest.mark.parametrize(("build", "expected"), SEQUENCES)
def test_goes_on_from_a_state(build, expected, assert_goes_on) -> None:
    assert_goes_on(build)


def test_fraction_of_an_epoch(optimizer_of_two) -> None:
    scheduler = CosineAnnealingWarmRestarts(optimizer_of_two(), 3, 2)
    scheduler.step(4.5)
    assert scheduler.get_last_lr() == [0.08535533905932738, 0.42677669529663687]
    assert (scheduler.T_cur, scheduler.T_i, scheduler.last_epoch) == (1.5, 6, 4)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"T_0": 0}, "Expected positive integer T_0, but got 0"),
        ({"T_0": 2, "T_mult": 0}, "Expected integer T_mult >= 1, but got 0"),
        (
            {"T_0": 2, "eta_min": "a"},
            "Expected float or int eta_min, but got a of type <class 'str'>",
        ),
    ],
)
def test_bad_restarts(options, text, optimizer_of_two) -> None:
    with pytest.raises(ValueError) as caught:
        CosineAnnealingWarmRestarts(optimizer_of_two(), **options)
    assert str(caught.value) == text


def test_negative_epoch(optimizer_of_two) -> None:
    with pytest.raises(ValueError, match="Expected non-negative epoch, but got -1"):
        CosineAnnealingWarmRestarts(optimizer_of_two(), 2).step(-1)
