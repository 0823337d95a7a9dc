"""The calls that ``op_memory.py`` measures, a module for each family of ops.

``calls(torch)`` of a module makes its operands, of 8 MB each in most places (two million float32),
and gives two dicts: calls that give new tensors, and calls that write into one that is there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Calls = dict[str, Callable[[], Any]]
