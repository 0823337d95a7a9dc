"""``torch.fft``: discrete Fourier transforms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.composite import checked
from lamella_core.conventions.arguments import read_dtype
from lamella_core.conventions.common import LARGE, index_of, normalize_dim
from lamella_core.conventions.results import part_by_part, write_out
from lamella_core.dispatch import WATCHED, override_kernel
from lamella_core.dtype import FLOATING
from lamella_core.ops.arranging import roll
from lamella_core.ops.creation import arange, empty
from lamella_core.ops.joining import cat
from lamella_core.ops.spectral import OPPOSITE, fft_c2c, fft_c2r, fft_r2c
from lamella_core.tensor import Tensor
from lamella_signal.fft_arguments import (
    axes,
    floating,
    given,
    ints,
    of_one,
    read_norm,
    real,
    resized,
)

if TYPE_CHECKING:
    from lamella_core.dtype import dtype
    from lamella_core.formats import layout
    from lamella_core.typing import DeviceLike, Ints

__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "hfft2", "hfftn", "ifft", "ifft2",
    "ifftn", "ifftshift", "ihfft", "ihfft2", "ihfftn", "irfft", "irfft2", "irfftn", "rfft",
    "rfft2", "rfftfreq", "rfftn",
]  # fmt: skip


# ------------ the three kinds


def _silenced(kernel: Any) -> Any:
    # NumPy's transforms are written in Python, and warn of infinity in their own name.
    def call(*args: Any) -> Any:
        with np.errstate(all="ignore"):
            return kernel(*args)

    return call


for _name in ("fft_c2c", "fft_r2c", "fft_c2r"):
    override_kernel(_name, _silenced, "cpu")


def _complex_to_complex(
    name: str, input: Tensor, s: Ints | None, dim: Ints | None, norm: str | None, inverse: bool
) -> Tensor:
    input = floating(input)
    sizes, dims = axes(input, s, dim)
    input = resized(input, sizes, dims)
    norm = read_norm(norm)
    if not dims:
        return input.to(input._dtype.to_complex())
    if name in ("fft", "ifft") and input._dtype.category == FLOATING:
        if not inverse:
            return fft_r2c(input, dims, norm, False)
        return _conjugated(fft_r2c(input, dims, OPPOSITE[norm], False))
    return fft_c2c(input, dims, norm, not inverse)


def _conjugated(spectrum: Tensor) -> Tensor:
    # In its own memory where nobody looks on.
    return spectrum.conj_physical() if spectrum._key & WATCHED else spectrum.conj_physical_()


def _real_to_half(
    name: str, input: Tensor, s: Ints | None, dim: Ints | None, norm: str | None, opposite: bool
) -> Tensor:
    """``rfftn``; or with ``opposite`` ``ihfftn``, its conjugate with the other normalization."""
    input = real(name, input)
    sizes, dims = axes(input, s, dim)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    norm = read_norm(norm)
    input = resized(input, sizes, dims)
    if opposite:
        return _conjugated(fft_r2c(input, dims, OPPOSITE[norm]))
    return fft_r2c(input, dims, norm)


def _half_to_real(
    name: str, input: Tensor, s: Ints | None, dim: Ints | None, norm: str | None, opposite: bool
) -> Tensor:
    """``irfftn``; or with ``opposite`` ``hfftn``, that of the conjugate."""
    input = floating(input)
    sizes, dims = axes(input, s, dim)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    norm = read_norm(norm)
    size = sizes[-1]
    if size is None:
        size = 2 * (input._array.shape[dims[-1]] - 1)
    if size < 1:
        raise RuntimeError(f"Invalid number of data points ({size}) specified")
    sizes[-1] = size // 2 + 1
    input = resized(input, sizes, dims)
    if not input._dtype.is_complex:
        input = input.to(input._dtype.to_complex())
    if opposite:
        return fft_c2r(input.conj(), dims, OPPOSITE[norm], size)
    return fft_c2r(input, dims, norm, size)


# ------------ the functions


def _transforms(name: str, kind: Any, flag: bool, one: str, several: str) -> Any:
    """A transform over one dimension, over several and over two, from one of the three kinds."""

    def over_one(
        input: Tensor,
        n: int | None = None,
        dim: int = -1,
        norm: str | None = None,
        *,
        out: Tensor | None = None,
    ) -> Tensor:
        if kind is _real_to_half:
            input = real(name, input)
        return given(name, out, kind(name, input, *of_one(input, n, dim), norm, flag))

    def over_several(
        input: Tensor,
        s: Ints | None = None,
        dim: Ints | None = None,
        norm: str | None = None,
        *,
        out: Tensor | None = None,
    ) -> Tensor:
        return given(f"{name}n", out, kind(f"{name}n", input, s, dim, norm, flag))

    def over_two(
        input: Tensor,
        s: Ints | None = None,
        dim: Ints = (-2, -1),
        norm: str | None = None,
        *,
        out: Tensor | None = None,
    ) -> Tensor:
        return over_several(input, s, dim, norm, out=out)

    made = {"": (over_one, one), "n": (over_several, several), "2": (over_two, "")}
    for end, (function, doc) in made.items():
        function.__name__ = function.__qualname__ = name + end
        function.__doc__ = doc or f":func:`{name}n` over the last two dimensions."
    return tuple(map(checked, (over_one, over_several, over_two)))


fft, fftn, fft2 = _transforms(
    "fft",
    _complex_to_complex,
    False,
    """Discrete Fourier transform: ``X[k] = sum_j x[j] exp(-2 pi i j k / n)``.

    Method: the fast Fourier transform (Cooley and Tukey, 1965) of NumPy, of cuFFT on CUDA.

    Args:
        input: float32, float64 or complex; integers and bools become the default floating type.
        n: the number of points: the input is cut off or continued with zeros. None for its size.
        dim: the dimension.
        norm: ``"backward"``, the default, divides nothing here and by ``n`` in the inverse;
            ``"ortho"`` divides by ``sqrt(n)`` in both; ``"forward"`` by ``n`` here.
        out: complex, to write into.

    Returns:
        A complex tensor.

    Raises:
        RuntimeError: for another norm, ``n`` below 1, or float16 and bfloat16.
        IndexError: when ``dim`` is out of range.
    """,
    """:func:`fft` over several dimensions, one after the other.

    Args:
        input: see :func:`fft`.
        s: the size of each dimension to transform, -1 for its own.
        dim: the dimensions; None for the last ``len(s)``, or for all without ``s``.
        norm: see :func:`fft`, ``n`` being the product of the sizes.
        out: complex, to write into.

    Raises:
        RuntimeError: when ``s`` and ``dim`` differ in length, ``s`` is longer than the input has
            dimensions, a dimension is named twice, and as in :func:`fft`.
        IndexError: when a dimension is out of range.
    """,
)
ifft, ifftn, ifft2 = _transforms(
    "ifft",
    _complex_to_complex,
    True,
    """Inverse of :func:`fft`: ``x[j] = 1/n sum_k X[k] exp(2 pi i j k / n)``.

    The arguments are those of :func:`fft`; ``norm="backward"`` divides by ``n``, ``"ortho"`` by
    ``sqrt(n)``, ``"forward"`` by nothing.
    """,
    """Inverse of :func:`fftn`, with the same arguments; ``norm`` is that of :func:`ifft`.""",
)
rfft, rfftn, rfft2 = _transforms(
    "rfft",
    _real_to_half,
    False,
    """:func:`fft` of a real input: the ``n // 2 + 1`` frequencies that are not negative.

    The others are their conjugates: ``X[n - k] = conj(X[k])``. The arguments are those of
    :func:`fft`.

    Raises:
        RuntimeError: for a complex input, too.
    """,
    """:func:`fftn` of a real input; of the last of ``dim`` the first half, as in :func:`rfft`.

    Raises:
        RuntimeError: for a complex input or no dimension, too.
    """,
)
irfft, irfftn, irfft2 = _transforms(
    "irfft",
    _half_to_real,
    False,
    """Inverse of :func:`rfft`: a real result from the frequencies that are not negative.

    Args:
        input: the half spectrum; imaginary parts at frequency 0, and at ``n / 2`` for an even
            ``n``, are ignored.
        n: the size of the result; ``2 * (m - 1)`` for ``m`` frequencies when None.
        dim, norm, out: see :func:`ifft`; ``out`` is real.
    """,
    """Inverse of :func:`rfftn`; the last of ``dim`` is the half one, as in :func:`irfft`.""",
)
hfft, hfftn, hfft2 = _transforms(
    "hfft",
    _half_to_real,
    True,
    """:func:`fft` of a signal with Hermitian symmetry, ``x[-j] = conj(x[j])``: a real spectrum.

    The arguments are those of :func:`irfft`, ``input`` being the half of the signal; ``norm`` is
    that of :func:`fft`.
    """,
    """:func:`fftn` of a signal with Hermitian symmetry, given by half of the last of ``dim``.""",
)
ihfft, ihfftn, ihfft2 = _transforms(
    "ihfft",
    _real_to_half,
    True,
    """Inverse of :func:`hfft`: the first ``n // 2 + 1`` elements of the signal.

    The arguments are those of :func:`rfft`; ``norm`` is that of :func:`ifft`.
    """,
    """Inverse of :func:`hfftn`: half of the signal in the last of ``dim``.""",
)


# ------------ frequencies, shifts


def _frequencies(
    name: str,
    n: int,
    d: float,
    out: Tensor | None,
    dtype: dtype | None,
    layout: layout | None,
    device: DeviceLike | None,
    requires_grad: bool,
) -> Tensor:
    n, dtype, device = _read_points(name, n, dtype, device, out)
    halved = name == "rfftfreq"
    middle = n // 2 + 1 if halved else (n + 1) // 2
    count = middle if halved else n
    place = None if out is None else part_by_part(out, (count,), dtype, out)
    own: Any = {"dtype": dtype, "layout": layout, "device": device}
    if place is None and (halved or count < LARGE):
        result = arange(middle, **own)
        if not halved:
            result = cat([result, arange(-(n // 2), 0, **own)])
    else:
        result = empty(count, **own) if place is None else place
        arange(middle, out=result[:middle])
        if not halved:
            arange(-(n // 2), 0, out=result[middle:])
    length = n * d
    result.mul_(1 / length if length else float("inf"))
    if out is not None:
        return write_out(name, result, out)
    return result.requires_grad_() if requires_grad else result


def _read_points(
    name: str, n: int, wanted: dtype | None, device: DeviceLike | None, out: Tensor | None
) -> tuple[int, dtype, DeviceLike | None]:
    """The number of points, and the type and the device of the frequencies."""
    n = index_of(n, "n")
    if out is not None:
        if wanted is not None and wanted is not out._dtype:
            raise RuntimeError(
                f"dtype {wanted.class_name} does not match dtype of out parameter "
                f"({out._dtype.class_name})"
            )
        wanted, device = out._dtype, out.device
    found = read_dtype(name, wanted)
    if found.category < FLOATING:
        raise RuntimeError(f"{name} requires a floating point or complex dtype, got {found!r}")
    if n < 0:
        raise RuntimeError(f"{name}(): the number of points must not be negative, got n={n}")
    return n, found, device


def fftfreq(
    n: int,
    d: float = 1.0,
    *,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    layout: layout | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """The frequencies of :func:`fft`: ``[0, 1, ..., (n-1)//2, -(n//2), ..., -1] / (n d)``.

    Args:
        n: the number of points.
        d: the distance between two of them.
        out: to write into.
        dtype: floating; the default floating type when None.
        layout, device, requires_grad: see ``zeros``.

    Raises:
        RuntimeError: for a negative ``n``, or an integer or bool type.
    """
    return _frequencies("fftfreq", n, d, out, dtype, layout, device, requires_grad)


def rfftfreq(
    n: int,
    d: float = 1.0,
    *,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    layout: layout | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """The frequencies of :func:`rfft`: ``[0, 1, ..., n//2] / (n d)``; see :func:`fftfreq`."""
    return _frequencies("rfftfreq", n, d, out, dtype, layout, device, requires_grad)


@checked
def fftshift(input: Tensor, dim: Ints | None = None) -> Tensor:
    """Moves frequency 0 from the start to the middle, at ``n // 2``.

    Args:
        input: any type.
        dim: the dimensions; None for all.
    """
    return _shifted(input, dim, 0)


@checked
def ifftshift(input: Tensor, dim: Ints | None = None) -> Tensor:
    """Inverse of :func:`fftshift`: moves the element at ``n // 2`` to the start."""
    return _shifted(input, dim, 1)


def _shifted(input: Tensor, dim: Ints | None, more: int) -> Tensor:
    shape = input._array.shape
    dims = tuple(range(len(shape))) if dim is None else ints(dim)
    dims = tuple(normalize_dim(d, len(shape)) for d in dims)
    return roll(input, [(shape[d] + more) // 2 for d in dims], dims)
