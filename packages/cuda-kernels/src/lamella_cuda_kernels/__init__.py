"""The CUDA backend, over CuPy: its kernels where CuPy has other ones or none, and random numbers.

A plugin: the entry point ``cuda`` brings it into use when CUDA is first asked for.
"""

from lamella_cuda_kernels.backend import load

__all__ = ["load"]
