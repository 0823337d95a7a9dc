"""Streams and events."""

from __future__ import annotations

import pytest

import lamella_core as lc
from lamella import cuda

needs_gpu = pytest.mark.skipif(not cuda.is_available(), reason="no CuPy or no CUDA device")
needs_none = pytest.mark.skipif(cuda.is_available(), reason="a CUDA device is there")


@needs_none
def test_without_a_device() -> None:
    for call in (cuda.Stream, cuda.Event, cuda.current_stream, cuda.default_stream):
        with pytest.raises(RuntimeError, match="cuda12"):
            call()
    with cuda.stream(None):
        cuda.set_stream(None)


@needs_gpu
def test_work_goes_to_the_chosen_stream() -> None:
    stream = cuda.Stream()
    assert cuda.current_stream() == cuda.default_stream() != stream
    with cuda.stream(stream):
        assert cuda.current_stream() == stream
        x = lc.ones(1000, device="cuda") * 2
    assert cuda.current_stream() == cuda.default_stream()
    cuda.current_stream().wait_stream(stream)
    assert x.sum().item() == 2000.0
    stream.synchronize()
    assert stream.query()


@needs_gpu
def test_events_take_the_time() -> None:
    start, end = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
    with pytest.raises(ValueError, match="must be recorded"):
        start.elapsed_time(end)
    assert start.query()
    start.record()
    lc.randn(512, 512, device="cuda") @ lc.randn(512, 512, device="cuda")
    end.record()
    end.synchronize()
    assert start.elapsed_time(end) > 0
