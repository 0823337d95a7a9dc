"""The timer: Python's own ``timeit``, with threads set and devices waited for."""

from __future__ import annotations

import timeit
from contextlib import contextmanager
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from lamella import cuda
from lamella.utils.benchmark._measurement import Measurement, TaskSpec
from lamella_core import get_num_threads, set_num_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def timer() -> float:
    """Seconds of ``timeit.default_timer``, when what was queued on the CUDA device is done."""
    if cuda.is_available():
        cuda.synchronize()
    return timeit.default_timer()


class Timer:
    """Times a statement.

    Args:
        stmt: the statement; its lines may be indented together.
        setup: run once before each measurement.
        timer: gives seconds.
        globals: the names that both see.
        label, sub_label, description: how tables call it: their heading, the row, the column.
        env: how the surroundings are called, where a table compares several.
        num_threads: how many threads ops may use while it is timed.

    Raises:
        NotImplementedError: for a ``language`` other than Python's, or ``global_setup``.
    """

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        global_setup: str = "",
        timer: Callable[[], float] = timer,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
        language: str = "python",
    ) -> None:
        if not isinstance(stmt, str):
            raise ValueError("Timer: only a stmt that is a string is supported")
        if str(language).lower() not in ("python", "py") or global_setup:
            raise NotImplementedError(
                f"Timer: language={language!r} and global_setup are for statements in C++; only "
                "Python's are timed here"
            )
        stmt, setup = dedent(stmt).strip(), dedent(setup).strip()
        self._spec = TaskSpec(
            stmt, setup, global_setup, label, sub_label, description, env, num_threads
        )
        # A copy: timeit puts names of its own among them.
        names = dict(globals or {})
        self._timer = timeit.Timer(stmt, setup or "pass", timer, names)

    def timeit(self, number: int = 1_000_000) -> Measurement:
        """One time of ``number`` runs, after a hundredth of them to warm up."""
        with self._threads():
            self._timer.timeit(max(number // 100, 2))
            return self._measured(number, [self._timer.timeit(number)])

    def blocked_autorange(
        self,
        callback: Callable[[int, float], Any] | None = None,
        min_run_time: float = 0.2,
    ) -> Measurement:
        """Times of blocks of runs, for ``min_run_time`` seconds.

        A block has so many runs that to time it costs nothing beside them.

        Args:
            callback: called with the number of runs and the seconds of each block.
        """
        return self._blocks(callback, lambda measured, total: total >= min_run_time, min_run_time)

    def adaptive_autorange(
        self,
        threshold: float = 0.1,
        *,
        min_run_time: float = 0.01,
        max_run_time: float = 10.0,
        callback: Callable[[int, float], Any] | None = None,
    ) -> Measurement:
        """:meth:`blocked_autorange` until the middle half of the times is narrow.

        Args:
            threshold: narrow is this share of the median.
            min_run_time, max_run_time: at least and at most so many seconds.
        """

        def enough(measured: Measurement, total: float) -> bool:
            if total >= max_run_time:
                return True
            # The quartiles of fewer times say nothing.
            few = len(measured.raw_times) < 4
            return total >= min_run_time and not few and measured.meets_confidence(threshold)

        return self._blocks(callback, enough, min_run_time)

    def autorange(self, callback: Callable[[int, float], Any] | None = None) -> None:
        """As in PyTorch not there: :meth:`blocked_autorange` is.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("Timer.autorange: use blocked_autorange")

    def repeat(self, repeat: int = -1, number: int = -1) -> None:
        """As in PyTorch not there: :meth:`blocked_autorange` is.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("Timer.repeat: use blocked_autorange")

    def collect_callgrind(self, *args: Any, **kwargs: Any) -> None:
        """Counts of instructions, which need a build of Python for Valgrind, are not there.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(
            "Timer.collect_callgrind is not supported: time by blocked_autorange, or run the "
            "program under valgrind --tool=callgrind"
        )

    def _blocks(
        self,
        callback: Callable[[int, float], Any] | None,
        enough: Callable[[Measurement, float], bool],
        run_time: float,
    ) -> Measurement:
        with self._threads():
            self._timer.timeit(2)
            number = 1
            # The clock's own cost is 0.1 µs; a device's is that of a wait, about 10 µs.
            shortest = max(run_time / 1000, 1e-4)
            while self._timer.timeit(number) < shortest:
                number *= 10
            measured, total = self._measured(number, []), 0.0
            while not measured.raw_times or not enough(measured, total):
                seconds = self._timer.timeit(number)
                measured.raw_times.append(seconds)
                total += seconds
                if callback is not None:
                    callback(number, seconds)
            return measured

    def _measured(self, number: int, times: list[float]) -> Measurement:
        return Measurement(number, times, self._spec)

    @contextmanager
    def _threads(self) -> Iterator[None]:
        before = get_num_threads()
        set_num_threads(self._spec.num_threads)
        try:
            yield
        finally:
            set_num_threads(before)
