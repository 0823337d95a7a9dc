"""Medians, verdicts and texts, on figures whose results are known by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rows import Row, Target
from table import Outcome, cells, quantity, render


def runs(*values: float, unit: str = "s") -> list[dict]:
    return [{"value": value, "unit": unit, "check": None, "detail": None} for value in values]


def outcome(target: Target | None, **fields: bool) -> Outcome:
    row = Row("work", "program", target=target, **fields)
    return Outcome(row, runs(1e-6, 2e-6, 9e-6), runs(2e-6, 2e-6, 3e-6))


def test_the_ratio_is_the_median_of_ratios_within_pairs():
    line = cells(outcome(Target(1.0)))
    assert line == ("work", "2 µs", "2 µs", "1.00", "0.50 to 3.00", "<= 1", "yes")


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (None, None),
        (Target(1.0), True),
        (Target(0.99), False),
        (Target(2e-6, "s"), True),
        (Target(1e-6, "s"), False),
    ],
)
def test_a_target_bounds_the_ratio_or_with_a_unit_the_candidate(target, met):
    assert outcome(target).met is met


def test_a_row_without_ratio_shows_none():
    assert cells(outcome(Target(1e-5, "s"), has_ratio=False))[3:5] == ("-", "-")


def test_a_failed_row_has_no_verdict():
    failed = Outcome(Row("work", "program", target=Target(1.0)), failure="why")
    assert failed.met is None
    assert cells(failed)[-1] == "failed"
    assert render([failed], "ours", "theirs").endswith("work: FAILED\nwhy")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.5, "s", "1.5 s"),
        (0.0123, "s", "12.3 ms"),
        (8.7e-7, "s", "870 ns"),
        (-0.002, "s", "-2 ms"),
        (756_585_444, "B", "756.6 MB"),
    ],
)
def test_quantities_are_written_in_a_suitable_prefix(value, unit, text):
    assert quantity(value, unit) == text
