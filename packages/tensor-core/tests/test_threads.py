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
