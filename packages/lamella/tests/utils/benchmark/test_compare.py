"""Tables of given times, entry by entry."""

from __future__ import annotations

import re

import pytest

from lamella.utils.benchmark import Compare, Measurement, TaskSpec


def measured(size: str, way: str, *times: float, threads: int = 1, env: str | None = None):
    task = TaskSpec("f(x)", "pass", "", "f", size, way, env, threads)
    return Measurement(1, [t * 1e-6 for t in times], task)


RESULTS = [
    measured("1", "old", 4.0),
    measured("1", "new", 2.0, 2.0, 8.0),
    measured("100", "old", 40.26, 40.26),
    measured("1", "old", 3.0, threads=2),
]


def entries(table: str) -> list[list[str]]:
    lines = [line for line in table.splitlines() if "|" in line or "thread" in line]
    return [[cell.strip(" -") for cell in line.split("|")] for line in lines]


def test_rows_columns_and_groups() -> None:
    assert entries(str(Compare(RESULTS))) == [
        ["", "old", "new"],
        ["1 thread:"],
        ["1", "4.0", "2.0"],
        ["100", "40.3", ""],
        ["2 threads:"],
        ["1", "3.0", ""],
    ]
    assert "microseconds (us)" in str(Compare(RESULTS))


def test_tables_by_label_and_merged_tasks() -> None:
    other = Measurement(1, [1.0], TaskSpec("g(x)", "pass"))
    text = str(Compare([measured("1", "a", 1.0), other, measured("1", "a", 3.0)]))
    assert text.count("Times are in") == 2 and "  2.0" in text and "g(x)" in text


def test_environments_are_told_apart() -> None:
    table = str(Compare([measured("1", "a", 1.0, env="x"), measured("1", "a", 2.0, env="y")]))
    assert [row[0] for row in entries(table)[2:]] == ["1 (x)", "1 (y)"]


def test_options() -> None:
    table = Compare(RESULTS)
    table.trim_significant_figures()
    table.highlight_warnings()
    assert entries(str(table))[2:4] == [["1", "4.0", "2.0 (!)"], ["100", "40.3", ""]]
    assert "(!)" in str(table).splitlines()[-1]
    table.colorize(rowwise=True)
    # New is the best of its row, and twice as fast as old, which is neither near nor far.
    row = str(table).splitlines()[3]
    assert re.findall(r"\033\[(\d+)m", row) == ["92", "1", "0"] and "\033[1m2.0" in row
    bare = Compare([])
    bare.extend_results(RESULTS)
    with pytest.raises(ValueError, match="Measurement"):
        bare.extend_results([1])  # type: ignore[list-item]


def test_print(capsys: pytest.CaptureFixture[str]) -> None:
    Compare(RESULTS).print()
    assert capsys.readouterr().out == f"{Compare(RESULTS)}\n"
