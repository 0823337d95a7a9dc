"""Kernels that only the CUDA backend has; imported when it is registered, for they need CuPy."""
