"""Comparisons and tests have no derivatives."""

from __future__ import annotations

from lamella_autograd.formulas import non_differentiable

non_differentiable(
    "eq", "ne", "lt", "le", "gt", "ge", "isclose", "isfinite", "isinf", "isnan", "isneginf",
    "isposinf",
)  # fmt: skip
