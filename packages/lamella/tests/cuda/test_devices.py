"""``torch.cuda`` with a device, and without one, where it answers as PyTorch for the CPU does."""

from __future__ import annotations

import pytest

import lamella_core as lc
from lamella import cuda

needs_gpu = pytest.mark.skipif(not cuda.is_available(), reason="no CuPy or no CUDA device")
needs_two = pytest.mark.skipif(cuda.device_count() < 2, reason="fewer than two CUDA devices")
needs_none = pytest.mark.skipif(cuda.is_available(), reason="a CUDA device is there")


@needs_none
def test_without_a_device() -> None:
    assert (cuda.is_available(), cuda.device_count(), cuda.is_initialized()) == (False, 0, False)
    assert cuda.is_bf16_supported() is False
    with cuda.device(None), cuda.device(-1), cuda.device_of(lc.ones(1)):
        pass


@needs_none
@pytest.mark.parametrize(
    "call",
    [
        cuda.init, cuda.current_device, cuda.synchronize, cuda.get_device_name,
        cuda.get_device_properties, cuda.get_device_capability, lambda: cuda.set_device(0),
        lambda: cuda.device(0), lambda: cuda.can_device_access_peer(0, 1),
        lambda: lc.ones(1).cuda(), lambda: lc.ones(1, device="cuda:1"),
        lambda: lc.Generator("cuda"),
    ],
)  # fmt: skip
def test_what_needs_a_device_says_what_to_install(call) -> None:
    # PyTorch raises AssertionError; programs that catch RuntimeError go on, too.
    with pytest.raises(AssertionError, match=r"Torch not compiled with CUDA enabled.*cuda12"):
        call()
    with pytest.raises(RuntimeError):
        call()


def test_names_of_other_devices_are_refused() -> None:
    with pytest.raises(ValueError, match="Expected a cuda device, but got: cpu"):
        cuda.device("cpu")


@needs_none
def test_page_locked_memory_needs_a_device() -> None:
    for call in (
        lc.ones(1).pin_memory,
        lambda: lc.zeros(2, pin_memory=True),
        lambda: lc.randn(2, pin_memory=True),
        lambda: lc.tensor([1], pin_memory=True),
    ):
        with pytest.raises(RuntimeError, match="needs CUDA"):
            call()


def test_types_named_after_cuda() -> None:
    assert repr(cuda.FloatTensor) == "<class 'torch.cuda.FloatTensor'>"
    assert cuda.FloatTensor.is_cuda and not isinstance(lc.ones(1), cuda.FloatTensor)


@needs_gpu
def test_properties() -> None:
    found = cuda.get_device_properties(0)
    assert found.name == cuda.get_device_name() and found.total_memory > 0
    assert (found.major, found.minor) == cuda.get_device_capability("cuda:0")
    cuda.synchronize()
    assert isinstance(lc.ones(1, device="cuda"), cuda.FloatTensor)


@needs_gpu
def test_copies_that_do_not_block() -> None:
    source = lc.arange(1 << 16).pin_memory()
    assert source.is_pinned() and lc.zeros(2, pin_memory=True).is_pinned()
    there = source.to("cuda", non_blocking=True)
    back = (there + 1).to("cpu", non_blocking=True)
    cuda.synchronize()
    assert back.equal(lc.arange(1, (1 << 16) + 1))


@needs_two
def test_each_device_keeps_its_tensors() -> None:
    x = lc.ones(3, device="cuda:1")
    assert (
        str(x.device) == str((x * 2).device) == str(lc.rand(2, device="cuda:1").device) == "cuda:1"
    )
    assert cuda.current_device() == 0
    with cuda.device(1):
        assert str(lc.ones(1, device="cuda").device) == "cuda:1"
    assert cuda.current_device() == 0
    assert x.to("cuda:0").cpu().tolist() == [1.0, 1.0, 1.0]
