"""Rates up and down. The numbers were recorded from PyTorch 2.13"""

from __future__ import annotations

import pytest

from lamella_optim.lr_scheduler import CyclicLR

# What makes a schedule; by epoch, the rates of the two groups and the momentum of the second.
SEQUENCES = [
    (
        lambda optimizer: CyclicLR(optimizer, 0.01, 0.1, step_size_up=3),
        [
            [0.01, 0.01, 0.9],
            [0.040000000000000015, 0.040000000000000015, 0.8666666666666667],
            [0.06999999999999999, 0.06999999999999999, 0.8333333333333334],
            [0.1, 0.1, 0.8],
            [0.07000000000000003, 0.07000000000000003, 0.8333333333333334],
            [0.03999999999999998, 0.03999999999999998, 0.8666666666666667],
            [0.01, 0.01, 0.9],
            [0.040000000000000056, 0.040000000000000056, 0.8666666666666666],
            [0.06999999999999995, 0.06999999999999995, 0.8333333333333335],
        ],
    ),
    (
        lambda optimizer: CyclicLR(optimizer, [0.01, 0.02], 0.1, 2, 3, mode="triangular2"),
        [
            [0.01, 0.02, 0.9],
            [0.055, 0.06, 0.8500000000000001],
            [0.09999999999999999, 0.09999999999999999, 0.8],
            [0.06999999999999999, 0.07333333333333332, 0.8333333333333334],
            [0.039999999999999994, 0.04666666666666666, 0.8666666666666667],
            [0.01, 0.02, 0.9],
            [0.03250000000000002, 0.04000000000000002, 0.875],
            [0.055, 0.06, 0.8500000000000001],
            [0.039999999999999994, 0.04666666666666666, 0.8666666666666667],
        ],
    ),
    (
        lambda optimizer: CyclicLR(optimizer, 0.01, 0.1, 2, mode="exp_range", gamma=0.9),
        [
            [0.01, 0.01, 0.9],
            [0.05050000000000001, 0.05050000000000001, 0.855],
            [0.0829, 0.0829, 0.8190000000000001],
            [0.04280500000000001, 0.04280500000000001, 0.86355],
            [0.01, 0.01, 0.9],
            [0.03657205000000001, 0.03657205000000001, 0.8704755000000001],
            [0.05782969000000001, 0.05782969000000001, 0.8468559],
            [0.03152336050000001, 0.03152336050000001, 0.8760851550000001],
            [0.01, 0.01, 0.9],
        ],
    ),
    (
        lambda optimizer: CyclicLR(
            optimizer, 0.01, 0.1, 2, scale_fn=lambda x: 1 / x, cycle_momentum=False
        ),
        [
            [0.01, 0.01, 0.9],
            [0.05500000000000001, 0.05500000000000001, 0.9],
            [0.1, 0.1, 0.9],
            [0.05500000000000001, 0.05500000000000001, 0.9],
            [0.01, 0.01, 0.9],
            [0.0325, 0.0325, 0.9],
            [0.05500000000000001, 0.05500000000000001, 0.9],
            [0.0325, 0.0325, 0.9],
            [0.01, 0.01, 0.9],
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
    with pytest.raises(ValueError, match="mode is invalid and scale_fn is None"):
        CyclicLR(optimizer_of_two(), 0.1, 0.2, mode="x")
    with pytest.raises(ValueError, match="max_lr has 1 values, param_groups has 2"):
        CyclicLR(optimizer_of_two(), 0.1, [0.2])
