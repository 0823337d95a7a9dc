"""Products of vectors and matrices."""

from __future__ import annotations

from math import prod
from typing import Any

from lamella_core.composite import checked, composite
from lamella_core.conventions.arrays import arrays
from lamella_core.conventions.common import (
    LARGE,
    check_memory,
    normalize_dim,
    not_implemented_for,
)
from lamella_core.conventions.contraction import contraction
from lamella_core.conventions.results import offering, part_by_part, write_out
from lamella_core.conventions.whole import is_recorded, whole
from lamella_core.dispatch import WATCHED
from lamella_core.dtype import bool_
from lamella_core.ops.operators import mul
from lamella_core.ops.splitting import fill_in_parts
from lamella_core.promotion import result_dtype
from lamella_core.tensor import Tensor
from lamella_core.warning import warn_once

__all__ = [
    "bmm", "cross", "dot", "ger", "inner", "kron", "matmul", "mm", "mv", "outer", "tensordot",
    "trace", "vander", "vdot",
]  # fmt: skip


# Elements of a part of an op's intermediate results.
PART = 65536

# ------------ the primitives


@contraction()
def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Product of vectors, matrices or batches of matrices.

    ``out[..., i, j] = sum_k input[..., i, k] * other[..., k, j]``. A 1-D ``input`` counts as one
    row and a 1-D ``other`` as one column; that dimension is left out of the result. Dimensions
    before the last two broadcast.

    Args:
        input: ``(n,)``, ``(m, n)`` or ``(..., m, n)``.
        other: ``(n,)``, ``(n, p)`` or ``(..., n, p)``, of the same dtype. float16 and bfloat16 are
            summed in float32.

    Raises:
        RuntimeError: when inner sizes or dtypes differ, batches do not broadcast, or an operand
            has no dimension.
    """


@contraction(method=False)
def linear(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, *, out: Tensor | None = None
) -> Tensor:
    """``input @ weight.T + bias``: one matrix product over all leading dimensions of the input.

    Args:
        input: ``(..., in_features)``.
        weight: ``(out_features, in_features)`` or ``(in_features,)``.
        bias: ``(out_features,)``, or ``()`` for a 1-D weight.

    Raises:
        RuntimeError: when the sizes or dtypes do not fit.
    """


# ``sum_r input[r, i] * other[r, j]``, ``r`` running over all leading dimensions: the derivative of
# :func:`linear` for the weight, as one matrix product.
rows_product = contraction()("rows_product(input: Tensor, other: Tensor)")


# ------------ vectors and matrices


@composite()
def mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Product of two matrices, ``(m, n)`` and ``(n, p)``; see :func:`matmul`.

    Raises:
        RuntimeError: when an operand is not a matrix, or the sizes do not fit.
    """
    if input._array.ndim != 2:
        raise RuntimeError(f"self must be a matrix (mm: got shape {list(input._array.shape)})")
    if mat2._array.ndim != 2:
        raise RuntimeError(f"mat2 must be a matrix (mm: got shape {list(mat2._array.shape)})")
    return matmul(input, mat2, out=out)


@composite()
def bmm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Products of the matrices of two batches, ``(b, m, n)`` and ``(b, n, p)``.

    Raises:
        RuntimeError: when an operand is not 3D, or the sizes do not fit.
    """
    check_batches(input, mat2)
    if input._dtype is bool_:
        raise not_implemented_for("bmm", bool_)
    return write_out("bmm", matmul(input, mat2, out=out), None)


def check_batches(batch1: Tensor, batch2: Tensor) -> None:
    left, right = batch1._array.shape, batch2._array.shape
    if len(left) != 3:
        raise RuntimeError(f"batch1 must be a 3D tensor, got shape {list(left)}")
    if len(right) != 3:
        raise RuntimeError(f"batch2 must be a 3D tensor, got shape {list(right)}")
    if left[0] != right[0] or left[2] != right[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{left[0]}, "
            f"{left[2]}] but got: [{right[0]}, {right[1]}]."
        )


@composite()
def mv(input: Tensor, vec: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Product of a matrix ``(m, n)`` and a vector ``(n,)``.

    Raises:
        RuntimeError: when the operands are not a matrix and a vector, or the sizes do not fit.
    """
    if input._array.ndim != 2 or vec._array.ndim != 1:
        raise RuntimeError(
            f"vector + matrix @ vector expected, got 1, {input._array.ndim}, {vec._array.ndim} (mv)"
        )
    return matmul(input, vec, out=out)


