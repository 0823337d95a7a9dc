"""Runs the same programs under two frameworks, in alternating processes, and compares them.

Every ratio is candidate / baseline: below 1, the candidate is faster, smaller or quicker to import.
"""

from __future__ import annotations

import argparse
import fnmatch
import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rows import ROWS, Row
from table import Outcome, render

PROGRAMS = Path(__file__).resolve().parent / "programs"
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
CHILD_SECONDS = 900


class ProgramError(Exception):
    """A benchmark program ended with an error; the text is what it wrote to stderr."""


def run_program(
    row: Row, framework: str, environment: dict[str, str], device: str | None = None
) -> dict[str, Any]:
    """Runs one program in a fresh process and returns the line of JSON that it printed."""
    command = [sys.executable, str(PROGRAMS / f"{row.program}.py"), "--framework", framework]
    if row.variant is not None:
        command += ["--variant", row.variant]
    if device is not None:
        command += ["--device", device]
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            check=False,
            text=True,
            timeout=CHILD_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise ProgramError(f"{framework}: no end within {CHILD_SECONDS} s") from error
    if done.returncode != 0:
        raise ProgramError(f"{framework}: exit status {done.returncode}\n{done.stderr.strip()}")
    line: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return line


def run_row(
    row: Row,
    candidate: str,
    baseline: str,
    repeat: int,
    environment: dict[str, str],
    device: str | None = None,
) -> Outcome:
    """Runs the pairs of one row: candidate, baseline, candidate, baseline, ..."""
    outcome = Outcome(row)
    try:
        for _ in range(1 if row.once else repeat):
            outcome.candidate.append(run_program(row, candidate, environment, device))
            outcome.baseline.append(run_program(row, baseline, environment, device))
    except ProgramError as failure:
        outcome.failure = str(failure)
    return outcome


def chosen_rows(pattern: str | None, device: str | None = None) -> list[Row]:
    """The rows whose title matches: a part of it, or a shell pattern, in any case.

    On a device only those count whose work is done there, without the targets, which are the CPU's.
    """
    rows: Sequence[Row] = ROWS
    if device is not None:
        rows = [replace(row, target=None) for row in ROWS if row.on_device]
    if pattern is None:
        return list(rows)
    wanted = f"*{pattern.lower()}*"
    return [row for row in rows if fnmatch.fnmatchcase(row.title.lower(), wanted)]


def usable_cores() -> int:
    """The cores that this process may use, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def version(framework: str) -> str:
    try:
        return importlib.metadata.version(framework)
    except importlib.metadata.PackageNotFoundError:
        return "of no installed distribution"


def positive(text: str) -> int:
    """An option's whole number, which must be at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def read_arguments(words: Sequence[str] | None) -> tuple[argparse.Namespace, list[Row]]:
    """Reads and checks the options before any program runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidate", default="lamella", metavar="MODULE")
    parser.add_argument("--baseline", default="torch", metavar="MODULE")
    parser.add_argument("--only", metavar="PATTERN", help="rows whose title holds this")
    parser.add_argument("--repeat", type=positive, default=5, metavar="N", help="pairs of runs")
    parser.add_argument(
        "--threads", type=positive, metavar="N", help="threads on both sides (default: their own)"
    )
    parser.add_argument("--device", choices=("cuda",), help="measure there what can be")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure here")
    parser.add_argument("--check", action="store_true", help="exit 1 when a target is missed")
    arguments = parser.parse_args(words)
    for framework in (arguments.candidate, arguments.baseline):
        if importlib.util.find_spec(framework) is None:
            parser.error(f"no module named {framework!r} in this environment: install it first")
    rows = chosen_rows(arguments.only, arguments.device)
    if not rows:
        titles = "\n  ".join(row.title for row in ROWS)
        parser.error(f"--only {arguments.only!r} matches no row; the rows are\n  {titles}")
    if arguments.json is not None:
        try:
            arguments.json.open("a").close()
        except OSError as error:
            parser.error(f"--json: cannot write {arguments.json}: {error.strerror}")
    return arguments, rows


def main(words: Sequence[str] | None = None) -> int:
    arguments, rows = read_arguments(words)
    candidate, baseline = arguments.candidate, arguments.baseline
    environment = dict(os.environ)
    if arguments.threads is not None:
        environment.update(dict.fromkeys(THREAD_VARIABLES, str(arguments.threads)))
    threads = {name: environment.get(name) for name in THREAD_VARIABLES}
    facts = {
        "candidate": f"{candidate} {version(candidate)}",
        "baseline": f"{baseline} {version(baseline)}",
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": usable_cores(),
        "threads": threads,
        "pairs": arguments.repeat,
    }
    settings = [f"{name}={value}" for name, value in threads.items() if value is not None]
    print(
        f"{facts['candidate']} against {facts['baseline']}, Python {facts['python']}, "
        f"{facts['machine']}, {facts['cores']} cores, "
        f"threads: {' '.join(settings) or 'the default of each library'}, "
        f"pairs of processes: {arguments.repeat}\n",
        flush=True,
    )
    outcomes = []
    stopped = False
    try:
        for number, row in enumerate(rows, start=1):
            print(f"[{number}/{len(rows)}] {row.title}", file=sys.stderr, flush=True)
            outcomes.append(
                run_row(row, candidate, baseline, arguments.repeat, environment, arguments.device)
            )
    except KeyboardInterrupt:
        # What was measured before took minutes.
        stopped = True
        print(f"stopped after {len(outcomes)} of {len(rows)} rows", file=sys.stderr, flush=True)
    print(render(outcomes, candidate, baseline))

    if arguments.json is not None:
        figures = {"environment": facts, "rows": [outcome.to_json() for outcome in outcomes]}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if stopped:
        return 130
    if any(outcome.failure is not None for outcome in outcomes):
        return 1
    missed = any(outcome.met is False or not outcome.same_work for outcome in outcomes)
    return 1 if arguments.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
