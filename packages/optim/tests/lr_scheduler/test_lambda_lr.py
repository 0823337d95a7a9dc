"""Rates that a function gives. The numbers were recorded from PyTorch 2.13"""

from __future__ import annotations

import pytest

from lamella_optim.lr_scheduler import LambdaLR, MultiplicativeLR

# What makes a schedule; by epoch, the rates of the two groups.
SEQUENCES = [
    (
        lambda optimizer: LambdaLR(optimizer, lambda epoch: 0.9**epoch),
        [
            [0.1, 0.5],
            [0.09000000000000001, 0.45],
            [0.08100000000000002, 0.405],
            [0.0729, 0.36450000000000005],
            [0.06561, 0.32805],
            [0.05904900000000001, 0.29524500000000004],
            [0.05314410000000001, 0.2657205],
            [0.04782969000000001, 0.23914845000000004],
            [0.04304672100000001, 0.21523360500000005],
        ],
    ),
    (
        lambda optimizer: LambdaLR(
            optimizer, [lambda epoch: epoch / 2, lambda epoch: 1 / (1 + epoch)]
        ),
        [
            [0.0, 0.5],
            [0.05, 0.25],
            [0.1, 0.16666666666666666],
            [0.15000000000000002, 0.125],
            [0.2, 0.1],
            [0.25, 0.08333333333333333],
            [0.30000000000000004, 0.07142857142857142],
            [0.35000000000000003, 0.0625],
            [0.4, 0.05555555555555555],
        ],
    ),
    (
        lambda optimizer: MultiplicativeLR(optimizer, lambda epoch: 1 - 1 / (1 + epoch)),
        [
            [0.1, 0.5],
            [0.05, 0.25],
            [0.03333333333333334, 0.16666666666666669],
            [0.025000000000000005, 0.125],
            [0.020000000000000004, 0.1],
            [0.01666666666666667, 0.08333333333333334],
            [0.014285714285714289, 0.07142857142857144],
            [0.012500000000000002, 0.06250000000000001],
            [0.011111111111111113, 0.055555555555555566],
        ],
    ),
]


@pytest.mark.parametrize(("build", "expected"), SEQUENCES)
def test_sequence(build, expected, assert_sequence) -> None:
    assert_sequence(build, expected)


@pytest.mark.parametrize(("build", "expected"), SEQUENCES)
def test_goes_on_from_a_state(build, expected, assert_goes_on) -> None:
    assert_goes_on(build)


class Power:
    def __init__(self, base: float) -> None:
        self.base = base

    def __call__(self, epoch: int) -> float:
        return self.base**epoch


@pytest.mark.parametrize("schedule", [LambdaLR, MultiplicativeLR])
def test_states_of_callable_objects(schedule, optimizer_of_two) -> None:
    saved = schedule(optimizer_of_two(), [Power(0.5), lambda epoch: 1.0]).state_dict()
    assert saved["lr_lambdas"] == [{"base": 0.5}, None]
    fresh = schedule(optimizer_of_two(), [Power(0.9), lambda epoch: 1.0])
    fresh.load_state_dict(saved)
    assert fresh.lr_lambdas[0].base == 0.5


@pytest.mark.parametrize("schedule", [LambdaLR, MultiplicativeLR])
def test_wrong_number_of_functions(schedule, optimizer_of_two) -> None:
    with pytest.raises(ValueError, match="Expected 2 lr_lambdas, but got 1"):
        schedule(optimizer_of_two(), [abs])
