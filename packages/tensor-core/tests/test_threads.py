"""The number of BLAS threads, against what threadpoolctl reads from the libraries."""

import pytest
from threadpoolctl import threadpool_info

import lamella_core as lc


def blas_threads() -> set[int]:
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


def test_set_num_threads_reaches_blas() -> None:
    before = lc.get_num_threads()
    try:
        lc.set_num_threads(1)
        assert blas_threads() == {1}
        assert lc.get_num_threads() == 1
    finally:
        lc.set_num_threads(before)


def test_a_number_below_one_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="positive"):
        lc.set_num_threads(0)


def test_denormal_numbers_are_not_flushed() -> None:
    # PyTorch returns whether the processor does as asked; NumPy never has it do so.
    assert lc.set_flush_denormal(True) is False
    assert (lc.tensor([1e-310], dtype=lc.float64) / 2).item() == 1e-310 / 2
