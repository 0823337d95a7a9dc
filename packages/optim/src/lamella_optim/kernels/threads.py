"""Two or more threads for long lists of blocks: NumPy computes without the interpreter lock."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor

_pool: ThreadPoolExecutor | None = None


def thread_count() -> int:
    """How many threads an update is spread over: ``OMP_NUM_THREADS``, or the usable cores."""
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_parts(run: Callable[..., None], body: Any, blocks: list[Any], flags: Any) -> None:
    """Calls ``run(body, part, flags)`` for as many parts of ``blocks`` as there are threads."""
    global _pool
    count = min(thread_count(), len(blocks))
    if count < 2:
        run(body, blocks, flags)
        return
    if _pool is None:
        from concurrent.futures import ThreadPoolExecutor

        _pool = ThreadPoolExecutor(max(1, thread_count() - 1), "lamella-optim")
    length = -(-len(blocks) // count)
    waiting = [
        _pool.submit(run, body, blocks[start : start + length], flags)
        for start in range(length, len(blocks), length)
    ]
    run(body, blocks[:length], flags)
    for part in waiting:
        part.result()


def _forget_pool() -> None:
    """A forked child has none of its parent's threads."""
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)
