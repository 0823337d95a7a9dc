"""Runs PyTorch's operator database against a framework that has PyTorch's API.

    python conformance/run.py [--candidate lamella] [--op "linalg.*"] [--dtype float32,int64]

The last line printed is ``operators right N of M``; the exit status is 1 where an op that the list
of exceptions does not name is wrong. README.md says what is compared.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType
from typing import Any

import resolve
import torch
from checks import Failure, OpCheck, Verdict
from isolate import Lost, run_each
from report import Report, read_exceptions
from samples import DEFAULT_DTYPES, DEFAULT_MAX_SAMPLES, label, left_out
from torch.testing._internal.common_methods_invocations import op_db

DEFAULT_CANDIDATE = "lamella"
EXCEPTIONS = Path(__file__).with_name("exceptions.toml")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--candidate", default=DEFAULT_CANDIDATE, help="module to hold to PyTorch")
    parser.add_argument(
        "--op", action="append", metavar="PATTERN", help="only these ops (wildcards; repeatable)"
    )
    parser.add_argument(
        "--dtype", default=",".join(DEFAULT_DTYPES), help="dtypes, comma-separated (%(default)s)"
    )
    parser.add_argument(
        "--max-samples", type=int, default=DEFAULT_MAX_SAMPLES, metavar="N",
        help="samples per op and dtype, spread evenly (%(default)s)",
    )  # fmt: skip
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (%(default)s)")
    parser.add_argument(
        "--timeout", type=float, default=300.0, metavar="S", help="seconds an op may take"
    )
    parser.add_argument(
        "--exceptions", type=Path, metavar="FILE",
        help=f"list of exceptions ({EXCEPTIONS.name} for {DEFAULT_CANDIDATE}, else none)",
    )  # fmt: skip
    parser.add_argument(
        "--list-missing", action="store_true", help="only list the ops that the candidate lacks"
    )
    parser.add_argument("--verbose", action="store_true", help="every op, every kind of failure")
    options = parser.parse_args(arguments)
    options.dtypes = tuple(options.dtype.split(","))
    for name in options.dtypes:
        if not isinstance(getattr(torch, name, None), torch.dtype):
            parser.error(f"--dtype: PyTorch has no dtype {name!r}")
    if options.jobs < 1 or options.max_samples < 1:
        parser.error("--jobs and --max-samples must be at least 1")
    if options.exceptions is None and options.candidate == DEFAULT_CANDIDATE:
        options.exceptions = EXCEPTIONS
    return options


def selected(patterns: list[str] | None) -> list[Any]:
    """The entries of the database whose name, with or without its variant, matches a pattern."""
    if not patterns:
        return list(op_db)
    return [
        op
        for op in op_db
        if any(fnmatchcase(op.name, one) or fnmatchcase(label(op), one) for one in patterns)
    ]


def judge(op: Any, candidate: ModuleType, options: argparse.Namespace) -> Verdict:
    start = time.monotonic()
    torch.set_num_threads(1)
    verdict = OpCheck(op, candidate, options.dtypes, options.max_samples).run()
    verdict.seconds = time.monotonic() - start
    return verdict


def lost_verdict(op: Any, lost: Lost) -> Verdict:
    name = label(op)
    return Verdict(name, [Failure(name, "any", -1, lost.check, lost.message)])


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    candidate = importlib.import_module(options.candidate)
    ops = selected(options.op)
    if not ops:
        print(f"no op of the database matches {', '.join(options.op)}", file=sys.stderr)
        return 2
    reasons = Counter(reason for op in ops if (reason := left_out(op)))
    public = [op for op in ops if not left_out(op)]
    held = [op for op in public if resolve.has_op(op, candidate)]
    absent = [op for op in public if not resolve.has_op(op, candidate)]
    if options.list_missing:
        for op in absent:
            print(label(op))
        return 0

    listed = read_exceptions(options.exceptions) if options.exceptions else []
    report = Report(listed, options.verbose)
    results = run_each(
        lambda op: judge(op, candidate, options), held, options.jobs, options.timeout
    )
    for index, answer in results:
        lost = isinstance(answer, Lost)
        report.add(lost_verdict(held[index], answer) if lost else answer)

    failed = bool(report.wrong)
    # Only a run over all dtypes and samples can tell that an exception is no longer needed.
    whole = options.dtype == ",".join(DEFAULT_DTYPES)
    whole = whole and options.max_samples >= DEFAULT_MAX_SAMPLES
    present = {label(op) for op in op_db}
    for entry in listed:
        if entry.op not in present:
            print(f"UNKNOWN exception {entry}: the database has no such op")
            failed = True
    if whole:
        for entry in report.unused({label(op) for op in ops}):
            print(f"UNUSED exception {entry}: take it out")
            failed = True
    out = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    print(
        f"{report.checks} comparisons; {report.judged_by_truth} agreed only as near to the"
        f" double-precision result as PyTorch; {report.not_carried} samples not dense CPU tensors"
    )
    print(f"left out of the database: {out or 'none'}")
    print(f"absent from {options.candidate}: {len(absent)} (--list-missing names them)")
    print(f"wrong: {len(report.wrong)}; excepted with a reason: {len(report.excepted)}")
    print(f"operators right {report.right} of {len(held)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
