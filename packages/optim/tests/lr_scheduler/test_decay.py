"""Rates that are multiplied now and then. The numbers were recorded from PyTorch 2.13"""

from __future__ import annotations

import pytest

from lamella_optim.lr_scheduler import ExponentialLR, MultiStepLR, StepLR

# What makes a schedule; by epoch, the rates of the two groups.
SEQUENCES = [
    (
        lambda optimizer: StepLR(optimizer, 3),
        [
            [0.1, 0.5],
            [0.1, 0.5],
            [0.1, 0.5],
            [0.010000000000000002, 0.05],
            [0.010000000000000002, 0.05],
            [0.010000000000000002, 0.05],
            [0.0010000000000000002, 0.005000000000000001],
            [0.0010000000000000002, 0.005000000000000001],
            [0.0010000000000000002, 0.005000000000000001],
        ],
    ),
    (
        lambda optimizer: StepLR(optimizer, step_size=2, gamma=0.5),
        [
            [0.1, 0.5],
            [0.1, 0.5],
            [0.05, 0.25],
            [0.05, 0.25],
            [0.025, 0.125],
            [0.025, 0.125],
            [0.0125, 0.0625],
            [0.0125, 0.0625],
            [0.00625, 0.03125],
        ],
    ),
    (
        lambda optimizer: MultiStepLR(optimizer, [2, 4, 4]),
        [
            [0.1, 0.5],
            [0.1, 0.5],
            [0.010000000000000002, 0.05],
            [0.010000000000000002, 0.05],
            [0.00010000000000000005, 0.0005000000000000001],
            [0.00010000000000000005, 0.0005000000000000001],
            [0.00010000000000000005, 0.0005000000000000001],
            [0.00010000000000000005, 0.0005000000000000001],
            [0.00010000000000000005, 0.0005000000000000001],
        ],
    ),
    (
        lambda optimizer: MultiStepLR(optimizer, (5, 1), gamma=0.5),
        [
            [0.1, 0.5],
            [0.05, 0.25],
            [0.05, 0.25],
            [0.05, 0.25],
            [0.05, 0.25],
            [0.025, 0.125],
            [0.025, 0.125],
            [0.025, 0.125],
            [0.025, 0.125],
        ],
    ),
    (
        lambda optimizer: ExponentialLR(optimizer, 0.9),
        [
            [0.1, 0.5],
            [0.09000000000000001, 0.45],
            [0.08100000000000002, 0.405],
            [0.07290000000000002, 0.36450000000000005],
            [0.06561000000000002, 0.32805000000000006],
            [0.05904900000000002, 0.2952450000000001],
            [0.05314410000000002, 0.2657205000000001],
            [0.04782969000000002, 0.23914845000000007],
            [0.043046721000000024, 0.21523360500000008],
        ],
    ),
]


@pytest.mark.parametrize(("build", "expected"), SEQUENCES)
def test_sequence(build, expected, assert_sequence) -> None:
    assert_sequence(build, expected)


@pytest.mark.parametrize(("build", "expected"), SEQUENCES)
def test_goes_on_from_a_state(build, expected, assert_goes_on) -> None:
    assert_goes_on(build)


def test_closed_forms(optimizer_of_two) -> None:
    for build in (lambda o: StepLR(o, 2, 0.5), lambda o: MultiStepLR(o, [2, 4], 0.5)):
        optimizer = optimizer_of_two()
        scheduler = build(optimizer)
        optimizer.step()
        with pytest.warns(UserWarning, match="The epoch parameter in"):
            scheduler.step(5)
        assert scheduler.get_last_lr() == [0.025, 0.125]
