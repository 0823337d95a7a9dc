"""A full training step, written once for every network that the benchmarks train."""

from __future__ import annotations

import gc
from collections.abc import Callable
from types import ModuleType
from typing import Any

from measure import report, seconds_per_round
from resident import forget_peak, peak_bytes, resident_bytes

CHECKED_STEPS = 3

Steps = Callable[[], Any]


def make_step(torch: ModuleType, model: Any, optimizer: Any, inputs: Any, labels: Any) -> Steps:
    """Returns a function that does one step on a fixed batch and returns the loss."""
    cross_entropy = torch.nn.functional.cross_entropy

    def step() -> Any:
        optimizer.zero_grad()
        loss = cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step


def report_training(step: Steps) -> None:
    """Times the step; the check is the loss of an early step, before rounding errors have grown."""
    for _ in range(CHECKED_STEPS):
        loss = step()
    check = loss.item()

    def rounds(count: int) -> None:
        for _ in range(count):
            step()

    report(seconds_per_round(rounds), "s", check=check)


def report_peak(make_small: Callable[[], Steps], make: Callable[[], Steps]) -> None:
    """Gives the peak of resident memory in the first steps, over what there was before the model.

    A small one of the same kind is trained before, so that neither code that is loaded at first
    use nor a library's threads are counted.
    """
    small = make_small()
    for _ in range(CHECKED_STEPS):
        small()
    del small
    gc.collect()
    forget_peak()
    before = resident_bytes()
    step = make()
    for _ in range(CHECKED_STEPS):
        loss = step()
    peak = peak_bytes()
    report(peak - before, "B", check=loss.item())
