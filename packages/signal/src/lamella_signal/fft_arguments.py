"""The arguments of the Fourier transforms."""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core.conventions.common import index_of, normalize_dim
from lamella_core.conventions.results import write_out
from lamella_core.dtype import COMPLEX, FLOATING
from lamella_core.ops.joining import cat
from lamella_core.ops.spectral import OPPOSITE
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_core.typing import Ints


def read_norm(norm: str | None) -> str:
    if norm is None:
        return "backward"
    if norm not in OPPOSITE:
        raise RuntimeError(
            f'Invalid normalization mode: "{norm}"; expected "backward", "ortho" or "forward"'
        )
    return norm


def floating(input: Tensor) -> Tensor:
    """Integers and bools as the default floating type."""
    _check_tensor(input)
    if input._dtype.category < FLOATING:
        return input.to(dtypes.defaults.floating)
    if input._dtype in dtypes.REDUCED_PRECISION:
        raise RuntimeError(
            f"Unsupported dtype {input._dtype.class_name}: Fourier transforms are computed in "
            f"float32 and float64; convert the input with .to() first"
        )
    return input


def real(name: str, input: Tensor) -> Tensor:
    input = floating(input)
    if input._dtype.category == COMPLEX:
        raise RuntimeError(f"{name} expects a real input tensor, but got {input._dtype.class_name}")
    return input


def _check_tensor(input: Tensor) -> None:
    if not isinstance(input, Tensor):
        raise TypeError(f"argument 'input' must be Tensor, not {type(input).__name__}")


def ints(values: Any) -> tuple[int, ...]:
    values = values if isinstance(values, (tuple, list)) else (values,)
    if values and values[0].__class__ is bool:
        # As in PyTorch, which looks at the first one alone for this.
        raise TypeError("sizes and dimensions must be ints, not bools")
    return tuple(map(index, values))


def of_one(input: Tensor, n: int | None, dim: int) -> tuple[tuple[int, ...] | None, tuple[int]]:
    """The arguments of a transform over one dimension as those of one over several."""
    _check_tensor(input)
    dim = index_of(dim)
    if not input._array.ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    if n is not None:
        n = index_of(n, "n")
        if n < 1:
            raise RuntimeError(f"Invalid number of data points ({n}) specified")
    return (None if n is None else (n,)), (dim,)


def axes(
    input: Tensor, s: Ints | None, dim: Ints | None
) -> tuple[list[int | None], tuple[int, ...]]:
    """The size wanted for each dimension to transform, None for its own, and these dimensions."""
    shape = input._array.shape
    ndim = len(shape)
    sizes = None if s is None else ints(s)
    if dim is None:
        count = ndim if sizes is None else len(sizes)
        if count > ndim:
            raise RuntimeError(
                f"Got shape with {count} values but input tensor only has {ndim} dimensions."
            )
        dims = tuple(range(ndim - count, ndim))
    else:
        dims = tuple(normalize_dim(d, ndim) for d in ints(dim))
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"FFT dims must be unique, got {list(dims)}")
        if sizes is not None and len(sizes) != len(dims):
            raise RuntimeError(
                f"When given, dim and shape arguments must have the same length, got dim "
                f"{list(dims)} and shape {list(sizes)}"
            )
    if sizes is None:
        return [None] * len(dims), dims
    return [None if n == -1 else n for n in sizes], dims


def resized(input: Tensor, sizes: list[int | None], dims: tuple[int, ...]) -> Tensor:
    """The input cut off, or continued with zeros, to the sizes."""
    for size, dim in zip(sizes, dims, strict=True):
        have = input._array.shape[dim]
        if size is None:
            size = have
        if size < 1:
            raise RuntimeError(f"Invalid number of data points ({size}) specified")
        if size < have:
            input = input.narrow(dim, 0, size)
        elif size > have:
            missing = list(input._array.shape)
            missing[dim] = size - have
            input = cat([input, input.new_zeros(missing)], dim)
    return input


def given(name: str, out: Tensor | None, result: Tensor) -> Tensor:
    if out is None:
        return result
    complex_out = out._dtype.category == COMPLEX
    if complex_out is not result._dtype.is_complex or out._dtype.category < FLOATING:
        wanted = "complex" if result._dtype.is_complex else "floating point"
        raise RuntimeError(
            f"{name} expects a {wanted} output tensor, but got {out._dtype.class_name}"
        )
    return write_out(name, result, out)
