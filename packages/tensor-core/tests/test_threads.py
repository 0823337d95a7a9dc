"""The number of BLAS threads, against what threadpoolctl reads from the libraries."""

import platform
import subprocess
import sys

import numpy as np
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
        lc.set_num_threads(np.int64(1))
    finally:
        lc.set_num_threads(before)


def test_what_is_no_number_of_threads_is_an_error() -> None:
    for set_number in (lc.set_num_threads, lc.set_num_interop_threads):
        with pytest.raises(RuntimeError, match="positive"):
            set_number(0)
        for wrong in (2.5, True, None):
            with pytest.raises(RuntimeError, match="expects an int"):
                set_number(wrong)


def test_interop_threads_are_set_once() -> None:
    # In a process of its own, as there is no way back.
    program = (
        "import lamella_core as lc\n"
        "assert lc.get_num_interop_threads() == 1\n"
        "lc.set_num_interop_threads(3)\n"
        "assert lc.get_num_interop_threads() == 3\n"
        "try: lc.set_num_interop_threads(2)\n"
        "except RuntimeError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "cannot set number of interop threads" in done.stdout, done.stderr


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "aarch64") or platform.libc_ver()[0] != "glibc",
    reason="the C library offers no way to the processor's mode",
)
def test_denormal_numbers_are_flushed_while_asked() -> None:
    tiny = lc.tensor([1e-310], dtype=lc.float64)
    try:
        assert lc.set_flush_denormal(True) is True
        flushed = (tiny / 2).tolist()
    finally:
        assert lc.set_flush_denormal(False) is True
    assert flushed == [0.0]
    assert (tiny / 2).tolist() == [1e-310 / 2]
    with pytest.raises(RuntimeError, match="bool"):
        lc.set_flush_denormal(1)


def test_denormal_numbers_of_float16_are_widened_where_those_of_float32_are_zero() -> None:
    code = "import lamella_core as lc; x = lc.full((9000,), 2.0**-20).half()\n"
    code += "lc.set_flush_denormal(True); print(x.float()[0].item() == 2.0**-20)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert found.stdout.split() == [b"True"]
