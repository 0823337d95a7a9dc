"""Reductions: sums, products, extrema, logic and norms over some dimensions, or all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core import return_types
from lamella_core.composite import composite
from lamella_core.conventions.arguments import read_dtype
from lamella_core.conventions.arrays import arrays
from lamella_core.conventions.common import (
    check_memory,
    check_out_type,
    index_of,
    normalize_dim,
    normalize_dims,
    not_implemented_for,
)
from lamella_core.conventions.reduction import reduction
from lamella_core.conventions.results import (
    check_tensors,
    offering,
    write_out,
    write_outs,
)
from lamella_core.conventions.whole import is_recorded, whole
from lamella_core.dtype import FLOATING
from lamella_core.ops.operators import mul
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_core.dtype import dtype as DType
    from lamella_core.typing import Ints, Number

__all__ = [
    "all", "amax", "amin", "aminmax", "any", "argmax", "argmin", "count_nonzero", "dist",
    "logsumexp", "max", "mean", "min", "nanmean", "nansum", "norm", "prod", "renorm",
    "sum",
]  # fmt: skip


# ------------ sums and products


@reduction("sum")
def sum(
    input: Tensor,
    dim: Ints | None = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Sum over some dimensions, or all.

    Args:
        input: any shape; bool and integers are added as int64, float16 and bfloat16 in float32.
        dim: the dimension or dimensions; none or an empty list for all.
        keepdim: whether these dimensions stay, with size 1.
        dtype: the type to convert to before the sum.

    Raises:
        IndexError: when ``dim`` is out of range.
    """


