"""Window functions of PyTorch's top level, and what they share with ``torch.signal.windows``."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core.composite import checked
from lamella_core.conventions.arguments import read_dtype
from lamella_core.conventions.common import index_of
from lamella_core.dtype import COMPLEX, FLOATING
from lamella_core.formats import check_layout
from lamella_core.ops.creation import arange, as_asked, empty, ones
from lamella_core.ops.special import i0
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_core.dtype import dtype
    from lamella_core.formats import layout
    from lamella_core.typing import DeviceLike

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]

# Points that are computed at a time, for which what is in between takes less than 1 MB.
_BLOCK = 16384


def window(
    length: int,
    steps: int,
    of_position: Callable[[Tensor, int], Tensor],
    dtype: dtype,
    device: DeviceLike | None,
    requires_grad: bool,
) -> Tensor:
    """A window from its function of the positions ``0, 1, ...`` and the number of steps.

    It is computed in float64 and rounded once. A window of one point is 1.
    """
    if length < 2:
        result = ones(length, dtype=dtype, device=device)
    else:
        result = empty(length, dtype=dtype, device=device)
        for start in range(0, length, _BLOCK):
            stop = min(start + _BLOCK, length)
            positions = arange(start, stop, dtype=dtypes.float64, device=device)
            result[start:stop] = of_position(positions, steps)
    return result.requires_grad_() if requires_grad else result


def cosine_sum(coefficients: Sequence[float]) -> Callable[[Tensor, int], Tensor]:
    """``sum_i (-1)^i a_i cos(2 pi i k / N)``."""

    def of_position(k: Tensor, steps: int) -> Tensor:
        result = k.new_zeros(k._array.shape)
        for i, a in enumerate(coefficients):
            result += (-1) ** i * a * (k * (2 * math.pi * i / steps)).cos()
        return result

    return of_position


def triangle(k: Tensor, steps: int) -> Tensor:
    """``1 - |2 k / N - 1|``."""
    return 1 - (k * (2 / steps) - 1).abs()


def kaiser_shape(beta: float) -> Callable[[Tensor, int], Tensor]:
    """``I0(beta sqrt(1 - (2 k / N - 1)^2)) / I0(beta)``."""

    def of_position(k: Tensor, steps: int) -> Tensor:
        inside = 1 - (k * (2 / steps) - 1) ** 2
        return i0(inside.clamp(min=0).sqrt() * beta) / i0(k.new_tensor(beta))

    return of_position


def _window(
    name: str,
    length: int,
    periodic: bool,
    of_position: Callable[[Tensor, int], Tensor],
    wanted: dtype | None,
    layout: layout | None,
    device: DeviceLike | None,
    requires_grad: bool | None,
    pin_memory: bool | None,
) -> Tensor:
    length = index_of(length, "length")
    check_layout(layout)
    found = read_dtype(name, wanted)
    if found.category == COMPLEX:
        raise NotImplementedError(
            f"\"{name}\" not implemented for '{found.class_name}'; ask for a floating dtype"
        )
    if found.category != FLOATING:
        raise RuntimeError(f"{name} expects floating point dtypes, got: {found.class_name}")
    if length < 0:
        raise RuntimeError(
            f"{name} requires non-negative window_length, got window_length={length}"
        )
    steps = length if periodic else length - 1
    made = window(length, steps, of_position, found, device, False)
    return as_asked(made, requires_grad, pin_memory)


def _fixed(name: str, of_position: Callable[[Tensor, int], Tensor], doc: str) -> Any:
    """A window without parameters of its own."""

    def make(
        window_length: int,
        periodic: bool = True,
        *,
        dtype: dtype | None = None,
        layout: layout | None = None,
        device: DeviceLike | None = None,
        pin_memory: bool | None = False,
        requires_grad: bool | None = False,
    ) -> Tensor:
        return _window(
            name,
            window_length,
            periodic,
            of_position,
            dtype,
            layout,
            device,
            requires_grad,
            pin_memory,
        )

    make.__name__ = make.__qualname__ = name
    make.__doc__ = doc
    return checked(make)


hann_window = _fixed(
    "hann_window",
    cosine_sum((0.5, 0.5)),
    """Hann window: ``w[k] = (1 - cos(2 pi k / N)) / 2``.

    Args:
        window_length: the number of points.
        periodic: whether ``N`` is that number, as spectral analysis wants it; otherwise it is one
            less, and the window is symmetric.
        dtype: floating; the default floating type when None.
        layout, device, pin_memory, requires_grad: see ``zeros``.

    Raises:
        RuntimeError: for a negative length, or an integer or bool dtype.
    """,
)
blackman_window = _fixed(
    "blackman_window",
    cosine_sum((0.42, 0.5, 0.08)),
    """Blackman window: ``w[k] = 0.42 - 0.5 cos(2 pi k / N) + 0.08 cos(4 pi k / N)``.

    The arguments are those of :func:`hann_window`.
    """,
)
bartlett_window = _fixed(
    "bartlett_window",
    triangle,
    "Bartlett window: ``w[k] = 1 - |2 k / N - 1|``; see :func:`hann_window`.",
)


@checked
def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: dtype | None = None,
    layout: layout | None = None,
    device: DeviceLike | None = None,
    pin_memory: bool | None = False,
    requires_grad: bool | None = False,
) -> Tensor:
    """Hamming window: ``w[k] = alpha - beta cos(2 pi k / N)``; see :func:`hann_window`."""
    shape = cosine_sum((alpha, beta))
    return _window(
        "hamming_window",
        window_length,
        periodic,
        shape,
        dtype,
        layout,
        device,
        requires_grad,
        pin_memory,
    )


@checked
def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: dtype | None = None,
    layout: layout | None = None,
    device: DeviceLike | None = None,
    pin_memory: bool | None = False,
    requires_grad: bool | None = False,
) -> Tensor:
    """Kaiser window: ``w[k] = I0(beta sqrt(1 - (2 k / N - 1)^2)) / I0(beta)``.

    ``I0`` is the modified Bessel function of order 0. The other arguments are those of
    :func:`hann_window`.
    """
    shape = kaiser_shape(beta)
    return _window(
        "kaiser_window",
        window_length,
        periodic,
        shape,
        dtype,
        layout,
        device,
        requires_grad,
        pin_memory,
    )
