"""Kernels that only the NumPy backend has, by family."""
