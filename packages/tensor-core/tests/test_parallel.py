"""Work that is spread over threads: each part once, errors passed on, as many threads as set."""

import gc
import os
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import lamella_core as lc
from lamella_core import parallel
from lamella_core.ops.activation import softmax


@pytest.fixture(params=[1, 3])
def threads(request, monkeypatch):
    monkeypatch.setattr(parallel.state, "count", request.param)
    monkeypatch.setattr(parallel.state, "pool", None)
    return request.param


@pytest.mark.parametrize("parts", [0, 1, 2, 7])
def test_each_part_is_done_once(parts: int, threads: int) -> None:
    done: list[int] = []
    parallel.spread(done.append, range(parts))
    assert sorted(done) == list(range(parts))


def test_parts_run_side_by_side(threads: int) -> None:
    barrier = threading.Barrier(threads, timeout=10)
    parallel.spread(lambda part: barrier.wait(), range(threads))


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_an_error_of_any_part_is_raised(wrong: int, threads: int) -> None:
    def run(part: int) -> None:
        if part == wrong:
            raise ValueError("of a part")

    with pytest.raises(ValueError, match="of a part"):
        parallel.spread(run, range(3))


def test_spread_work_may_spread_work(threads: int) -> None:
    done: list[tuple[int, int]] = []

    def run(part: int) -> None:
        parallel.spread(lambda inner: done.append((part, inner)), range(4))

    parallel.spread(run, range(4))
    assert sorted(done) == [(part, inner) for part in range(4) for inner in range(4)]


def test_nothing_is_held_when_the_work_is_done(threads: int) -> None:
    class Thing:
        pass

    things = [Thing() for _ in range(threads)]
    barrier = threading.Barrier(threads, timeout=10)
    references = [weakref.ref(thing) for thing in things]
    parallel.spread(lambda thing: barrier.wait(), things)
    del things
    gc.collect()
    assert [reference() for reference in references] == [None] * threads


def test_threads_end_with_their_number(monkeypatch) -> None:
    monkeypatch.setattr(parallel.state, "count", 3)
    monkeypatch.setattr(parallel.state, "pool", None)
    before = set(threading.enumerate())
    parallel.spread(id, range(3))
    started = set(threading.enumerate()) - before
    assert len(started) == 2
    parallel.set_thread_count(1)
    for thread in started:
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own(monkeypatch) -> None:
    monkeypatch.setattr(parallel.state, "count", 2)
    monkeypatch.setattr(parallel.state, "pool", None)
    parallel.spread(id, range(2))
    child = os.fork()
    if not child:
        code = 1
        try:
            barrier = threading.Barrier(2, timeout=10)
            parallel.spread(lambda part: barrier.wait(), range(2))
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_results_do_not_depend_on_the_number_of_threads(monkeypatch) -> None:
    x = lc.tensor(np.random.default_rng(0).standard_normal((4000, 100)), dtype=lc.float32)
    results = []
    for count in (1, 2, 3):
        monkeypatch.setattr(parallel.state, "count", count)
        monkeypatch.setattr(parallel.state, "pool", None)
        results.append(softmax(x, 1).numpy())
        # The kernel saw the number, also over its copy of the globals.
        assert (parallel.state.pool is not None) == (count > 1)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_set_num_threads_counts() -> None:
    before, blas = parallel.thread_count(), lc.get_num_threads()
    try:
        lc.set_num_threads(3)
        assert parallel.thread_count() == 3
    finally:
        lc.set_num_threads(blas)
        parallel.set_thread_count(before)


def _blas_threads() -> list[int]:
    return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]


def test_blas_is_limited_within_the_block_only() -> None:
    before = _blas_threads()
    with parallel.one_blas_thread():
        assert set(_blas_threads()) == {1}
    assert _blas_threads() == before


def test_blas_is_limited_until_the_last_of_several_blocks_ends() -> None:
    before = lc.get_num_threads()
    lc.set_num_threads(2)
    try:
        first, second = parallel.one_blas_thread(), parallel.one_blas_thread()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert set(_blas_threads()) == {1}
        second.__exit__(None, None, None)
        assert set(_blas_threads()) == {2}
    finally:
        lc.set_num_threads(before)


def test_blas_is_limited_while_work_is_spread(threads: int) -> None:
    seen: list[int] = []
    parallel.spread(lambda part: seen.extend(_blas_threads()), range(3))
    assert threads == 1 or set(seen) == {1}


def test_a_library_of_blas_that_an_op_brings_later_is_limited_too() -> None:
    pytest.importorskip("scipy")
    code = """
from threadpoolctl import threadpool_info
from lamella_core import extras, parallel
with parallel.one_blas_thread():
    first = len(threadpool_info())
    extras.scipy_module("linalg")
    with parallel.one_blas_thread():
        pass
with parallel.one_blas_thread():
    counts = [found["num_threads"] for found in threadpool_info()]
print(len(counts) > first, set(counts))
"""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "2"}
    found = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.split(None, 1) == ["True", "{1}\n"]


@pytest.mark.parametrize(
    ("given", "first", "expected"),
    [
        (None, "lamella_core", True),
        (None, "numpy", False),
        ("20", "numpy", True),
        ("26", "lamella_core", False),
    ],
)
def test_whether_the_threads_of_blas_rest_is_settled_when_numpy_is_loaded(
    given, first, expected
) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_THREAD_TIMEOUT"}
    if given is not None:
        environment["OPENBLAS_THREAD_TIMEOUT"] = given
    code = f"import {first}; from lamella_core.parallel import rests; print(rests())"
    found = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == str(expected)
