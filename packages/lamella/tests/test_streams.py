"""Streams and events of the CPU: always empty, never recorded, as PyTorch 2.13's (asked)."""

from __future__ import annotations

import pytest

import lamella as torch

without_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="streams are CUDA's here")


@without_cuda
def test_the_stream_of_the_cpu() -> None:
    stream = torch.Stream()
    assert repr(stream) == "torch.Stream device_type=cpu, device_index=-1, stream_id=0"
    assert stream == torch.Stream("cpu", priority=1) and len({stream, torch.Stream()}) == 1
    assert stream.device == torch.device("cpu") and stream.query() is True
    assert stream.synchronize() is None and stream.wait_event(torch.Event()) is None
    with stream as same:
        assert same is stream
    for call in (stream.record_event, lambda: stream.wait_stream(stream)):
        with pytest.raises(RuntimeError, match="cpu backend doesn't support events"):
            call()


@without_cuda
def test_an_event_of_the_cpu() -> None:
    event = torch.Event(enable_timing=True)
    assert repr(event).endswith("device_index=-1, event_flag=1, event_id=0")
    assert event.query() is True and event.wait() is None and event.synchronize() is None
    with pytest.raises(RuntimeError, match="cpu backend doesn't support events"):
        event.record()
    with pytest.raises(ValueError, match="must be recorded"):
        event.elapsed_time(torch.Event(enable_timing=True))
    with pytest.raises(ValueError, match="enable_timing=True"):
        event.elapsed_time(torch.Event())


@without_cuda
@pytest.mark.parametrize("make", [torch.Stream, torch.Event])
def test_devices_that_are_not_there(make: type) -> None:
    with pytest.raises(RuntimeError, match="no accelerator|none is available"):
        make(0)
    with pytest.raises(RuntimeError, match="cuda"):
        make("cuda")
    with pytest.raises(RuntimeError, match="device type 'mps'"):
        make("mps")


def test_streams_of_the_module_of_the_cpu() -> None:
    cpu = torch.get_device_module("cpu")
    assert cpu is torch.cpu and torch.get_device_module(torch.device("cuda")) is torch.cuda
    stream = cpu.Stream(priority=3)
    assert cpu.current_stream() is cpu.current_stream(0)
    with cpu.stream(stream) as inside:
        assert inside is None
        stream.wait_stream(cpu.current_stream())
        stream.wait_event(cpu.Event())
    event = cpu.Event()
    event.record(stream)
    event.wait()
    assert event.query() is True
    cpu.set_device(3)
    assert cpu.current_device() == "cpu"
    for device, text in (("xla", "as 'torch.xla'"), (3, "expect torch.device, str, or None")):
        with pytest.raises(RuntimeError, match=text):
            torch.get_device_module(device)


def test_memory_is_not_kept_by_a_mark() -> None:
    with pytest.raises(NotImplementedError, match="wait_stream"):
        torch.ones(2).record_stream(torch.cpu.Stream())
