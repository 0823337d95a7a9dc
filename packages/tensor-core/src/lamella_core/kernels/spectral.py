"""Array kernels of the discrete Fourier transforms.

NumPy's and CuPy's transforms keep single precision single. ``norm`` is theirs: what is divided by
the number of points (``forward``, ``backward``) or its root (both, ``ortho``).
"""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import shared_kernel


@shared_kernel
def fft_c2c(xp: Any, input: Any, dim: tuple[int, ...], norm: str, forward: bool) -> Any:
    transform = xp.fft.fftn if forward else xp.fft.ifftn
    return transform(input, axes=dim, norm=norm)


@shared_kernel
def fft_r2c(xp: Any, input: Any, dim: tuple[int, ...], norm: str, onesided: bool) -> Any:
    if not onesided:
        return xp.fft.fft(input, axis=dim[0], norm=norm)
    return xp.fft.rfftn(input, axes=dim, norm=norm)


@shared_kernel
def fft_c2r(xp: Any, input: Any, dim: tuple[int, ...], norm: str, last_dim_size: int) -> Any:
    sizes = [input.shape[d] for d in dim[:-1]]
    return xp.fft.irfftn(input, s=(*sizes, last_dim_size), axes=dim, norm=norm)
