"""Marks and ranges that NVIDIA's profilers show."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lamella.cuda.devices import cupy

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["mark", "range", "range_pop", "range_push"]


def mark(msg: str) -> None:
    """Marks a moment."""
    cupy().cuda.nvtx.Mark(msg)


def range_push(msg: str) -> None:
    """Begins a range within the present one."""
    cupy().cuda.nvtx.RangePush(msg)


def range_pop() -> None:
    """Ends the innermost range."""
    cupy().cuda.nvtx.RangePop()


@contextmanager
def range(msg: str, *args: Any, **kwargs: Any) -> Iterator[None]:
    """A range over the context; ``msg`` is formatted with the other arguments."""
    range_push(msg.format(*args, **kwargs))
    try:
        yield
    finally:
        range_pop()
