"""The discrete Fourier transforms that have kernels; ``lamella_signal.fft`` calls them."""

from __future__ import annotations

from lamella_core.conventions.arrays import arrays
from lamella_core.tensor import Tensor

OPPOSITE = {"backward": "forward", "forward": "backward", "ortho": "ortho"}
"""The normalization with which the inverse transform is the adjoint."""


# Transform over ``dim``; a real input counts as complex.
fft_c2c = arrays()("fft_c2c(input: Tensor, dim, norm: str, forward: bool)")


@arrays(method=False)
def fft_r2c(input: Tensor, dim: tuple[int, ...], norm: str, onesided: bool = True) -> Tensor:
    """Forward transform of a real input; one-sided, only half of the last of ``dim`` is there."""


# Inverse transform of such a half to a real result of ``last_dim_size`` in the last dim.
fft_c2r = arrays()("fft_c2r(input: Tensor, dim, norm: str, last_dim_size: int)")
