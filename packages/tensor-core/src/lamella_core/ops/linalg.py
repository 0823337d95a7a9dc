"""Products of vectors and matrices."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

from lamella_core.composite import checked, composite
from lamella_core.conventions.arguments import number_of_type
from lamella_core.conventions.arrays import arrays
from lamella_core.conventions.common import (
    LARGE,
    check_memory,
    normalize_dim,
    not_implemented_for,
)
from lamella_core.conventions.contraction import contraction
from lamella_core.conventions.results import offering, part_by_part, write_out
from lamella_core.dispatch import LIFTED, REQUIRES_GRAD, WATCHED
from lamella_core.dtype import FLOATING, REDUCED_PRECISION, bool_, float32
from lamella_core.ops.operators import mul
from lamella_core.ops.splitting import fill_in_parts
from lamella_core.promotion import result_dtype
from lamella_core.tensor import Tensor
from lamella_core.warning import warn_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.typing import Number

__all__ = [
    "addbmm", "addmm", "addmv", "addr", "baddbmm", "bmm", "cross", "dot", "ger",
    "inner", "kron", "matmul", "mm", "mv", "outer", "tensordot", "trace", "vander", "vdot",
]  # fmt: skip


# Elements of a part of an op's intermediate results.
_PART = 65536

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
    _check_batches(input, mat2)
    if input._dtype is bool_:
        raise not_implemented_for("bmm", bool_)
    return write_out("bmm", matmul(input, mat2, out=out), None)


def _check_batches(batch1: Tensor, batch2: Tensor) -> None:
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


@composite()
def vdot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``sum_i conj(input[i]) * other[i]`` of two vectors of one length.

    Raises:
        RuntimeError: when an operand is not 1D, or the lengths differ.
    """
    large = input._dtype.is_complex and input._array.shape == other._array.shape >= (LARGE,)
    if not large or (input._key | other._key) & WATCHED:
        return write_out("vdot", dot(input.conj(), other, out=out), None)
    pairs = zip(input.split(_PART), other.split(_PART), strict=True)
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


# ------------ products that are added


def _factor(value: Any, dtype: Any) -> Any:
    # A multiplier, which half precision takes in single precision and integers cut off.
    if isinstance(value, Tensor):
        value = value.item()
    return number_of_type(value, float32 if dtype in REDUCED_PRECISION else dtype)


def _add_product(
    op_name: str,
    input: Tensor,
    left: Tensor,
    right: Tensor,
    multiply: Callable[[Tensor, Tensor], Tensor],
    beta: Any,
    alpha: Any,
    out: Tensor | None,
) -> Tensor:
    # ``beta * input + alpha * left @ right``; ``input`` is not read where ``beta`` is 0.
    if not input._dtype is left._dtype is right._dtype:
        raise RuntimeError(
            f"{op_name}: input and both factors must have the same dtype, but got "
            f"{input._dtype.class_name}, {left._dtype.class_name} and {right._dtype.class_name}"
        )
    dtype = input._dtype
    beta, alpha = _factor(beta, dtype), _factor(alpha, dtype)
    reduced = dtype in REDUCED_PRECISION
    if reduced or left._array.ndim == 3 or (out is not None and out._array.size > _PART):
        batched, count = right._array.ndim == 3, left._array.shape[0]
        shape = (count, *left._array.shape[1 : 1 + batched], *right._array.shape[1 + batched :])
        # Where the left factor is copied, too: widened or, of ``addbmm``, turned.
        copied = reduced or left._array.ndim > right._array.ndim
        size = max(prod(shape), copied * left._array.size, reduced * batched * right._array.size)
        if size > 4 * _PART and not (input._key | left._key | right._key) & WATCHED:
            place = part_by_part(out, shape, dtype, input, left, right)
            apart = place is None or (place.is_contiguous() and place._array is not input._array)
            if copied or not apart:
                # Some rows (matrices of a batch) of the product at a time are beside the result.
                result = input.new_empty(shape) if place is None else place
                wide = float32 if reduced else dtype
                if not batched:
                    right = right.to(wide)

                def add(own: Tensor, some: Tensor, other: Tensor = right) -> Tensor:
                    return _sum(own, some.to(wide), other.to(wide), multiply, beta, alpha)

                several = (left, right) if batched else (left,)
                most = (4 if batched else 32) if reduced else 8
                step = most * _PART * count // (size * wide.itemsize)
                step = max(step, 1) if batched else max(step + 1, 64)
                fill_in_parts(result, step, add, input.expand(shape), *several)
                return write_out(op_name, result, out)
    if reduced:
        input, left, right = input.float(), left.float(), right.float()
    product = _sum(input, left, right, offering(out, multiply, input), beta, alpha)
    return write_out(op_name, product if product._dtype is dtype else product.to(dtype), out)


