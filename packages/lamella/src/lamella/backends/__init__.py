"""``torch.backends``: which libraries stand under the ops, and what programs ask of them.

What asks for speed at the price of exactness or repeatability (``benchmark``, ``allow_tf32``) is
kept, and nothing here makes use of it; what asks for repeatability is given anyway.
"""

from __future__ import annotations

from lamella.backends import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp, opt_einsum

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp", "opt_einsum"]
