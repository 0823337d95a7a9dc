"""Wall time of `import X` in a fresh process, less that of a process that imports nothing."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from measure import read_arguments, report

PROCESSES = 3


def wall_seconds(code: str) -> float:
    """How long a fresh interpreter takes for the code; -P keeps the current folder off its path."""
    start = time.perf_counter_ns()
    subprocess.run([sys.executable, "-P", "-c", code], check=True)
    return (time.perf_counter_ns() - start) * 1e-9


def main() -> None:
    arguments = read_arguments(__doc__)
    importing = f"import {arguments.framework}"
    wall_seconds(importing)
    differences = [wall_seconds(importing) - wall_seconds("pass") for _ in range(PROCESSES)]
    report(statistics.median(differences), "s")


if __name__ == "__main__":
    main()
