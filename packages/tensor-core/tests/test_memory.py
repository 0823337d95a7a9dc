"""Freed memory is kept: seen from outside, by the process's page faults."""

import subprocess
import sys

import pytest

from lamella_core.memory import keep_freed_memory

FAULTS = """
import resource
import lamella_core as lc

a = lc.zeros(2**20)
for _ in range(3):
    b = a + a
start = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    b = None
    b = a + a
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - start)
"""


def faults(**environment: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", FAULTS],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "", "PYTHONPATH": ":".join(sys.path), **environment},
    )
    return int(done.stdout)


@pytest.mark.skipif(not keep_freed_memory(), reason="the C library is not glibc")
def test_a_large_result_takes_the_pages_of_the_last_one() -> None:
    # 20 results of 4 MiB are 20,480 pages.
    assert faults() < 2_000


def test_a_wrong_environment_variable_is_named() -> None:
    with pytest.raises(subprocess.CalledProcessError) as error:
        faults(LAMELLA_KEEP_FREED_MEMORY="lots")
    assert "LAMELLA_KEEP_FREED_MEMORY must be a number of bytes, got 'lots'" in error.value.stderr


def test_a_negative_number_of_bytes_is_an_error() -> None:
    with pytest.raises(ValueError, match="negative, got -1"):
        keep_freed_memory(-1)
