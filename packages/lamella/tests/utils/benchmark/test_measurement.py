"""Statistics of times against NumPy's, and units against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from lamella.utils.benchmark import (
    Measurement,
    TaskSpec,
    select_unit,
    trim_sigfig,
    unit_to_english,
)

TASK = TaskSpec("x + 1", "pass", label="add", sub_label="small", description="ours")


def test_statistics() -> None:
    raw = [3e-4, 1e-4, 2e-4, 9e-4, 4e-4]
    measured = Measurement(100, raw, TASK)
    times = np.array(raw) / 100
    assert measured.times == pytest.approx(times)
    assert measured.median == pytest.approx(np.median(times))
    assert measured.mean == pytest.approx(np.mean(times))
    assert measured.iqr == pytest.approx(np.subtract(*np.percentile(times, [75, 25])))
    assert measured.has_warnings and not measured.meets_confidence()
    assert measured.meets_confidence(threshold=1.0)


def test_digits_that_the_spread_leaves() -> None:
    steady = Measurement(1, [1.0] * 5, TASK)
    assert steady.significant_figures == 4 and not steady.has_warnings and steady.iqr == 0
    assert Measurement(1, [1.0], TASK).significant_figures == 2
    # The error of the median is 1.253 * 0.5 / 1.349 / sqrt(5) = 0.21 beside a median of 1.
    wide = Measurement(1, [0.5, 0.75, 1.0, 1.25, 1.5], TASK)
    assert wide.iqr == 0.5 and wide.significant_figures == 1


def test_merging_joins_what_is_of_one_task() -> None:
    other = TaskSpec("y", "pass")
    merged = Measurement.merge(
        [
            Measurement(10, [1.0, 2.0], TASK),
            Measurement(1, [7.0], other),
            Measurement(2, [1.0], TASK),
        ]
    )
    assert [each.task_spec for each in merged] == [TASK, other]
    assert merged[0].times == [0.1, 0.2, 0.5] and merged[1].times == [7.0]


def test_names_and_text() -> None:
    measured = Measurement(100, [2e-4, 2e-4], TASK)
    assert (measured.title, measured.as_row_name) == ("add: small", "small")
    text = repr(measured)
    assert "Median: 2.00 us" in text and "2 measurements, 100 runs each, 1 thread" in text
    assert "WARNING" not in text and "WARNING" in repr(Measurement(1, [1.0, 2.0, 4.0], TASK))
    assert Measurement(1, [1.0], TaskSpec("y", "pass")).as_row_name == "y"


def test_units() -> None:
    for seconds, unit in ((5e-9, "ns"), (3e-5, "us"), (2e-2, "ms"), (3.0, "s"), (1e4, "s")):
        assert select_unit(seconds)[0] == unit
    assert select_unit(3e-5)[1] == 1e-6
    assert unit_to_english("us") == "microsecond" and unit_to_english("s") == "second"
    # As PyTorch 2.13's gives it.
    assert trim_sigfig(1234.5, 2) == 1200.0
