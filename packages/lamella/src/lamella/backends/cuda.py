"""CUDA, as ``torch.backends.cuda``; ``torch.cuda`` has its devices."""

from __future__ import annotations

from importlib.util import find_spec

from lamella import _determinism


def is_built() -> bool:
    """Whether CuPy is installed; a device may still be missing."""
    return find_spec("cupy") is not None


class _Matmul:
    """What products of matrices may do; see :func:`torch.set_float32_matmul_precision`."""

    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True

    @property
    def allow_tf32(self) -> bool:
        return _determinism.get_float32_matmul_precision() != "highest"

    @allow_tf32.setter
    def allow_tf32(self, value: bool) -> None:
        _determinism.set_float32_matmul_precision("high" if value else "highest")


matmul = _Matmul()


def _enable(name: str, wanted: bool) -> None:
    from lamella_nn.functional.attention import SDPBackend, enabled

    (enabled.add if wanted else enabled.discard)(SDPBackend[name])


def _is_enabled(name: str) -> bool:
    from lamella_nn.functional.attention import SDPBackend, enabled

    return SDPBackend[name] in enabled


def enable_flash_sdp(enabled: bool) -> None:
    """Whether attention may take the flash kernel; see ``torch.nn.attention``."""
    _enable("FLASH_ATTENTION", enabled)


def enable_math_sdp(enabled: bool) -> None:
    """Whether attention may take the plain kernel."""
    _enable("MATH", enabled)


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Whether attention may take the memory-efficient kernel, which is not there."""
    _enable("EFFICIENT_ATTENTION", enabled)


def enable_cudnn_sdp(enabled: bool) -> None:
    """Whether attention may take cuDNN's kernel, which is not there."""
    _enable("CUDNN_ATTENTION", enabled)


def flash_sdp_enabled() -> bool:
    """What :func:`enable_flash_sdp` set."""
    return _is_enabled("FLASH_ATTENTION")


def math_sdp_enabled() -> bool:
    """What :func:`enable_math_sdp` set."""
    return _is_enabled("MATH")


def mem_efficient_sdp_enabled() -> bool:
    """What :func:`enable_mem_efficient_sdp` set."""
    return _is_enabled("EFFICIENT_ATTENTION")


def cudnn_sdp_enabled() -> bool:
    """What :func:`enable_cudnn_sdp` set."""
    return _is_enabled("CUDNN_ATTENTION")
