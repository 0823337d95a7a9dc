"""What PyTorch says of its build at the top level (``torch.has_lapack``), and small questions."""

from __future__ import annotations

from lamella.backends import mkl, mkldnn, mps, openmp
from lamella.cuda import is_available
from lamella_core import storage_types
from lamella_core.tensor import Tensor

__all__ = [
    "has_cuda", "has_cudnn", "has_lapack", "has_mkl", "has_mkldnn", "has_mps", "has_openmp",
    "has_spectral", "is_distributed", "is_inference", "is_vulkan_available",
]  # fmt: skip

# NumPy brings LAPACK and ``torch.fft`` is there everywhere.
has_lapack = has_spectral = True
has_mkl, has_openmp = mkl.is_available(), openmp.is_available()
has_mkldnn, has_mps = mkldnn.is_available(), mps.is_available()
has_cuda = has_cudnn = is_available()


def is_inference(input: Tensor) -> bool:
    """Whether a tensor was made under ``inference_mode``."""
    if not isinstance(input, Tensor):
        raise TypeError(
            f"is_inference(): argument 'input' must be Tensor, not {type(input).__name__}"
        )
    return input.is_inference()


def is_distributed(input: Tensor) -> bool:
    """False: PyTorch's tensors of remote processes have not been there since its version 1.0."""
    return False


def is_vulkan_available() -> bool:
    """False: there is no backend for Vulkan."""
    return False


def _storage_type(self: Tensor) -> type[storage_types.TypedStorage]:
    """The class of storages of the tensor's type, ``torch.FloatStorage`` for instance."""
    return getattr(storage_types, f"{self._dtype.class_name}Storage")


Tensor.is_distributed = is_distributed
Tensor.storage_type = _storage_type
