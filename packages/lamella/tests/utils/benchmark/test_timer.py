"""The timer, over a clock of the test's own, so that no real time is looked at."""

from __future__ import annotations

import pytest

import lamella
from lamella.utils.benchmark import Measurement, Timer


class Clock:
    """Goes on by a second with each call of ``work``."""

    now = 0.0
    calls = 0

    def __call__(self) -> float:
        return self.now

    def work(self) -> None:
        self.calls += 1
        self.now += 1.0


def test_timeit_gives_seconds_of_a_run() -> None:
    clock = Clock()
    timer = Timer("work()", globals={"work": clock.work}, timer=clock, label="work")
    measured = timer.timeit(300)
    assert isinstance(measured, Measurement)
    assert measured.raw_times == [300.0] and measured.median == 1.0
    # With a hundredth to warm up.
    assert clock.calls == 303


def test_setup_and_indented_statements() -> None:
    done: list[str] = []
    Timer("\n    done.append('s')\n    ", "done.append('i')", globals={"done": done}).timeit(1)
    assert done[-2:] == ["i", "s"]


def test_blocks_until_the_time_is_over() -> None:
    clock, blocks = Clock(), []
    timer = Timer("work()", globals={"work": clock.work}, timer=clock)
    measured = timer.blocked_autorange(lambda *block: blocks.append(block), min_run_time=10)
    assert measured.number_per_run == 1 and measured.times == [1.0] * 10
    assert blocks == [(1, 1.0)] * 10


def test_adaptive_blocks_end_when_times_agree_or_at_last() -> None:
    clock = Clock()
    steady = Timer("work()", globals={"work": clock.work}, timer=clock)
    assert len(steady.adaptive_autorange(min_run_time=1, max_run_time=50).times) == 4

    def jump() -> None:
        clock.work()
        clock.now += clock.calls % 2 * 9

    clock.calls = 0
    jumping = Timer("jump()", globals={"jump": jump}, timer=clock)
    measured = jumping.adaptive_autorange(min_run_time=1, max_run_time=50)
    assert sum(measured.raw_times) >= 50 and measured.has_warnings


def test_threads_are_set_for_the_statement_alone() -> None:
    before, seen = lamella.get_num_threads(), []
    names = {"seen": seen, "torch": lamella}
    Timer("seen.append(torch.get_num_threads())", globals=names, num_threads=1).timeit(3)
    assert set(seen) == {1} and lamella.get_num_threads() == before


def test_what_is_not_there_says_so() -> None:
    with pytest.raises(NotImplementedError, match="C\\+\\+"):
        Timer("x;", language="cpp")
    for name in ("collect_callgrind", "repeat", "autorange"):
        with pytest.raises(NotImplementedError, match=name):
            getattr(Timer("1"), name)()
    with pytest.raises(ValueError, match="string"):
        Timer(lambda: 1)  # type: ignore[arg-type]
