"""CUDA, as ``torch.backends.cuda``; ``torch.cuda`` has its devices."""

from __future__ import annotations

from importlib.util import find_spec

from lamella_core import determinism


def is_built() -> bool:
    """Whether CuPy is installed; a device may still be missing."""
    return find_spec("cupy") is not None


class _Matmul:
    """What products of matrices may do; see :func:`torch.set_float32_matmul_precision`."""

    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True

    @property
    def allow_tf32(self) -> bool:
        return determinism.get_float32_matmul_precision() != "highest"

    @allow_tf32.setter
    def allow_tf32(self, value: bool) -> None:
        determinism.set_float32_matmul_precision("high" if value else "highest")


matmul = _Matmul()
