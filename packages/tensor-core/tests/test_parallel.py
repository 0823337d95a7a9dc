"""Work that is spread over threads: each part once, errors passed on, as many threads as set."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import lamella_core as lc
from lamella_core import parallel
from lamella_core.ops.activation import gelu


@pytest.fixture(params=[1, 3])
def threads(request, monkeypatch):
    monkeypatch.setattr(parallel.state, "count", request.param)
    monkeypatch.setattr(parallel.state, "pool", None)
    yield request.param
    if parallel.state.pool is not None:
        parallel.state.pool.shutdown()


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


def test_results_do_not_depend_on_the_number_of_threads(monkeypatch) -> None:
    x = lc.tensor(np.random.default_rng(0).standard_normal(400_000), dtype=lc.float32)
    results = []
    for count in (1, 2, 3):
        monkeypatch.setattr(parallel.state, "count", count)
        monkeypatch.setattr(parallel.state, "pool", None)
        results.append(gelu(x).numpy())
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


def test_blas_is_limited_within_the_block_only() -> None:
    def counts() -> list[int]:
        return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]

    before = counts()
    with parallel.one_blas_thread():
        assert set(counts()) == {1}
    assert counts() == before
