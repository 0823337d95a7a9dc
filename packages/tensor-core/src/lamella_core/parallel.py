"""Threads for the work of one kernel: NumPy and BLAS compute without the interpreter's lock."""

from __future__ import annotations

import os
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import ThreadPoolExecutor


class _State:
    """What is known of threads; an object, as kernels run over copies of their globals."""

    __slots__ = ("blas", "count", "pool")

    def __init__(self) -> None:
        self.blas: list[Any] | None = None
        self.count: int | None = None
        self.pool: ThreadPoolExecutor | None = None


state = _State()


def thread_count() -> int:
    """How many threads work on one kernel: what ``set_num_threads`` was given,
    ``OMP_NUM_THREADS``, or the usable cores."""
    count = state.count
    if count is None:
        wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
        if wanted.isdigit() and int(wanted) > 0:
            count = int(wanted)
        elif hasattr(os, "sched_getaffinity"):
            count = len(os.sched_getaffinity(0))
        else:
            count = os.cpu_count() or 1
        state.count = count
    return count


def set_thread_count(count: int) -> None:
    """Let this many threads, at least 1, work on one kernel."""
    if count != state.count:
        state.count, state.pool = count, None


def spread(run: Callable[[Any], Any], parts: Sequence[Any]) -> None:
    """Calls ``run(part)`` for every part, on several threads where there are.

    Each thread takes the next part when it is done with one, so that a thread that is kept from
    running holds up one part at most. Parts have to be independent of each other, and worth some
    100 microseconds each; ``run`` may not spread work itself.
    """
    count = min(thread_count(), len(parts))
    if count < 2:
        for part in parts:
            run(part)
        return
    pool = state.pool
    if pool is None:
        from concurrent.futures import ThreadPoolExecutor

        pool = state.pool = ThreadPoolExecutor(thread_count() - 1, "lamella")
    rest = deque(parts)

    def work() -> None:
        while True:
            try:
                part = rest.popleft()
            except IndexError:
                return
            run(part)

    others = [pool.submit(work) for _ in range(count - 1)]
    try:
        work()
    finally:
        # Whoever has not begun is not waited for; who has must be done before the arrays go.
        begun = [other for other in others if not other.cancel()]
        errors = [error for error in (other.exception() for other in begun) if error is not None]
    if errors:
        raise errors[0]


def shares(size: int, step: int) -> list[range]:
    """The starts of blocks of ``step`` that make up ``size``, in some shares for each thread.

    A few blocks are one share: they are done before another thread has woken up.
    """
    starts = range(0, size, step)
    threads = thread_count()
    count = min(4 * threads, len(starts)) if threads > 1 and len(starts) > 3 else 1
    return [starts[first::count] for first in range(count)]


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Lets BLAS use one thread a call within the block, for calls from several threads."""
    libraries = state.blas
    if libraries is None:
        # Imported here: looking through the loaded libraries takes longer than a kernel.
        from threadpoolctl import ThreadpoolController

        found = ThreadpoolController().select(user_api="blas")
        libraries = state.blas = list(found.lib_controllers)
    before = [library.get_num_threads() for library in libraries]
    for library in libraries:
        library.set_num_threads(1)
    try:
        yield
    finally:
        for library, count in zip(libraries, before, strict=True):
            library.set_num_threads(count)


def _forget_pool() -> None:
    """A forked child has none of its parent's threads."""
    state.pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)
