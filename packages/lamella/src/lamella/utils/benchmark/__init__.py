"""``torch.utils.benchmark``: times of statements, with their spread, and tables of them."""

from lamella.utils.benchmark._compare import Compare
from lamella.utils.benchmark._measurement import (
    Measurement,
    TaskSpec,
    select_unit,
    trim_sigfig,
    unit_to_english,
)
from lamella.utils.benchmark._timer import Timer, timer

__all__ = [
    "Compare", "Measurement", "TaskSpec", "Timer", "select_unit", "timer", "trim_sigfig",
    "unit_to_english",
]  # fmt: skip
