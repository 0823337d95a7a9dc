"""``torch.accelerator`` without a device, as PyTorch for the CPU answers; with one, CUDA."""

import pytest

import lamella
from lamella import accelerator


@pytest.mark.skipif(lamella.cuda.is_available(), reason="a CUDA device is there")
def test_without_a_device() -> None:
    assert accelerator.is_available() is False and accelerator.device_count() == 0
    assert accelerator.current_accelerator() is None
    with pytest.raises(RuntimeError, match="cuda12"):
        accelerator.current_device_index()
    for name in (
        "empty_cache", "get_memory_info", "max_memory_allocated", "max_memory_reserved",
        "memory_allocated", "memory_reserved", "memory_stats", "reset_peak_memory_stats",
    ):  # fmt: skip
        with pytest.raises(RuntimeError, match="cuda12"):
            getattr(accelerator, name)()
    with accelerator.device_index(None), pytest.raises(RuntimeError, match="cuda12"):
        accelerator.device_index(0).__enter__()


@pytest.mark.skipif(not lamella.cuda.is_available(), reason="no CuPy or no CUDA device")
def test_the_accelerator_is_cuda() -> None:
    assert str(accelerator.current_accelerator()) == "cuda"
    assert accelerator.current_device_index() == lamella.cuda.current_device()
    with accelerator.device_index(0):
        assert accelerator.current_device_index() == 0


@pytest.mark.skipif(not lamella.cuda.is_available(), reason="no CuPy or no CUDA device")
def test_memory_is_that_of_cuda() -> None:
    held = accelerator.memory_allocated()
    x = lamella.zeros(1 << 20, device="cuda")
    assert accelerator.memory_allocated() - held == x.nbytes
    assert accelerator.memory_allocated(0) <= accelerator.max_memory_allocated("cuda:0")
    assert accelerator.memory_reserved() >= accelerator.memory_allocated()
    assert accelerator.memory_stats()["reserved_bytes.all.current"] == accelerator.memory_reserved()
    assert accelerator.get_memory_info() == lamella.cuda.mem_get_info()
    accelerator.reset_peak_memory_stats()
    accelerator.empty_cache()
    assert accelerator.max_memory_allocated() >= x.nbytes
