"""What all schedules share. Texts were recorded from PyTorch 2.13."""

from __future__ import annotations

import copy
import pickle
import warnings

import pytest

import lamella_core as core
from lamella_optim import SGD
from lamella_optim.lr_scheduler import ExponentialLR, LRScheduler, StepLR


def test_no_optimizer() -> None:
    with pytest.raises(TypeError, match="int is not an Optimizer"):
        StepLR(3, 2)


def test_resuming_needs_the_initial_rate(optimizer_of_two) -> None:
    with pytest.raises(KeyError, match="param 'initial_lr' is not specified in param_groups"):
        StepLR(optimizer_of_two(), 2, last_epoch=3)


def test_base_class_has_no_rates(optimizer_of_two) -> None:
    with pytest.raises(NotImplementedError):
        LRScheduler(optimizer_of_two())


def test_keys_of_the_state(optimizer_of_two) -> None:
    assert list(StepLR(optimizer_of_two(), 2).state_dict()) == [
        "step_size", "gamma", "base_lrs", "last_epoch", "_step_count", "_is_initial",
        "_get_lr_called_within_step", "_last_lr",
    ]  # fmt: skip


def test_own_schedule(optimizer_of_two) -> None:
    class Halved(LRScheduler):
        def get_lr(self):
            return [base / 2**self.last_epoch for base in self.base_lrs]

    optimizer = optimizer_of_two()
    scheduler = Halved(optimizer)
    optimizer.step()
    scheduler.step()
    assert scheduler.get_last_lr() == [0.05, 0.25]
    assert [group["initial_lr"] for group in optimizer.param_groups] == [0.1, 0.5]


def test_step_before_the_optimizer(optimizer_of_two) -> None:
    scheduler = StepLR(optimizer_of_two(), 2)
    with pytest.warns(UserWarning, match=r"Detected call of `lr_scheduler.step\(\)` before"):
        scheduler.step()


def test_overridden_step(optimizer_of_two) -> None:
    optimizer = optimizer_of_two()
    scheduler = StepLR(optimizer, 2)
    optimizer.step = lambda: None
    with pytest.warns(UserWarning, match=r"Seems like `optimizer.step\(\)` has been overridden"):
        scheduler.step()


def test_step_that_was_a_function_before(optimizer_of_two) -> None:
    optimizer = optimizer_of_two()
    optimizer.step = lambda closure=None: "own"
    scheduler = StepLR(optimizer, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert optimizer.step() == "own"
        scheduler.step()


def test_rates_outside_of_step(optimizer_of_two) -> None:
    with pytest.warns(UserWarning, match="To get the last learning rate computed"):
        StepLR(optimizer_of_two(), 2).get_lr()


def test_rate_as_tensor_stays_the_same_tensor() -> None:
    rate = core.tensor(0.5)
    optimizer = SGD([core.ones(1, requires_grad=True)], lr=rate)
    scheduler = ExponentialLR(optimizer, 0.5)
    first = scheduler.get_last_lr()
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == 0.25
    assert first[0].item() == 0.5
    assert scheduler.base_lrs[0].item() == 0.5


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_copies(copied, optimizer_of_two) -> None:
    again = copied(ExponentialLR(optimizer_of_two(), 0.5))
    with pytest.warns(UserWarning, match="overridden"):
        again.step()
    assert [group["lr"] for group in again.optimizer.param_groups] == [0.05, 0.25]