def _sum(
    input: Tensor, left: Tensor, right: Tensor, multiply: Any, beta: Any, alpha: Any
) -> Tensor:
    product = multiply(left, right)
    own, shape = input._array.shape, product._array.shape
    if own != shape[len(shape) - len(own) :]:
        input = input.expand(shape)
    if product._array.size >= LARGE and not (input._key | product._key) & LIFTED:
        # The product's memory becomes the result's.
        if alpha != 1:
            product.mul_(alpha)
        if beta != 0:
            product.add_(input, alpha=1 if beta == 1 else beta)
        return product
    if alpha != 1:
        product = product * alpha
    return product if beta == 0 else product + (input if beta == 1 else input * beta)


@composite(inplace=True)
def addmm(
    input: Tensor,
    mat1: Tensor,
    mat2: Tensor,
    *,
    beta: Number = 1,
    alpha: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """``beta * input + alpha * (mat1 @ mat2)``.

    Args:
        input: broadcasts to the product's shape; not read (NaN in it is of no effect) where
            ``beta`` is 0.
        mat1, mat2: ``(m, n)`` and ``(n, p)``.

    Raises:
        RuntimeError: when shapes or dtypes do not fit.
    """
    for name, each in (("mat1", mat1), ("mat2", mat2)):
        if each._array.ndim != 2:
            raise RuntimeError(f"{name} must be a matrix, got {each._array.ndim}-D tensor (addmm)")
    return _add_product("addmm", input, mat1, mat2, matmul, beta, alpha, out)


@composite(inplace=True)
def addmv(
    input: Tensor,
    mat: Tensor,
    vec: Tensor,
    *,
    beta: Number = 1,
    alpha: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """``beta * input + alpha * (mat @ vec)``, ``mat`` of shape ``(m, n)``, ``vec`` ``(n,)``.

    Raises:
        RuntimeError: when shapes or dtypes do not fit.
    """
    return _add_product("addmv", input, mat, vec, mv, beta, alpha, out)


@composite(inplace=True, grows=True)
def addbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: Number = 1,
    alpha: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """``beta * input + alpha * sum_b (batch1[b] @ batch2[b])``.

    Args:
        input: broadcasts to ``(m, p)``.
        batch1, batch2: ``(b, m, n)`` and ``(b, n, p)``.

    Raises:
        RuntimeError: when shapes or dtypes do not fit.
    """
    _check_batches(batch1, batch2)
    (count, rows, width), columns = batch1._array.shape, batch2._array.shape[2]
    if input._dtype in REDUCED_PRECISION and count > 1:
        # PyTorch adds one product after the other, and rounds each sum.
        place = part_by_part(out, (rows, columns), input._dtype, input, batch1, batch2)
        for left, right in zip(batch1.unbind(), batch2.unbind(), strict=True):
            input = _add_product("addbmm", input, left, right, matmul, beta, alpha, place)
            beta = 1
        return write_out("addbmm", input, out)

    def multiply(left: Tensor, right: Tensor) -> Tensor:
        return matmul(left.reshape(-1, count * width), right)

    left, right = batch1.transpose(0, 1), batch2.reshape(count * width, columns)
    return _add_product("addbmm", input, left, right, multiply, beta, alpha, out)


@composite(inplace=True)
def baddbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: Number = 1,
    alpha: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """``beta * input[b] + alpha * (batch1[b] @ batch2[b])`` for every ``b``.

    Args:
        input: broadcasts to ``(b, m, p)``.
        batch1, batch2: ``(b, m, n)`` and ``(b, n, p)``.

    Raises:
        RuntimeError: when shapes or dtypes do not fit.
    """
    return _add_product("baddbmm", input, batch1, batch2, bmm, beta, alpha, out)


@composite(inplace=True)
def addr(
    input: Tensor,
    vec1: Tensor,
    vec2: Tensor,
    *,
    beta: Number = 1,
    alpha: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """``beta * input + alpha * outer(vec1, vec2)``.

    Args:
        input: broadcasts to ``(n, m)``; types promote.
        vec1, vec2: ``(n,)`` and ``(m,)``.

    Raises:
        RuntimeError: when shapes do not fit.
    """
    dtype = result_dtype((input, vec1, vec2))
    if dtype.category < FLOATING:
        for name, factor in (("beta", beta), ("alpha", alpha)):
            if isinstance(factor, (float, complex)):
                raise RuntimeError(
                    f"addr: for integral input tensors, argument {name} must be an integer"
                )
    if dtype is bool_:
        beta, alpha = bool(beta), bool(alpha)
    elif dtype in REDUCED_PRECISION:
        beta, alpha = float(dtype.numpy.type(beta)), float(dtype.numpy.type(alpha))
    if out is not None:
        check_memory("addr", out, (input, vec1, vec2))
    rows, columns = vec1._array.size, vec2._array.size
    place = None
    if rows * columns > 4 * _PART and not (input._key | vec1._key | vec2._key) & WATCHED:
        place = part_by_part(out, (rows, columns), dtype, input, vec1, vec2)
        own = dtype in (vec1._dtype, vec2._dtype)
        if not own or (place is not None and place._array is input._array):
            result = input.new_empty((rows, columns), dtype=dtype) if place is None else place
            add = partial(_add_outer, vec2=vec2, beta=beta, alpha=alpha, dtype=dtype)
            input = input.expand(rows, columns)
            fill_in_parts(result, 8 * _PART // (columns * dtype.itemsize) + 1, add, input, vec1)
            return write_out("addr", result, out)
    return write_out("addr", _add_outer(input, vec1, vec2, beta, alpha, dtype, place), out)


def _add_outer(
    input: Tensor,
    vec1: Tensor,
    vec2: Tensor,
    beta: Any,
    alpha: Any,
    dtype: Any,
    out: Tensor | None = None,
) -> Tensor:
    vec1 = vec1 if alpha == 1 else vec1 * alpha
    if (vec1._key | vec2._key) & REQUIRES_GRAD and vec1._dtype is vec2._dtype:
        # Its gradients are products, too, and need no memory.
        product = vec1.unsqueeze(1) @ vec2.unsqueeze(0)
    else:
        product = outer(vec1, vec2, out=out)
    input = input.expand(product._array.shape)
    watched = (input._key | product._key) & WATCHED
    own = product._dtype is dtype and not watched & LIFTED
    if own and beta == 1:
        product.add_(input)
    elif own and beta != 0 and product._array.size >= LARGE and not watched:
        step = max(_PART // product._array.shape[1], 1)
        for some, more in zip(product.split(step), input.split(step), strict=True):
            some.add_(more * beta)
    elif beta != 0:
        product = product + (input if beta == 1 else input * beta)
    return product.to(dtype)


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
    step = max(_PART // max(size, 1), 1)
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
