"""Rates that follow a measure. The numbers were recorded from PyTorch 2.13."""

from __future__ import annotations

import pytest

import lamella_core as core
from lamella_optim.lr_scheduler import ReduceLROnPlateau

MEASURES = [1.0, 0.9, 0.9, 0.95, 0.9, 0.85, 0.85, 0.85, 0.9, 1.0, 1.1, 1.1]
RATES = [
    (
        {"patience": 1},
        [
            0.1,
            0.1,
            0.1,
            0.010000000000000002,
            0.010000000000000002,
            0.010000000000000002,
            0.010000000000000002,
            0.0010000000000000002,
            0.0010000000000000002,
            0.00010000000000000003,
            0.00010000000000000003,
            1.0000000000000004e-05,
        ],
    ),
    (
        {"patience": 1, "factor": 0.5, "cooldown": 2, "min_lr": 0.02},
        [0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025, 0.025, 0.02],
    ),
    (
        {"mode": "max", "patience": 2, "threshold": 0.1},
        [
            0.1,
            0.1,
            0.1,
            0.010000000000000002,
            0.010000000000000002,
            0.010000000000000002,
            0.0010000000000000002,
            0.0010000000000000002,
            0.0010000000000000002,
            0.00010000000000000003,
            0.00010000000000000003,
            0.00010000000000000003,
        ],
    ),
    (
        {"patience": 0, "threshold": 0.04, "threshold_mode": "abs", "min_lr": [0.03, 0.1]},
        [0.1, 0.1, 0.03, 0.03, 0.03, 0.03, 0.03, 0.03, 0.03, 0.03, 0.03, 0.03],
    ),
]


@pytest.mark.parametrize(("options", "rates"), RATES)
def test_rates(options, rates, optimizer_of_two) -> None:
    scheduler = ReduceLROnPlateau(optimizer_of_two(), **options)
    found = []
    for i, measure in enumerate(MEASURES):
        scheduler.step(core.tensor(measure) if i % 2 else measure)
        found.append(scheduler.get_last_lr()[0])
    assert found == pytest.approx(rates, rel=1e-13)


def test_goes_on_from_a_state(optimizer_of_two) -> None:
    scheduler = ReduceLROnPlateau(optimizer_of_two(), patience=1)
    for measure in MEASURES[:5]:
        scheduler.step(measure)
    fresh = ReduceLROnPlateau(optimizer_of_two(), patience=7)
    fresh.load_state_dict(scheduler.state_dict())
    fresh.optimizer.load_state_dict(scheduler.optimizer.state_dict())
    for measure in MEASURES[5:]:
        scheduler.step(measure)
        fresh.step(measure)
    assert fresh.state_dict() == scheduler.state_dict()


def test_group_that_is_added_later(optimizer_of_two) -> None:
    optimizer = optimizer_of_two()
    scheduler = ReduceLROnPlateau(optimizer, patience=0)
    listed = ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.0, 0.0])
    optimizer.add_param_group({"params": [core.ones(1, requires_grad=True)], "lr": 1.0})
    for _ in range(2):
        scheduler.step(1.0)
    assert scheduler.get_last_lr() == pytest.approx([0.01, 0.05, 0.1])
    listed.step(1.0)
    with pytest.raises(RuntimeError, match="number of param groups"):
        listed.step(1.0)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"factor": 1.0}, "Factor should be < 1.0."),
        ({"mode": "x"}, "mode x is unknown!"),
        ({"threshold_mode": "x"}, "threshold mode x is unknown!"),
        ({"min_lr": [1.0]}, "expected 2 min_lrs, got 1"),
    ],
)
def test_bad_arguments(options, text, optimizer_of_two) -> None:
    with pytest.raises(ValueError) as caught:
        ReduceLROnPlateau(optimizer_of_two(), **options)
    assert str(caught.value) == text
