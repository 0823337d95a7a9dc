from __future__ import annotations

import gc
import os

import numpy as np
import pytest

from lamella_data.segments import Borrower, Lender


def maps() -> int:
    with open("/proc/self/maps") as file:
        return sum("lamella-batch" in line for line in file)


@pytest.fixture
def lender() -> Lender:
    return Lender()


def pass_over(lender: Lender, borrower: Borrower, size: int):
    """A segment on its way, as transport does it; returns its number and the loader's array."""
    lender.allocate(size)
    segment = lender._lent[-1]
    lender.send_off([segment])
    if segment.descriptor is not None:
        borrower.map(segment.number, segment.size, segment.descriptor)
        segment.close()
    return segment.number, np.frombuffer(borrower.borrow(segment.number), np.uint8, size)


def test_memory_is_used_again_when_the_last_array_has_gone(lender) -> None:
    borrower = Borrower()
    number, array = pass_over(lender, borrower, 50_000)
    part = array[7:20]
    del array
    assert borrower.done() == ([], [])
    other, kept = pass_over(lender, borrower, 50_000)
    assert other != number
    del part
    assert borrower.done() == ([number], [])
    lender.came_back([number], [])
    assert pass_over(lender, borrower, 45_000)[0] == number
    assert pass_over(lender, borrower, 45_000)[0] not in (number, other)
    assert kept.size == 50_000


def test_memory_that_the_worker_still_uses_is_not_handed_out(lender) -> None:
    borrower = Borrower()
    held = lender.allocate(50_000)
    segment = lender._lent[-1]
    lender.send_off([segment])
    lender.came_back([segment.number], [])
    assert pass_over(lender, borrower, 50_000)[0] != segment.number
    del held
    lender.allocate(50_000)
    assert lender._lent[-1] is segment


def test_what_was_made_but_not_sent_can_be_used_again(lender) -> None:
    lender.allocate(50_000)
    first = lender._lent[-1]
    lender.send_off([])
    lender.allocate(50_000)
    assert lender._lent == [first]


def test_idle_memory_is_bounded() -> None:
    before = maps()
    lender, borrower = Lender(), Borrower()
    kept = [pass_over(lender, borrower, 20_000 * 3**step) for step in range(10)]
    numbers = [number for number, _ in kept]
    del kept
    back, lost = borrower.done()
    assert sorted(back) == numbers
    lender.came_back(back, lost)
    given_up = lender.give_up()
    assert len(given_up) == 2
    for number in given_up:
        borrower.forget(number)
    assert maps() - before == 2 * 8
    del lender, borrower
    gc.collect()
    assert maps() == before


def test_when_much_is_kept_the_rest_is_used_once(lender) -> None:
    borrower = Borrower()
    kept = [pass_over(lender, borrower, 20_000) for _ in range(70)]
    once = [number for number, _ in kept if number < 0]
    assert len(once) == 6
    before = maps()
    del kept
    assert maps() == before - 6


def test_arrays_outlive_the_loaders_side(lender) -> None:
    borrower = Borrower()
    _, array = pass_over(lender, borrower, 20_000)
    array[:] = 3
    del borrower
    gc.collect()
    assert array.sum() == 60_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_what_a_forked_process_sees_too_is_never_used_again(lender) -> None:
    borrower = Borrower()
    number, array = pass_over(lender, borrower, 20_000)
    if (child := os.fork()) == 0:
        os._exit(0)
    os.waitpid(child, 0)
    del array
    assert borrower.done() == ([], [number])
    lender.came_back([], [number])
    assert pass_over(lender, borrower, 20_000)[0] != number
