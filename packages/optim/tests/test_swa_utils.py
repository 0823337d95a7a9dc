"""SWALR's numbers were recorded from PyTorch 2.13; the averages are checked by their formulas."""

from __future__ import annotations

import pytest

import lamella_core as core
from lamella_optim import SGD
from lamella_optim.swa_utils import (
    SWALR,
    get_ema_avg_fn,
    get_ema_multi_avg_fn,
    get_swa_avg_fn,
    get_swa_multi_avg_fn,
)

RATES = [
    (
        {},
        [
            0.1,
            0.09877641290737885,
            0.0952254248593737,
            0.08969463130731184,
            0.0827254248593737,
            0.07500000000000001,
            0.06727457514062632,
        ],
    ),
    (
        {"anneal_epochs": 4, "anneal_strategy": "linear"},
        [0.1, 0.08750000000000001, 0.07500000000000001, 0.06250000000000001, 0.05, 0.05, 0.05],
    ),
    ({"anneal_epochs": 0}, [0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05]),
]


@pytest.mark.parametrize(("options", "rates"), RATES)
def test_rates(options, rates) -> None:
    optimizer = SGD([core.ones(1, requires_grad=True)], lr=0.1)
    scheduler = SWALR(optimizer, 0.05, **options)
    found = scheduler.get_last_lr()
    for _ in range(6):
        optimizer.step()
        scheduler.step()
        found = [*found, *scheduler.get_last_lr()]
    assert found == pytest.approx(rates, rel=1e-13)


def test_bad_arguments() -> None:
    optimizer = SGD([core.ones(1, requires_grad=True)], lr=0.1)
    with pytest.raises(ValueError, match="anneal_epochs must be equal or greater than 0, got -1"):
        SWALR(optimizer, 0.05, -1)
    with pytest.raises(ValueError, match="anneal_strategy must be one of 'cos' or 'linear'"):
        SWALR(optimizer, 0.05, anneal_strategy="x")
    with pytest.raises(ValueError, match="Invalid decay value 1.5 provided"):
        get_ema_avg_fn(1.5)


def test_averages() -> None:
    average = core.tensor([1.0, 2.0], dtype=core.float64)
    current = core.tensor([3.0, -2.0], dtype=core.float64, requires_grad=True)
    found = get_ema_avg_fn(0.75)(average, current, 4)
    assert found.tolist() == [1.5, 1.0]
    assert not found.requires_grad
    # The mean of three values of 1 and 2, and of the current ones.
    assert get_swa_avg_fn()(average, current, core.tensor(3)).tolist() == [1.5, 1.0]


def test_averages_in_place() -> None:
    for update, count in ((get_ema_multi_avg_fn(0.75), 0), (get_swa_multi_avg_fn(), 3)):
        average = core.tensor([1.0, 2.0], dtype=core.float64)
        update([average], [core.tensor([3.0, -2.0], dtype=core.float64)], count)
        assert average.tolist() == [1.5, 1.0]
