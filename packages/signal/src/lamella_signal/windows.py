"""``torch.signal.windows``: window functions, symmetric by default.

``N`` in the formulas is ``M - 1`` for a symmetric window and ``M`` for a periodic one; a window of
one point is 1. Harris, "On the use of windows for harmonic analysis with the discrete Fourier
transform", Proceedings of the IEEE 66 (1978).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core.conventions.arguments import read_dtype
from lamella_core.conventions.common import index_of
from lamella_core.formats import strided
from lamella_core.tensor import Tensor
from lamella_signal.top_level import cosine_sum, kaiser_shape, triangle, window

if TYPE_CHECKING:
    from lamella_core.dtype import dtype
    from lamella_core.formats import layout
    from lamella_core.typing import DeviceLike

__all__ = [
    "bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine",
    "general_hamming", "hamming", "hann", "kaiser", "nuttall",
]  # fmt: skip


def _window(
    name: str,
    M: int,
    sym: bool,
    of_position: Callable[[Tensor, int], Tensor],
    wanted: dtype | None,
    layout: layout | None,
    device: DeviceLike | None,
    requires_grad: bool,
) -> Tensor:
    M = index_of(M, "M")
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if layout is not None and layout is not strided:
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout!r}")
    found = read_dtype(name, wanted)
    if found not in (dtypes.float32, dtypes.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {found!r}")
    return window(M, M - 1 if sym else M, of_position, found, device, requires_grad)


def _fixed(name: str, of_position: Callable[[Tensor, int], Tensor], doc: str) -> Any:
    """A window without parameters of its own."""

    def make(
        M: int,
        *,
        sym: bool = True,
        dtype: dtype | None = None,
        layout: layout | None = strided,
        device: DeviceLike | None = None,
        requires_grad: bool = False,
    ) -> Tensor:
        return _window(name, M, sym, of_position, dtype, layout, device, requires_grad)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = doc
    return make


hann = _fixed(
    "hann",
    cosine_sum((0.5, 0.5)),
    """Hann window: ``w[k] = (1 - cos(2 pi k / N)) / 2``.

    Args:
        M: the number of points.
        sym: whether the window is symmetric, for the design of filters; otherwise periodic, for
            spectral analysis.
        dtype: float32 or float64; the default floating type when None.
        layout, device, requires_grad: see ``zeros``.

    Raises:
        ValueError: for a negative ``M``, another dtype, or a layout that is not strided.
    """,
)
hamming = _fixed(
    "hamming",
    cosine_sum((0.54, 1 - 0.54)),
    "Hamming window: ``w[k] = 0.54 - 0.46 cos(2 pi k / N)``; see :func:`hann`.",
)
blackman = _fixed(
    "blackman",
    cosine_sum((0.42, 0.5, 0.08)),
    "Blackman window, the sum of cosines with 0.42, 0.5, 0.08; see :func:`general_cosine`.",
)
nuttall = _fixed(
    "nuttall",
    cosine_sum((0.3635819, 0.4891775, 0.1365995, 0.0106411)),
    """Nuttall's window of four terms with minimal side lobes; see :func:`general_cosine`.

    The coefficients 0.3635819, 0.4891775, 0.1365995, 0.0106411 are those of Nuttall, "Some windows
    with very good sidelobe behavior", IEEE Transactions on Acoustics, Speech, and Signal
    Processing 29 (1981).
    """,
)
bartlett = _fixed(
    "bartlett",
    triangle,
    "Bartlett window, a triangle: ``w[k] = 1 - |2 k / N - 1|``; see :func:`hann`.",
)
cosine = _fixed(
    "cosine",
    lambda k, steps: ((k + 0.5) * (math.pi / (steps + 1))).sin(),
    "Half a period of a sine: ``w[k] = sin(pi (k + 1/2) / (N + 1))``; see :func:`hann`.",
)


def general_hamming(
    M: int,
    *,
    alpha: float = 0.54,
    sym: bool = True,
    dtype: dtype | None = None,
    layout: layout | None = strided,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """``w[k] = alpha - (1 - alpha) cos(2 pi k / N)``; see :func:`hann`."""
    return general_cosine(
        M,
        a=[alpha, 1 - alpha],
        sym=sym,
        dtype=dtype,
        layout=layout,
        device=device,
        requires_grad=requires_grad,
    )


def general_cosine(
    M: int,
    *,
    a: Iterable[float],
    sym: bool = True,
    dtype: dtype | None = None,
    layout: layout | None = strided,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Sum of cosines: ``w[k] = sum_i (-1)^i a[i] cos(2 pi i k / N)``.

    Args:
        a: the coefficients, a list or tuple.
        M, sym, dtype, layout, device, requires_grad: see :func:`hann`.

    Raises:
        TypeError: when ``a`` is no list or tuple of numbers.
        ValueError: when ``a`` is empty, and as in :func:`hann`.
    """
    if not isinstance(a, Iterable):
        raise TypeError(f"Coefficients must be a list/tuple, got {type(a).__name__}")
    coefficients = list(a)
    if not coefficients:
        raise ValueError("Coefficients cannot be empty")
    for each in coefficients:
        if isinstance(each, str):
            raise TypeError(f"the coefficients must be real numbers, got {each!r}")
    coefficients = [float(each) for each in coefficients]
    shape = cosine_sum(coefficients)
    return _window("general_cosine", M, sym, shape, dtype, layout, device, requires_grad)


def exponential(
    M: int,
    *,
    center: float | None = None,
    tau: float = 1.0,
    sym: bool = True,
    dtype: dtype | None = None,
    layout: layout | None = strided,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """``w[k] = exp(-|k - center| / tau)``.

    Args:
        center: ``N / 2`` when None, as it must be for a symmetric window.
        tau: the decay.
        M, sym, dtype, layout, device, requires_grad: see :func:`hann`.

    Raises:
        ValueError: when ``tau`` is not positive, for a symmetric window with a ``center``, and as
            in :func:`hann`.
    """
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError(f"Center must be None for symmetric windows, got: {center}")

    def of_position(k: Tensor, steps: int) -> Tensor:
        middle = steps / 2 if center is None else center
        return ((k - middle).abs() / -tau).exp()

    return _window("exponential", M, sym, of_position, dtype, layout, device, requires_grad)


def gaussian(
    M: int,
    *,
    std: float = 1.0,
    sym: bool = True,
    dtype: dtype | None = None,
    layout: layout | None = strided,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """``w[k] = exp(-((k - N/2) / std)^2 / 2)``.

    Args:
        std: the standard deviation.
        M, sym, dtype, layout, device, requires_grad: see :func:`hann`.

    Raises:
        ValueError: when ``std`` is not positive, and as in :func:`hann`.
    """
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")

    def of_position(k: Tensor, steps: int) -> Tensor:
        return (((k - steps / 2) / std) ** 2 * -0.5).exp()

    return _window("gaussian", M, sym, of_position, dtype, layout, device, requires_grad)


def kaiser(
    M: int,
    *,
    beta: float = 12.0,
    sym: bool = True,
    dtype: dtype | None = None,
    layout: layout | None = strided,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Kaiser window: ``w[k] = I0(beta sqrt(1 - (2 k / N - 1)^2)) / I0(beta)``.

    Args:
        beta: the shape: 0 is a rectangle, the larger the narrower. ``I0`` is the modified Bessel
            function of order 0.
        M, sym, dtype, layout, device, requires_grad: see :func:`hann`.

    Raises:
        ValueError: for a negative ``beta``, and as in :func:`hann`.
    """
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    return _window("kaiser", M, sym, kaiser_shape(beta), dtype, layout, device, requires_grad)
