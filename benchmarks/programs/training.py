"""A full training step, written once for every network that the benchmarks train."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from measure import report, seconds_per_round

CHECKED_STEPS = 3


def make_step(
    torch: ModuleType, model: Any, optimizer: Any, inputs: Any, labels: Any
) -> Callable[[], Any]:
    """Returns a function that does one step on a fixed batch and returns the loss."""
    cross_entropy = torch.nn.functional.cross_entropy

    def step() -> Any:
        optimizer.zero_grad()
        loss = cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step


def report_training(step: Callable[[], Any]) -> None:
    """Times the step; the check is the loss of an early step, before rounding errors have grown."""
    for _ in range(CHECKED_STEPS):
        loss = step()
    check = loss.item()

    def rounds(count: int) -> None:
        for _ in range(count):
            step()

    report(seconds_per_round(rounds), "s", check=check)
