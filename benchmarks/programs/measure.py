"""What every program shares: its arguments, the clock, and the one line of JSON that it prints."""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import time
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TypeVar

BATCH_SECONDS = 0.02
BUDGET_SECONDS = 1.0
FEWEST_BATCHES, MOST_BATCHES = 5, 50

T = TypeVar("T")

_device: list[str] = []
# Waits for the work on a device that the clock would otherwise not see; load() sets it.
_finish: list[Callable[[], object]] = []


def read_arguments(description: str | None, variants: Sequence[str] = ()) -> argparse.Namespace:
    """Reads ``--framework NAME`` and, where a program has variants, ``--variant NAME``.

    ``--device`` is kept for ``load``.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--framework", required=True, help="the module to measure")
    parser.add_argument("--device", choices=("cuda",), help="where tensors are made")
    if variants:
        parser.add_argument("--variant", required=True, choices=variants)
    arguments = parser.parse_args()
    _device[:] = [arguments.device] if arguments.device else []
    return arguments


def load(framework: str) -> ModuleType:
    """Imports the framework, which the programs then call ``torch``, with the device as default."""
    torch = importlib.import_module(framework)
    for device in _device:
        torch.set_default_device(device)
        _finish[:] = [torch.cuda.synchronize]
    return torch


def seconds_per_round(rounds: Callable[[int], object], budget: float = BUDGET_SECONDS) -> float:
    """The median over batches of the seconds that one round takes.

    ``rounds(n)`` does the work n times in its own loop, so that no call of ours is timed with it.
    A batch holds as many rounds as fill ``BATCH_SECONDS``; the growing batches that find that
    number are the warm-up, and the batches after them take ``budget`` seconds together.
    """
    count = 1
    while (elapsed := _seconds(rounds, count)) < BATCH_SECONDS:
        count = max(2 * count, int(count * BATCH_SECONDS / max(elapsed, 1e-9)))
    wanted = int(budget / elapsed)
    batches = min(max(wanted, FEWEST_BATCHES), MOST_BATCHES)
    return statistics.median(_seconds(rounds, count) / count for _ in range(batches))


def seconds_of_one(prepare: Callable[[], T], work: Callable[[T], object]) -> float:
    """The median of the seconds that ``work`` takes on what ``prepare`` made, which is not timed.

    The work should take a millisecond or more: each round reads the clock twice.
    """
    taken: list[float] = []
    while sum(taken) < BUDGET_SECONDS:
        made = prepare()
        start = time.perf_counter_ns()
        work(made)
        taken.append((time.perf_counter_ns() - start) * 1e-9)
    return statistics.median(taken)


def _seconds(rounds: Callable[[int], object], count: int) -> float:
    start = time.perf_counter_ns()
    rounds(count)
    for finish in _finish:
        finish()
    return (time.perf_counter_ns() - start) * 1e-9


def report(value: float, unit: str, check: float | None = None, detail: str | None = None) -> None:
    """Prints the program's line.

    ``value`` is the figure in ``unit`` ("s" or "B"); ``check`` is a number that the computation
    gave, by which the runner sees that both frameworks did the same work; ``detail`` is a note
    for the reader.
    """
    print(json.dumps({"value": value, "unit": unit, "check": check, "detail": detail}))
