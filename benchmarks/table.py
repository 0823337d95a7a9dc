"""From the figures of the runs to medians, spreads, verdicts and a printed table."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rows import Row, Target

HEADER = ("program", "{candidate}", "{baseline}", "ratio", "spread", "target", "met")
SAME_WORK_TOLERANCE = 1e-3


@dataclass(slots=True)
class Outcome:
    """What the pairs of runs of one row gave; ``failure`` is set where a program failed."""

    row: Row
    candidate: list[dict[str, Any]] = field(default_factory=list)
    baseline: list[dict[str, Any]] = field(default_factory=list)
    failure: str | None = None

    @property
    def ratios(self) -> list[float]:
        """Candidate over baseline, within each pair."""
        if not self.row.has_ratio:
            return []
        pairs = zip(self.candidate, self.baseline, strict=False)
        return [ours["value"] / theirs["value"] for ours, theirs in pairs if theirs["value"] > 0]

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is no target or no figure."""
        target = self.row.target
        if target is None or self.failure is not None:
            return None
        if target.unit is not None:
            return median_value(self.candidate) <= target.limit
        return statistics.median(self.ratios) <= target.limit if self.ratios else None

    @property
    def same_work(self) -> bool:
        """Whether both frameworks computed the same number, within ``SAME_WORK_TOLERANCE``."""
        if self.failure is not None:
            return True
        ours, theirs = self.candidate[0]["check"], self.baseline[0]["check"]
        if ours is None and theirs is None:
            return True
        return math.isclose(ours, theirs, rel_tol=SAME_WORK_TOLERANCE)

    def to_json(self) -> dict[str, Any]:
        """The row as plain data: every run's line, the ratios and the verdict."""
        target = self.row.target
        return {
            "title": self.row.title,
            "program": self.row.program,
            "variant": self.row.variant,
            "candidate": self.candidate,
            "baseline": self.baseline,
            "ratios": self.ratios,
            "median_ratio": statistics.median(self.ratios) if self.ratios else None,
            "target": None if target is None else {"limit": target.limit, "unit": target.unit},
            "met": self.met,
            "same_work": self.same_work,
            "failure": self.failure,
        }


def median_value(runs: Sequence[dict[str, Any]]) -> float:
    """The median of the figures of some runs of one program."""
    return statistics.median(float(run["value"]) for run in runs)


def quantity(value: float, unit: str) -> str:
    """Three digits in the prefix that suits: `1.25 µs`, `756.6 MB`."""
    if unit == "B":
        return f"{value / 1e6:.1f} MB"
    for scale, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if abs(value) >= scale:
            return f"{value / scale:.3g} {name}"
    return f"{value / 1e-9:.3g} ns"


def ratio_text(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"


def target_text(target: Target | None) -> str:
    if target is None:
        return "-"
    if target.unit is None:
        return f"<= {target.limit:g}"
    return f"<= {quantity(target.limit, target.unit)}"


def cells(outcome: Outcome) -> tuple[str, ...]:
    """The texts of one line of the table."""
    row, target = outcome.row, target_text(outcome.row.target)
    if outcome.failure is not None:
        return (row.title, "-", "-", "-", "-", target, "failed")
    unit = outcome.candidate[0]["unit"]
    ours = quantity(median_value(outcome.candidate), unit)
    theirs = quantity(median_value(outcome.baseline), unit)
    ratio, spread = "-", "-"
    if outcome.ratios:
        ratio = ratio_text(statistics.median(outcome.ratios))
    if len(outcome.ratios) > 1:
        spread = f"{ratio_text(min(outcome.ratios))} to {ratio_text(max(outcome.ratios))}"
    met = {True: "yes", False: "no", None: "-"}[outcome.met]
    return (row.title, ours, theirs, ratio, spread, target, met)


def render(outcomes: Sequence[Outcome], candidate: str, baseline: str) -> str:
    """The Markdown table, then a note for each row that has something to say."""
    header = tuple(cell.format(candidate=candidate, baseline=baseline) for cell in HEADER)
    lines = [header, *(cells(outcome) for outcome in outcomes)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    texts = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines]
    texts.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    notes = [note for outcome in outcomes for note in notes_on(outcome, candidate, baseline)]
    return "\n".join(texts + (["", *notes] if notes else []))


def notes_on(outcome: Outcome, candidate: str, baseline: str) -> list[str]:
    """Details that the programs gave, results that differ, and the reason of a failure."""
    title = outcome.row.title
    if outcome.failure is not None:
        return [f"{title}: FAILED\n{outcome.failure}"]
    notes = []
    for name, runs in ((candidate, outcome.candidate), (baseline, outcome.baseline)):
        if runs[0]["detail"] is not None:
            notes.append(f"{title}, {name}: {runs[0]['detail']}")
    if not outcome.same_work:
        ours, theirs = outcome.candidate[0]["check"], outcome.baseline[0]["check"]
        notes.append(
            f"{title}: RESULTS DIFFER, {candidate} computed {ours!r} and {baseline} {theirs!r}, "
            f"more than {SAME_WORK_TOLERANCE:g} apart: the times are not of the same work"
        )
    return notes