@composite()
def dot(input: Tensor, tensor: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``sum_i input[i] * tensor[i]`` of two vectors of one length.

    Raises:
        RuntimeError: when an operand is not 1D, or the lengths differ.
    """
    if input._array.ndim != 1 or tensor._array.ndim != 1:
        raise RuntimeError(
            f"1D tensors expected, but got {input._array.ndim}D and {tensor._array.ndim}D tensors"
        )
    return matmul(input, tensor, out=out)


_vdot = whole("vdot(input: Tensor, other: Tensor)", lambda input, other: vdot(input, other))


@composite()
def vdot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``sum_i conj(input[i]) * other[i]`` of two vectors of one length.

    Raises:
        RuntimeError: when an operand is not 1D, or the lengths differ.
    """
    large = input._dtype.is_complex and input._array.shape == other._array.shape >= (LARGE,)
    if large and is_recorded(input._array.size, input, other):
        return write_out("vdot", _vdot(input, other), out)
    if not large or (input._key | other._key) & WATCHED:
        return write_out("vdot", dot(input.conj(), other, out=out), None)
    pairs = zip(input.split(PART), other.split(PART), strict=True)
    first, *rest = [dot(a.conj(), b) for a, b in pairs]
    return write_out("vdot", sum(rest, first), out)


@composite()
def inner(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Sums of products over the last dimension of both operands.

    ``out[i..., j...] = sum_k input[i..., k] * other[j..., k]``; an operand of no dimensions
    multiplies.

    Raises:
        RuntimeError: when the last sizes or the dtypes differ.
    """
    left, right = input._array.shape, other._array.shape
    if not left or not right:
        return write_out("inner", input * other, out)
    if left[-1] != right[-1]:
        raise RuntimeError(
            f"inner() the last dimension must match on both input tensors but got shapes "
            f"{list(left)} and {list(right)}"
        )
    return tensordot(input, other, ([-1], [-1]), out=out)


@composite()
def outer(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``out[i, j] = input[i] * vec2[j]`` of two vectors.

    Raises:
        RuntimeError: when an operand is not 1D.
    """
    for place, each in (("1", input), ("2", vec2)):
        if each._array.ndim != 1:
            raise RuntimeError(
                f"outer: Expected 1-D argument {'self' if place == '1' else 'vec2'}, but got "
                f"{each._array.ndim}-D"
            )
    return write_out("outer", mul(input.unsqueeze(1), vec2, out=out), None)


@composite()
def ger(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Another name of :func:`outer`."""
    return outer(input, vec2, out=out)


@composite()
def trace(input: Tensor) -> Tensor:
    """Sum of the main diagonal of a matrix.

    Raises:
        RuntimeError: when the input is not a matrix.
    """
    if input._array.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input._array.ndim}")
    return write_out("trace", input.diagonal().sum(), None)


# ------------ several dimensions


def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Tensor | None = None) -> Tensor:
    """Contraction of two tensors over several dimensions, as one matrix product.

    Args:
        a, b: the operands.
        dims: a count n, for the last n dimensions of ``a`` and the first n of ``b``; or two lists
            of dimensions that are paired in order; or a tensor of shape (2, n) or () with these.

    Returns:
        The remaining dimensions of ``a``, then those of ``b``.

    Raises:
        RuntimeError: when paired sizes differ or the count is out of range.
    """
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a._array.ndim, b._array.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        dims = (list(range(a._array.ndim - dims, a._array.ndim)), list(range(dims)))
    dims_a, dims_b = (
        [normalize_dim(d, t._array.ndim) for d in ([each] if isinstance(each, int) else each)]
        for t, each in zip((a, b), dims, strict=True)
    )
    if len(dims_a) != len(dims_b):
        raise RuntimeError(f"tensordot: both dimension lists should have same length: {dims}")
    for d, e in zip(dims_a, dims_b, strict=True):
        size_a, size_b = a._array.shape[d], b._array.shape[e]
        if size_a == size_b:
            continue
        if size_b == 1:
            a = a.sum(d, keepdim=True, dtype=a._dtype)
        elif size_a == 1:
            b = b.sum(e, keepdim=True, dtype=b._dtype)
        else:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {size_a} in dim {d} and "
                f"second has size {size_b} in dim {e}"
            )
    free_a = [d for d in range(a._array.ndim) if d not in dims_a]
    free_b = [d for d in range(b._array.ndim) if d not in dims_b]
    rows, columns = [a._array.shape[d] for d in free_a], [b._array.shape[d] for d in free_b]
    width = prod([a._array.shape[d] for d in dims_a])
    left = a.permute(*free_a, *dims_a).reshape(prod(rows), width)
    right = b.permute(*dims_b, *free_b).reshape(width, prod(columns))
    result = offering(out, matmul)(left, right).reshape(rows + columns)
    return write_out("tensordot", result, out)


@composite()
def kron(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Kronecker product: every element of ``input`` times the whole of ``other``.

    ``out[i_1 * m_1 + j_1, ...] = input[i_1, ...] * other[j_1, ...]``, ``m`` the sizes of ``other``;
    the operand of fewer dimensions gets leading ones.
    """
    if out is not None:
        check_memory("kron", out, (input, other), apart=True)
    ndim = max(input._array.ndim, other._array.ndim)
    left = (1,) * (ndim - input._array.ndim) + input._array.shape
    right = (1,) * (ndim - other._array.ndim) + other._array.shape
    if any([n != 1 != m for n, m in zip(left, right, strict=True)]):
        # The product has to be row-major, or its sizes are merged in a copy.
        input, other = input.contiguous(), other.contiguous()
    a = input.reshape([size for n in left for size in (n, 1)])
    b = other.reshape([size for n in right for size in (1, n)])
    shape = [n * m for n, m in zip(left, right, strict=True)]
    place = None
    if out is not None:
        place = part_by_part(out, tuple(shape), result_dtype((input, other)), input, other)
        if place is not None:
            place = place.view([size for pair in zip(left, right, strict=True) for size in pair])
    return write_out("kron", mul(a, b, out=place).reshape(shape), out)


@composite()
def cross(
    input: Tensor, other: Tensor, dim: int | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Cross product of 3-vectors along a dimension.

    Args:
        input, other: broadcast together; both have size 3 along ``dim``.
        dim: the dimension of the vectors; by default the first of size 3.

    Raises:
        RuntimeError: when the sizes are not 3, or the numbers of dimensions differ.
    """
    if dim is None:
        shape = input._array.shape
        dim = next((i for i, n in enumerate(shape) if n == 3), None)
        if dim is None:
            raise RuntimeError(f"no dimension of size 3 in input (cross: shape {list(shape)})")
        warn_once(
            "cross without dim is deprecated: give dim, or take linalg.cross, whose is the last"
        )
    result = offering(out, cross_product)(input, other, dim)
    return write_out("cross", result, out, input, other)


def cross_product(input: Tensor, other: Tensor, dim: int) -> Tensor:
    """:func:`cross` along a given dimension."""
    left, right = input._array.shape, other._array.shape
    if len(left) != len(right):
        raise RuntimeError(
            f"linalg.cross: inputs must have the same number of dimensions, got shapes "
            f"{list(left)} and {list(right)}"
        )
    place = normalize_dim(dim, len(left))
    if left[place] != 3 or right[place] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {left[place]} and "
            f"{right[place]}"
        )
    dtype = input._dtype
    if dtype is bool_:
        raise not_implemented_for("linalg.cross", dtype)
    if dtype is not other._dtype:
        raise RuntimeError(
            f"linalg.cross: expected scalar type {dtype.class_name} but found "
            f"{other._dtype.class_name}; convert one of them with .to()"
        )
    return _cross(input, other, place)


_cross = arrays(reduced_precision=True)("linalg_cross(input: Tensor, other: Tensor, dim: int)")


@checked
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Vandermonde matrix: columns are the powers of ``x``.

    Args:
        x: ``(n,)``.
        N: the number of columns; ``n`` by default.
        increasing: whether powers grow from left to right.

    Returns:
        ``(n, N)``; integers give int64.

    Raises:
        RuntimeError: when ``x`` is not 1D or ``N`` is negative.
    """
    if x._array.ndim != 1:
        raise RuntimeError(f"x must be a one-dimensional tensor (vander: got {x._array.ndim}D)")
    size = x._array.shape[0] if N is None else N
    if size < 0:
        raise RuntimeError(f"N must be non-negative (vander: got {N})")
    if x._dtype.category < 2:
        x = x.long()
    step = max(PART // (2 * size + 1), 1)
    if x._key & WATCHED or x._array.shape[0] <= step:
        return _powers(x, size, increasing)
    result = x.new_empty((x._array.shape[0], size))
    return fill_in_parts(result, step, lambda some: _powers(some, size, increasing), x)


def _powers(x: Tensor, size: int, increasing: bool) -> Tensor:
    powers = x.unsqueeze(1).expand(-1, size).clone()
    powers.narrow(1, 0, min(size, 1)).fill_(1)
    result = powers.cumprod(1)
    return result if increasing else result.flip(1)


def _rmatmul(input: Tensor, other: Any) -> Any:
    return matmul(other, input) if isinstance(other, Tensor) else NotImplemented


def _matmul(input: Tensor, other: Any) -> Any:
    return matmul(input, other) if isinstance(other, Tensor) else NotImplemented


Tensor.__matmul__ = _matmul
Tensor.__rmatmul__ = _rmatmul