@reduction("float")
def mean(
    input: Tensor,
    dim: Ints | None = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Arithmetic mean over some dimensions, or all; NaN where there is nothing to average.

    Args:
        input: floating or complex, unless ``dtype`` is.
        dim, keepdim, dtype: as for :func:`sum`.

    Raises:
        RuntimeError: for an integer or bool type.
    """


_nansum = reduction("sum")(
    "nansum(input: Tensor, dim: Ints | None, keepdim: bool, dtype: DType | None, out)"
)


@composite()
def nansum(
    input: Tensor,
    dim: Ints | None = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """:func:`sum` in which NaN counts as zero.

    Raises:
        RuntimeError: for a complex input.
    """
    if input._dtype.is_complex:
        raise RuntimeError("nansum does not support complex inputs")
    if dtype is not None:
        dtype = read_dtype("nansum", dtype)
    if out is not None and dtype is None:
        dtype = out._dtype
        if dtype.category < FLOATING <= input._dtype.category:
            raise not_implemented_for("nansum", dtype)
    if not input._dtype.is_floating_point:
        return sum(input, dim, keepdim, dtype=dtype, out=out)
    if dtype is not None and dtype.category < FLOATING:
        # There NaN would be a number.
        return sum(input.masked_fill(input.isnan(), 0), dim, keepdim, dtype=dtype, out=out)
    return _nansum(input, dim, keepdim, dtype, out=out)


@composite()
def nanmean(
    input: Tensor,
    dim: Ints | None = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Mean of the elements that are not NaN; NaN where there is none.

    Raises:
        RuntimeError: for an integer, bool or complex input.
    """
    if input._dtype.category != FLOATING:
        raise RuntimeError(
            f"nanmean(): expected input to have floating point dtype but got "
            f"{input._dtype.class_name}"
        )
    if out is not None and out._dtype.category < FLOATING:
        raise not_implemented_for("nanmean", out._dtype)
    count = input.eq(input).sum(dim, keepdim)
    if out is not None:
        return nansum(input, dim, keepdim, dtype=dtype, out=out).div_(count)
    return write_out("nanmean", nansum(input, dim, keepdim, dtype=dtype) / count, None)


_prod = reduction("sum")(
    "prod(input: Tensor, dim: int | None, keepdim: bool, dtype: DType | None, out)"
)


@composite()
def prod(
    input: Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Product over one dimension, or all.

    Args:
        input: any shape; bool and integers are multiplied as int64.
        dim: the dimension; none for all.
        keepdim: whether it stays, with size 1.
        dtype: the type to convert to before the product.

    Raises:
        IndexError: when ``dim`` is out of range.
        TypeError: when ``dim`` is not one integer.
    """
    if dim is not None and dim.__class__ is not int:
        dim = index_of(dim)
    return _prod(input, dim, keepdim, dtype, out=out)


_logsumexp = reduction("same")("logsumexp(input: Tensor, dim: Ints, keepdim: bool, out)")


@composite()
def logsumexp(
    input: Tensor, dim: Ints, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """``log(sum(exp(input)))``, computed as ``m + log(sum(exp(input - m)))``, ``m`` the maximum.

    Args:
        input: any shape; bool and integers become the default floating type.
        dim: the dimension or dimensions.
        keepdim: whether they stay, with size 1.

    Raises:
        IndexError: when ``dim`` is out of range.
    """
    if input._dtype.category < FLOATING:
        input = input.to(default_floating())
    return _logsumexp(input, dim, keepdim, out=out)


def default_floating() -> DType:
    """The floating type that integers become."""
    from lamella_core.dtype import get_default_dtype

    return get_default_dtype()


# ------------ extrema


@reduction("same", refuses="complex")
def amax(
    input: Tensor, dim: Ints | None = (), keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """Largest element over some dimensions, or all; NaN where there is one.

    The gradient is shared evenly among equal largest elements.

    Args:
        input: any shape, not complex.
        dim: the dimension or dimensions; empty for all.
        keepdim: whether they stay, with size 1.

    Raises:
        IndexError: when a dimension to reduce is empty or out of range.
    """


@reduction("same", refuses="complex")
def amin(
    input: Tensor, dim: Ints | None = (), keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """Smallest element over some dimensions, or all; otherwise as :func:`amax`."""


@composite()
def aminmax(
    input: Tensor,
    *,
    dim: int | None = None,
    keepdim: bool = False,
    out: tuple[Tensor, Tensor] | None = None,
) -> Any:
    """Smallest and largest element over one dimension, or all.

    Returns:
        A named tuple ``(min, max)``.

    Raises:
        IndexError: when ``dim`` is out of range.
        RuntimeError: when there is no element.
    """
    if input._array.ndim:
        length = input._array.size if dim is None else input.size(dim)
        if length == 0:
            raise (RuntimeError if dim is None else IndexError)(
                f"aminmax(): cannot compute aminmax over an empty dimension as the operation has "
                f"no identity (shape {list(input._array.shape)})"
            )
    over = () if dim is None else dim
    low, high = (None, None) if out is None or len(out) != 2 else out
    for each in (low, high):
        if each is not None:
            check_memory("aminmax", each, (input,), apart=True)
    found = amin(input, over, keepdim, out=low), amax(input, over, keepdim, out=high)
    return write_outs("aminmax", return_types.aminmax(*found), out)


@arrays(refuses="complex", returns=return_types.max, row_major=True, method=False)
def max_dim(input: Tensor, dim: int, keepdim: bool = False) -> Any:
    """Largest element along one dimension and the index where it is first; see :func:`max`."""


@arrays(refuses="complex", returns=return_types.min, row_major=True, method=False)
def min_dim(input: Tensor, dim: int, keepdim: bool = False) -> Any:
    """Smallest element along one dimension and the index where it is first; see :func:`min`."""


@composite()
def max(
    input: Tensor,
    dim: int | Tensor | None = None,
    keepdim: bool = False,
    *,
    other: Tensor | None = None,
    out: Any = None,
) -> Any:
    """Largest element: of all, along one dimension, or of two tensors element by element.

    NaN counts as the largest.

    Args:
        input: any shape, not complex.
        dim: the dimension, or the other tensor of ``max(input, other)``, which is ``maximum``.
        keepdim: whether the dimension stays, with size 1.
        other: the other tensor, by name.

    Returns:
        A tensor; with ``dim`` a named tuple ``(values, indices)``, the index being the first at
        which the value stands.

    Raises:
        IndexError: when ``dim`` is out of range or has no elements.
        RuntimeError: when there is no element at all.
    """
    if dim is None and other is None and isinstance(input, Tensor) and input._array.size:
        return write_out("max", amax(input, None), out)
    return _extremum("max", max_dim, input, dim, keepdim, other, out)


@composite()
def min(
    input: Tensor,
    dim: int | Tensor | None = None,
    keepdim: bool = False,
    *,
    other: Tensor | None = None,
    out: Any = None,
) -> Any:
    """Smallest element: of all, along one dimension, or of two tensors; otherwise as :func:`max`.

    NaN counts as the smallest.
    """
    if dim is None and other is None and isinstance(input, Tensor) and input._array.size:
        return write_out("min", amin(input, None), out)
    return _extremum("min", min_dim, input, dim, keepdim, other, out)


def _extremum(
    name: str,
    along: Any,
    input: Tensor,
    dim: Any,
    keepdim: bool,
    other: Tensor | None,
    out: Any,
) -> Any:
    check_tensors(name, input=input)
    if isinstance(dim, Tensor):
        dim, other = None, dim
    if other is not None:
        return write_out(name, getattr(input, f"{name}imum")(other), out)
    if dim is None:
        raise RuntimeError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify "
            f"the reduction dim with the 'dim' argument."
        )
    if out is not None:
        along = offering(out, along)
    return write_outs(name, along(input, normalize_dim(dim, input._array.ndim), keepdim), out)


@reduction("index", refuses="bool complex", one_dim=True)
def argmax(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """Index of the largest element along one dimension, or in the flattened tensor.

    The first of equal ones; NaN counts as the largest.

    Args:
        input: any shape, not bool or complex.
        dim: the dimension; none for the flattened tensor.
        keepdim: whether the dimension stays, with size 1.

    Returns:
        int64.

    Raises:
        IndexError: when there is nothing to choose from, or ``dim`` is out of range.
    """


@reduction("index", refuses="bool complex", one_dim=True)
def argmin(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """Index of the smallest element; otherwise as :func:`argmax`. NaN counts as the smallest."""


# ------------ logic


@reduction("bool")
def all(
    input: Tensor, dim: Ints | None = None, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """Whether all elements are non-zero, over some dimensions, or all.

    Args:
        input: any type.
        dim: the dimension or dimensions; none for all.
        keepdim: whether they stay, with size 1.

    Returns:
        bool; uint8 for a uint8 input.
    """


@reduction("bool")
def any(
    input: Tensor, dim: Ints | None = None, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """Whether some element is non-zero, over some dimensions, or all; see :func:`all`."""


_count_nonzero = reduction("index")("count_nonzero(input: Tensor, dim: Ints | None, keepdim: bool)")


@composite()
def count_nonzero(input: Tensor, dim: Ints | None = None) -> Tensor:
    """Number of elements that are not zero (NaN is not), over some dimensions, or all: int64."""
    return _count_nonzero(input, dim, False)


# ------------ norms


# ``(sum |input|^ord)^(1/ord)``; the largest or smallest size for ord +inf or -inf, and the number
# of non-zero elements for 0. The gradient at 0 is 0.
vector_norm = arrays(row_major=True)("vector_norm(input: Tensor, dim, keepdim: bool, ord: float)")


# Sum of the singular values of each matrix ``(..., m, n)``.
nuclear_norm = arrays()("nuclear_norm(input: Tensor)")


# ``U V^H`` of each matrix's singular values: the derivative of its nuclear norm.
polar_factor = arrays()("polar_factor(input: Tensor)")


@composite()
def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: Ints | None = None,
    keepdim: bool = False,
    out: Tensor | None = None,
    dtype: DType | None = None,
) -> Tensor:
    """Vector norm over some dimensions, or a matrix norm.

    Args:
        input: floating or complex, unless ``dtype`` is.
        p: the order: a number, as in ``(sum |x|^p)^(1/p)``; ``"fro"``, the root of the sum of
            squares; or ``"nuc"``, the sum of the singular values.
        dim: the dimension or dimensions; none for all, which ``"nuc"`` allows for a matrix only.
        keepdim: whether they stay, with size 1.
        dtype: the type to convert to first.

    Raises:
        RuntimeError: for an integer or bool type, or when ``"nuc"`` has not two dimensions.
    """
    if dtype is not None:
        input = input.to(dtype)
    if input._dtype.category < FLOATING:
        raise RuntimeError(
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
            f"{input._dtype.class_name}"
        )
    if p == "nuc":
        result = _nuclear(input, dim, keepdim)
    elif isinstance(p, str) and p != "fro":
        raise RuntimeError(f"only valid string values are 'fro' and 'nuc', found: {p}")
    else:
        if p == "fro" and isinstance(dim, (tuple, list)) and len(dim) > 2:
            raise RuntimeError(
                f"linalg.matrix_norm: dim must be a 2-tuple of ints. Got {list(dim)}"
            )
        order = 2.0 if p == "fro" or p is None else float(p)
        norm = offering(out, vector_norm)
        result = norm(input, all_or_tuple(dim, input._array.ndim), keepdim, order)
    return write_out("norm", result, out)


def all_or_tuple(dim: Ints | None, ndim: int) -> tuple[int, ...] | None:
    """Dimensions as kernels take them: None for all, otherwise a tuple counted from the front."""
    if dim is None:
        return None
    dims = normalize_dims(dim, ndim)
    return dims if dims and ndim else None


def _nuclear(input: Tensor, dim: Ints | None, keepdim: bool) -> Tensor:
    ndim = input._array.ndim
    if dim is None:
        if ndim != 2:
            raise RuntimeError(
                f"norm: p='nuc' without dim expects a matrix, got a tensor with {ndim} dimensions"
            )
        dim = (0, 1)
    if isinstance(dim, int) or len(dim) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple of ints. Got {dim}")
    rows, columns = normalize_dims(dim, ndim)
    others = [d for d in range(ndim) if d not in (rows, columns)]
    result = nuclear_norm(input.permute(*others, rows, columns))
    if keepdim:
        for d in sorted((rows, columns)):
            result = result.unsqueeze(d)
    return result


_dist = whole(
    "dist(input: Tensor, other: Tensor, p)", lambda input, other, p: dist(input, other, p)
)


@composite()
def dist(input: Tensor, other: Tensor, p: Number = 2) -> Tensor:
    """``norm(input - other, p)`` over all elements."""
    check_tensors("dist", input=input, other=other)
    if is_recorded(input._array.size, input, other):
        return write_out("dist", _dist(input, other, p), None)
    difference = input - other
    if difference._dtype.category < FLOATING:
        raise RuntimeError(
            f"dist: expected a floating point or complex input, got {difference._dtype.class_name}"
        )
    return write_out("dist", norm(difference, p), None)


@composite(inplace=True)
def renorm(
    input: Tensor, p: Number, dim: int, maxnorm: Number, *, out: Tensor | None = None
) -> Tensor:
    """Scales the slices along ``dim`` whose ``p``-norm exceeds ``maxnorm`` down to it.

    Args:
        input: floating or complex, with at least two dimensions.
        p: the order of the norm, positive.
        dim: the dimension that numbers the slices.
        maxnorm: not negative.

    Raises:
        RuntimeError: for ``p``, ``maxnorm`` or a number of dimensions out of range.
    """
    if isinstance(p, complex):
        raise RuntimeError("renorm: p must be real-valued")
    if p <= 0:
        raise RuntimeError(f"renorm: non-positive-norm not supported, got p={p}")
    if isinstance(maxnorm, complex):
        raise RuntimeError("renorm: maxnorm must be real-valued")
    if not maxnorm >= 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    ndim = input._array.ndim
    if ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {ndim} dimensions")
    if input._dtype.category < FLOATING:
        raise RuntimeError(
            f"renorm: expected a floating point or complex input, got {input._dtype.class_name}"
        )
    place = normalize_dim(dim, ndim)
    others = tuple(d for d in range(ndim) if d != place)
    norms = vector_norm(input, others, True, float(p))
    # PyTorch adds 1e-7 to the norm, which bounds the factor for the smallest norms.
    factors = (maxnorm / (norms + 1e-7)).masked_fill(~(norms > maxnorm), 1)
    factors = factors.to(input._dtype.to_real())
    if out is not None:
        check_out_type("renorm", input._dtype, out)
    return write_out("renorm", mul(input, factors, out=out), None)
