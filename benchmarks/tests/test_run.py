"""The benchmark command against two tiny frameworks, written here, that can only add."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).resolve().parent.parent / "run.py"
FRAMEWORK = """
class Number(float):
    def __add__(self, other):
        return Number(float(self) + float(other))

    def sum(self):
        return self

    def item(self):
        return float(self)

def manual_seed(seed):
    pass

def randn(*shape, requires_grad=False):
    return Number({value})
"""


@pytest.fixture
def bench(tmp_path):
    """Runs the command where `first` and `second` add 1 + 1, `third` adds 2 + 2, `fourth` dies."""
    for name, value in (("first", "1"), ("second", "1"), ("third", "2"), ("fourth", "nothing")):
        (tmp_path / f"{name}.py").write_text(FRAMEWORK.format(value=value))

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        return subprocess.run(
            [sys.executable, str(RUN), *words],
            env=environment,
            capture_output=True,
            check=False,
            text=True,
            encoding="utf-8",
        )

    return run


def test_one_row_is_run_in_pairs_and_written_as_json(bench, tmp_path):
    figures = tmp_path / "figures.json"
    done = bench(
        *("--candidate", "first", "--baseline", "second", "--only", "no grad"),
        *("--repeat", "2", "--threads", "1", "--json", str(figures)),
    )
    assert done.returncode == 0, done.stderr
    assert "OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1" in done.stdout
    written = json.loads(figures.read_text())
    (row,) = written["rows"]
    assert row["title"] == "a + b, no grad"
    assert [run["check"] for run in row["candidate"]] == [2.0, 2.0]
    assert len(row["ratios"]) == 2
    assert row["ratios"][0] == row["candidate"][0]["value"] / row["baseline"][0]["value"]
    assert row["target"] == {"limit": 0.8, "unit": None}
    assert row["same_work"]


def test_results_that_differ_are_told_and_fail_the_check(bench):
    words = ("--candidate", "first", "--baseline", "third", "--only", "no grad", "--repeat", "1")
    told = bench(*words)
    assert told.returncode == 0
    assert "RESULTS DIFFER, first computed 2.0 and third 4.0" in told.stdout
    assert bench(*words, "--check").returncode == 1


def test_a_program_that_fails_is_told_and_fails_the_run(bench):
    done = bench("--candidate", "fourth", "--baseline", "first", "--only", "a + b", "--repeat", "1")
    assert done.returncode == 1
    assert "NameError: name 'nothing' is not defined" in done.stdout
    assert done.stdout.count("| failed |") == 2


def test_an_interrupted_run_shows_the_rows_that_it_has(bench, tmp_path):
    stops = """
import os, signal

def randn(*shape, requires_grad=False):
    if requires_grad:
        os.kill(os.getppid(), signal.SIGINT)
    return Number(1)
"""
    (tmp_path / "stops.py").write_text(FRAMEWORK.format(value=1) + stops)
    figures = tmp_path / "figures.json"
    options = ("--repeat", "1", "--json", str(figures))
    done = bench("--candidate", "stops", "--baseline", "second", "--only", "a + b", *options)
    assert done.returncode == 130
    assert "stopped after 1 of 2 rows" in done.stderr
    assert "| a + b, no grad" in done.stdout
    assert [row["title"] for row in json.loads(figures.read_text())["rows"]] == ["a + b, no grad"]


def test_the_import_row_needs_no_tensor(bench):
    done = bench(
        "--candidate", "first", "--baseline", "second", "--only", "import", "--repeat", "1"
    )
    assert done.returncode == 0, done.stderr
    assert "| import " in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--candidate", "absent"], "no module named 'absent'"),
        (["--only", "zzz"], "matches no row; the rows are\n  import\n"),
        (["--repeat", "0"], "'0' is not a whole number of at least 1"),
        (["--threads", "two"], "'two' is not a whole number of at least 1"),
        (["--json", "absent/figures.json"], "cannot write"),
    ],
)
def test_bad_options_are_refused_before_anything_runs(bench, words, message):
    done = bench("--candidate", "first", "--baseline", "second", *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""
