"""Memory statistics of CUDA devices."""

from __future__ import annotations

import pytest

import lamella_core as lc
from lamella import cuda

needs_gpu = pytest.mark.skipif(not cuda.is_available(), reason="no CuPy or no CUDA device")
needs_none = pytest.mark.skipif(cuda.is_available(), reason="a CUDA device is there")


@needs_none
def test_without_a_device_there_is_nothing() -> None:
    # As PyTorch's build for the CPU.
    assert cuda.memory_allocated() == cuda.max_memory_allocated() == cuda.memory_reserved() == 0
    assert cuda.memory_stats() == {} and cuda.empty_cache() is None
    for call in (cuda.mem_get_info, cuda.memory_summary, cuda.reset_peak_memory_stats):
        with pytest.raises(AssertionError, match="cuda12"):
            call()


def test_the_fraction_is_checked() -> None:
    with pytest.raises(TypeError, match="must be `float`"):
        cuda.set_per_process_memory_fraction(1)
    with pytest.raises(ValueError, match="Allowed range"):
        cuda.set_per_process_memory_fraction(1.5)


@needs_gpu
def test_what_arrays_hold_is_counted() -> None:
    before = cuda.memory_allocated()
    cuda.reset_peak_memory_stats()
    x = lc.empty(1 << 20, dtype=lc.uint8, device="cuda")
    assert cuda.memory_allocated() - before >= 1 << 20
    del x
    assert cuda.memory_allocated() == before
    assert cuda.max_memory_allocated() - before >= 1 << 20
    assert cuda.memory_reserved() >= cuda.memory_allocated()
    free, total = cuda.mem_get_info()
    assert 0 < free < total
    assert "allocated" in cuda.memory_summary()
