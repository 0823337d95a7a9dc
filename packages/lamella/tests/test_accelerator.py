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


@pytest.mark.skipif(not lamella.cuda.is_available(), reason="no CuPy or no CUDA device")
def test_the_accelerator_is_cuda() -> None:
    assert str(accelerator.current_accelerator()) == "cuda"
    assert accelerator.current_device_index() == lamella.cuda.current_device()
