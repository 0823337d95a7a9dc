"""The list of exceptions, and what the run prints."""

from __future__ import annotations

import dataclasses
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from checks import Failure, Verdict

KEYS = {"op", "dtype", "check", "reason", "on_some_processors"}
MESSAGE_WIDTH = 200
FAILURES_PER_OP = 3


@dataclasses.dataclass(slots=True)
class ListedException:
    """A known deviation: failures of an op, at one dtype or check or at all of them."""

    op: str
    reason: str
    dtype: str = "*"
    check: str = "*"
    on_some_processors: bool = False
    used: bool = False

    def covers(self, failure: Failure) -> bool:
        return (
            self.op == failure.op
            and fnmatchcase(failure.dtype, self.dtype)
            and fnmatchcase(failure.check, self.check)
        )

    def __str__(self) -> str:
        return f"{self.op} (dtype {self.dtype}, check {self.check})"


def read_exceptions(path: Path) -> list[ListedException]:
    """The entries of the file; raises ValueError for one that lacks a reason or says too much."""
    entries: list[dict[str, Any]] = tomllib.loads(path.read_text())["exceptions"]
    listed = []
    for entry in entries:
        unknown = set(entry) - KEYS
        if unknown or not entry.get("op") or not entry.get("reason"):
            raise ValueError(
                f"{path.name}: {entry} must have an op and a reason, and otherwise only"
                f" dtype, check and on_some_processors"
            )
        listed.append(ListedException(**entry))
    return listed


@dataclasses.dataclass(slots=True)
class Report:
    """Gathers the verdicts and sums them up."""

    exceptions: list[ListedException]
    verbose: bool = False
    right: int = 0
    wrong: list[str] = dataclasses.field(default_factory=list)
    excepted: list[str] = dataclasses.field(default_factory=list)
    checks: int = 0
    not_carried: int = 0
    judged_by_truth: int = 0

    def add(self, verdict: Verdict) -> None:
        self.checks += verdict.checks
        self.not_carried += verdict.not_carried
        self.judged_by_truth += verdict.judged_by_truth
        wrong = [failure for failure in verdict.failures if not self.is_excepted(failure)]
        if wrong:
            self.wrong.append(verdict.op)
            self.print_failures(verdict.op, wrong)
        elif verdict.failures:
            self.excepted.append(verdict.op)
        else:
            self.right += 1
        if self.verbose:
            state = "wrong" if wrong else "excepted" if verdict.failures else "right"
            print(f"{verdict.op}: {state}, {verdict.checks} checks, {verdict.seconds:.1f} s")

    def is_excepted(self, failure: Failure) -> bool:
        covering = [entry for entry in self.exceptions if entry.covers(failure)]
        for entry in covering:
            entry.used = True
        return bool(covering)

    def print_failures(self, op: str, failures: list[Failure]) -> None:
        shown = failures if self.verbose else failures[:FAILURES_PER_OP]
        for failure in shown:
            message = failure.message
            if len(message) > MESSAGE_WIDTH and not self.verbose:
                message = message[: MESSAGE_WIDTH - 3] + "..."
            more = f" (+{failure.count - 1} samples)" if failure.count > 1 else ""
            print(
                f"FAILED {op} {failure.dtype} sample {failure.sample}"
                f" {failure.check}: {message}{more}"
            )
        if len(shown) < len(failures):
            print(f"FAILED {op} and {len(failures) - len(shown)} more kinds (--verbose shows all)")

    def unused(self, judged: set[str]) -> list[ListedException]:
        """Exceptions of the ops judged that covered no failure, and are not for other machines."""
        return [
            entry
            for entry in self.exceptions
            if entry.op in judged and not entry.used and not entry.on_some_processors
        ]
