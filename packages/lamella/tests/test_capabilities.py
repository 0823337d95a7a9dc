"""What is said of the build, and questions to tensors."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import lamella as torch


def test_what_is_there_works() -> None:
    assert torch.has_lapack is torch.has_spectral is True
    np.testing.assert_allclose(torch.linalg.inv(torch.eye(2) * 2).numpy(), np.eye(2) / 2)
    assert torch.fft.fft(torch.ones(4))[0].item() == 4
    assert torch.has_mkl == any(lib["internal_api"] == "mkl" for lib in threadpool_info())
    assert torch.has_mps is torch.has_mkldnn is torch.is_vulkan_available() is False
    assert torch.has_cuda == torch.has_cudnn == torch.cuda.is_available()


def test_questions_to_tensors() -> None:
    x = torch.ones(2)
    with torch.inference_mode():
        y = x + 1
    assert torch.is_inference(y) and not torch.is_inference(x)
    with pytest.raises(TypeError, match="must be Tensor, not int"):
        torch.is_inference(3)
    assert torch.is_distributed(x) is x.is_distributed() is False
    assert x.storage_type() is torch.FloatStorage
    assert x.long().storage_type() is torch.LongStorage
    assert torch.ones(1, dtype=torch.bfloat16).storage_type() is torch.BFloat16Storage
