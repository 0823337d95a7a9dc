"""What a timer has measured: times of one statement, and what they tell of it."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_UNITS = {"ns": (1e-9, "nanosecond"), "us": (1e-6, "microsecond"), "ms": (1e-3, "millisecond")}
# From this share of the median on, the middle half of the times is told to be wide.
_WIDE = 0.1


def select_unit(t: float) -> tuple[str, float]:
    """The unit in which a time in seconds reads best, and its length in seconds."""
    for name, (seconds, _) in _UNITS.items():
        if t < 1000 * seconds:
            return name, seconds
    return "s", 1.0


def unit_to_english(u: str) -> str:
    """The whole name of a unit, ``"microsecond"`` for ``"us"``."""
    return "second" if u == "s" else _UNITS[u][1]


def trim_sigfig(x: float, n: int) -> float:
    """``x`` to ``n`` significant digits."""
    return float(f"{x:.{max(n, 1) - 1}e}")


@dataclass(frozen=True)
class TaskSpec:
    """What was timed: the statement, how it is called in tables, and with how many threads."""

    stmt: str
    setup: str
    global_setup: str = ""
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    num_threads: int = 1

    @property
    def title(self) -> str:
        if self.label is not None:
            return self.label + (f": {self.sub_label}" if self.sub_label else "")
        return self.stmt if "\n" not in self.stmt else f"stmt:\n{_indented(self.stmt)}"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines())


@dataclass(repr=False)
class Measurement:
    """Times of a statement.

    Args:
        number_per_run: how often the statement ran for each of the times.
        raw_times: in seconds, each of so many runs.
        task_spec: what was timed.
        metadata: the user's own, kept beside it.
    """

    number_per_run: int
    raw_times: list[float]
    task_spec: TaskSpec
    metadata: dict[Any, Any] | None = field(default=None)

    @property
    def times(self) -> list[float]:
        """Seconds of one run of the statement, for each of the times."""
        return [t / self.number_per_run for t in self.raw_times]

    @property
    def median(self) -> float:
        return statistics.median(self.times)

    @property
    def mean(self) -> float:
        return statistics.fmean(self.times)

    @property
    def iqr(self) -> float:
        """The width of the middle half of the times, by quartiles linear between neighbours."""
        low, high = self._quartiles()
        return high - low

    def _quartiles(self) -> tuple[float, float]:
        times = self.times
        if len(times) < 2:
            return times[0], times[0]
        low, _, high = statistics.quantiles(times, n=4, method="inclusive")
        return low, high

    @property
    def significant_figures(self) -> int:
        """How many digits of the median the spread leaves, from 1 to 4; 2 for a single time.

        The error of a median of ``n`` normal numbers is ``1.253 σ / sqrt(n)``, and their middle
        half is ``1.349 σ`` wide (M. G. Kendall, A. Stuart, "The Advanced Theory of Statistics").
        """
        if len(self.raw_times) < 2:
            return 2
        error = 1.253 * self.iqr / 1.349 / math.sqrt(len(self.raw_times))
        if not error or not self.median:
            return 4
        return min(max(math.floor(math.log10(self.median / error)) + 1, 1), 4)

    @property
    def has_warnings(self) -> bool:
        """Whether the middle half of the times is wide for their median, by a tenth or more."""
        return not self.meets_confidence()

    def meets_confidence(self, threshold: float = _WIDE) -> bool:
        """Whether the middle half of the times is narrower than this share of the median."""
        return self.iqr <= threshold * self.median

    @property
    def title(self) -> str:
        return self.task_spec.title

    @property
    def env(self) -> str:
        return self.task_spec.env or "Unspecified env"

    @property
    def as_row_name(self) -> str:
        return self.task_spec.sub_label or self.task_spec.stmt or "[Unknown]"

    @property
    def num_threads(self) -> int:
        return self.task_spec.num_threads

    @property
    def label(self) -> str | None:
        return self.task_spec.label

    @property
    def description(self) -> str | None:
        return self.task_spec.description

    @staticmethod
    def merge(measurements: Iterable[Measurement]) -> list[Measurement]:
        """One measurement for each task, with the times of all that were of it."""
        by_task: dict[TaskSpec, list[Measurement]] = {}
        for each in measurements:
            by_task.setdefault(each.task_spec, []).append(each)
        return [
            group[0]
            if len(group) == 1
            else Measurement(1, [t for each in group for t in each.times], task)
            for task, group in by_task.items()
        ]

    def __repr__(self) -> str:
        name, unit = select_unit(self.median)
        lines = [self.title]
        spec = self.task_spec
        lines += [text for text in (spec.description, spec.env) if text]
        if spec.setup and spec.setup != "pass":
            lines.append(f"setup:\n{_indented(spec.setup)}")
        count, runs = len(self.raw_times), self.number_per_run
        if count > 1:
            low, high = (t / unit for t in self._quartiles())
            lines.append(f"  Median: {self.median / unit:.2f} {name}")
            lines.append(f"  IQR:    {high - low:.2f} {name} ({low:.2f} to {high:.2f})")
        else:
            lines.append(f"  {self.median / unit:.2f} {name}")
        lines.append(
            f"  {_counted(count, 'measurement')}, {_counted(runs, 'run')} each, "
            f"{_counted(spec.num_threads, 'thread')}"
        )
        if self.has_warnings:
            share = self.iqr / self.median
            lines.append(f"  WARNING: the IQR is {share:.0%} of the median")
        return "\n".join(lines)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
