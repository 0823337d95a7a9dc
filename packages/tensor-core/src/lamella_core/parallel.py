"""Threads for the work of one kernel: NumPy and BLAS compute without the interpreter's lock.

While they work, BLAS uses one thread a call. Its own threads go on spinning for some 30 ms after a
call, in which they would take half of a core from each of these.
"""

from __future__ import annotations

import os
from _queue import SimpleQueue
from collections import deque
from contextlib import contextmanager
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


# OpenBLAS reads it when it is loaded: its threads spin for 2 to the power of it ticks of the clock.
_given = os.environ.get("OPENBLAS_THREAD_TIMEOUT", "")
_SPINNING = int(_given) if _given.isdigit() else 26


class _State:
    # What is known of threads; an object, as kernels run over copies of their globals.
    #
    # Attributes:
    #     blas: the controllers of the BLAS libraries, None until they are needed.
    #     limits: how many blocks of ``one_blas_thread`` are open, in all threads.
    #     before: each library with its number of threads outside of these blocks.
    __slots__ = ("before", "blas", "count", "limits", "lock", "pool")

    def __init__(self) -> None:
        self.blas: list[Any] | None = None
        self.count: int | None = None
        self.pool: _Pool | None = None
        self.limits = 0
        self.before: list[tuple[Any, int]] = []
        self.lock = Lock()


class _Pool:
    # Threads that wait for work; they end with the pool.
    __slots__ = ("queue", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.queue: SimpleQueue[Any] = SimpleQueue()
        for _ in range(size):
            Thread(target=_serve, args=(self.queue,), name="lamella", daemon=True).start()

    def __del__(self) -> None:
        for _ in range(self.size):
            self.queue.put(None)


def _serve(queue: SimpleQueue[Any]) -> None:
    while (job := queue.get()) is not None:
        tickets, done = job
        try:
            work = tickets.pop()
        except IndexError:
            # All was done before this thread woke up.
            continue
        error = None
        try:
            work()
        except BaseException as raised:
            error = raised
        # While this thread waits it holds on to nothing.
        del work
        done.put(error)
        del error


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


def rests() -> bool:
    """Whether OpenBLAS's own threads sleep soon after a call; the same for the whole process.

    As built, they go on spinning for some 30 ms, in which they take half of a core from the
    threads of ``spread``.
    """
    return _SPINNING <= 20


def spread(run: Callable[[Any], Any], parts: Sequence[Any]) -> None:
    """Calls ``run(part)`` for every part, on several threads where there are.

    Each thread takes the next part when it is done with one, so that a thread that is kept from
    running holds up one part at most. Parts have to be independent of each other, and worth some
    100 microseconds each. BLAS uses one thread a call meanwhile.
    """
    count = min(thread_count(), len(parts))
    if count < 2:
        for part in parts:
            run(part)
        return
    pool = state.pool
    if pool is None:
        pool = state.pool = _Pool(thread_count() - 1)
    rest = deque(parts)

    def work() -> None:
        while True:
            try:
                part = rest.popleft()
            except IndexError:
                return
            run(part)

    tickets = [work] * (count - 1)
    done: SimpleQueue[BaseException | None] = SimpleQueue()
    with one_blas_thread():
        for _ in range(count - 1):
            pool.queue.put((tickets, done))
        try:
            work()
        finally:
            # Whoever has not begun is not waited for; who has must be done before the arrays go.
            begun = count - 1
            while tickets:
                try:
                    tickets.pop()
                except IndexError:
                    break
                begun -= 1
            errors = [error for _ in range(begun) if (error := done.get()) is not None]
    if errors:
        raise errors[0]


def even_step(size: int, step: int) -> int:
    """The size of blocks of at most ``step`` of which several threads get equally many.

    It does not depend on how many threads there are, and so the results of a kernel do not.
    """
    count = -(-size // step)
    even = 2 if count < 3 else 4
    return max(1, -(-size // (-(-count // even) * even))) if count > 1 else max(1, size)


def shares(size: int, step: int) -> list[range]:
    """The starts of blocks of ``step`` that make up ``size``, in some shares for each thread."""
    starts = range(0, size, step)
    threads = thread_count()
    count = min(4 * threads, len(starts)) if threads > 1 else 1
    return [starts[first::count] for first in range(count)]


def blas_libraries() -> list[Any]:
    # The controllers of those that are loaded.
    if state.blas is None:
        # Imported here: looking through the loaded libraries takes longer than a kernel.
        from threadpoolctl import ThreadpoolController

        state.blas = list(ThreadpoolController().select(user_api="blas").lib_controllers)
    return state.blas


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Lets BLAS use one thread a call within the block, for calls from several threads.

    Blocks may lie in one another and overlap; the last one to end gives BLAS its threads back.
    """
    libraries = blas_libraries()
    with state.lock:
        state.limits += 1
        if state.limits == 1:
            state.before = [(library, library.get_num_threads()) for library in libraries]
            for library in libraries:
                library.set_num_threads(1)
    try:
        yield
    finally:
        with state.lock:
            state.limits -= 1
            if not state.limits:
                for library, count in state.before:
                    library.set_num_threads(count)


def _forget_threads() -> None:
    # A forked child has none of its parent's threads, and none of the blocks that they are in.
    state.pool = None
    state.lock = Lock()
    if state.limits:
        state.limits = 0
        for library, count in state.before:
            library.set_num_threads(count)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)
