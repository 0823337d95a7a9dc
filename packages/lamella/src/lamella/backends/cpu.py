"""The processor."""

from __future__ import annotations

import numpy as np


def get_cpu_capability() -> str:
    """The widest vector instructions that NumPy found: ``AVX512``, ``AVX2``, ``DEFAULT``."""
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])  # type: ignore[index]
    for name, marks in (("AVX512", ("X86_V4", "AVX512")), ("AVX2", ("X86_V3", "AVX2"))):
        if any(each.startswith(marks) for each in found):
            return name
    return "DEFAULT"
