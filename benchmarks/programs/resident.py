"""Resident memory of this process, now and at its peak, as Linux tells it."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc/self")
PEAK_IS_FORGOTTEN = "5"


def _read(name: str) -> str:
    path = PROC / name
    if not path.exists():
        raise SystemExit(f"resident memory is read from {path}, which only Linux has")
    return path.read_text()


def resident_bytes() -> int:
    """The pages that are in memory now (field 2 of `statm`), in bytes."""
    return int(_read("statm").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def peak_bytes() -> int:
    """The most that was in memory at once since the start or `forget_peak` (`VmHWM`), in bytes."""
    for line in _read("status").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("this kernel tells no peak of resident memory (VmHWM)")


def forget_peak() -> None:
    """Starts the peak anew from what is in memory now."""
    (PROC / "clear_refs").write_text(PEAK_IS_FORGOTTEN)
