"""Products of vectors and matrices that are added to a tensor."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

from lamella_core.composite import composite
from lamella_core.conventions.arguments import number_of_type
from lamella_core.conventions.common import LARGE, check_memory
from lamella_core.conventions.mutation import mutation
from lamella_core.conventions.results import offering, part_by_part, write_out
from lamella_core.conventions.whole import is_recorded, whole
from lamella_core.dispatch import WATCHED
from lamella_core.dtype import FLOATING, REDUCED_PRECISION, bool_, float32
from lamella_core.ops.linalg import PART, bmm, check_batches, matmul, mv, outer
from lamella_core.ops.splitting import fill_in_parts
from lamella_core.promotion import result_dtype
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.typing import Number

__all__ = ["addbmm", "addmm", "addmv", "addr", "baddbmm"]

# ``input = beta * input + alpha * left @ right``, of matrices or batches of these.
_add_product_ = mutation(method=False)(
    "add_product_(input: Tensor, left: Tensor, right: Tensor, beta, alpha)"
)


# Of large operands that require a gradient: ``function`` is the op itself.
_added_product = whole(
    "added_product(input: Tensor, left: Tensor, right: Tensor, function, beta, alpha)",
    lambda input, left, right, function, beta, alpha: function(
        input, left, right, beta=beta, alpha=alpha
    ),
)


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
    if is_recorded(left._array.size + right._array.size, input, left, right):
        result = _added_product(input, left, right, globals()[op_name], beta, alpha)
        return write_out(op_name, result, out)
    reduced = dtype in REDUCED_PRECISION
    first, second, ndim = left._array.shape, right._array.shape, left._array.ndim
    shape = (*first[:-1], *second[ndim - 1 :])
    size = max(prod(shape), reduced * left._array.size, reduced * right._array.size)
    if (reduced or out is not None) and size > 4 * PART:
        ndims = (2, 1) if multiply is mv else (3, 3) if multiply is bmm else (2, 2)
        fits = (ndim, len(second)) == ndims and first[:-2] + first[-1:] == second[: ndim - 1]
        if fits and 0 not in shape and not (input._key | left._key | right._key) & WATCHED:
            place = part_by_part(out, shape, dtype, input, left, right)
            result = input.new_empty(shape) if place is None else place
            if result._array is not input._array:
                result.copy_(input.expand(shape))
            _add_product_(result, left, right, beta, alpha)
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
    if product._array.size >= LARGE and not (input._key | product._key) & WATCHED:
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
    check_batches(batch1, batch2)
    (count, rows, width), columns = batch1._array.shape, batch2._array.shape[2]
    if is_recorded(batch1._array.size + batch2._array.size, input, batch1, batch2):
        result = _added_product(input, batch1, batch2, addbmm, beta, alpha)
        return write_out("addbmm", result, out)
    place, step = None, max(count, 1)
    reduced = input._dtype in REDUCED_PRECISION
    watched = (input._key | batch1._key | batch2._key) & WATCHED
    if not watched and (batch1._array.size > 2 * PART or reduced):
        place = part_by_part(out, (rows, columns), input._dtype, input, batch1, batch2)
        # What is turned at a time is small.
        step = max(2 * PART // max(rows * width, 1), 1)
    if reduced:
        # PyTorch adds one product after the other, and rounds each sum.
        step = 1
    for start in range(0, max(count, 1), step):
        some, more = batch1[start : start + step], batch2[start : start + step]
        left = some.transpose(0, 1).reshape(rows, some._array.shape[0] * width)
        right = more.reshape(left._array.shape[1], columns)
        input = _add_product("addbmm", input, left, right, matmul, beta, alpha, place)
        beta = 1
        if not watched:
            place = input
    return write_out("addbmm", input, out)


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
    own = vec1._dtype is vec2._dtype is dtype
    if own and is_recorded(rows * columns, input, vec1, vec2):
        left, right = vec1.unsqueeze(1), vec2.unsqueeze(0)
        result = _added_product(input, left, right, _add_rank_one, beta, alpha)
        return write_out("addr", result, out)
    if rows * columns > 4 * PART and not (input._key | vec1._key | vec2._key) & WATCHED:
        place = part_by_part(out, (rows, columns), dtype, input, vec1, vec2)
        own = dtype in (vec1._dtype, vec2._dtype)
        if not own or (place is not None and place._array is input._array):
            result = input.new_empty((rows, columns), dtype=dtype) if place is None else place
            add = partial(_add_outer, vec2=vec2, beta=beta, alpha=alpha, dtype=dtype)
            input = input.expand(rows, columns)
            fill_in_parts(result, 8 * PART // (columns * dtype.itemsize) + 1, add, input, vec1)
            return write_out("addr", result, out)
    return write_out("addr", _add_outer(input, vec1, vec2, beta, alpha, dtype, place), out)


def _add_rank_one(input: Tensor, left: Tensor, right: Tensor, **factors: Any) -> Tensor:
    return addr(input, left[:, 0], right[0], **factors)


def _add_outer(
    input: Tensor,
    vec1: Tensor,
    vec2: Tensor,
    beta: Any,
    alpha: Any,
    dtype: Any,
    out: Tensor | None = None,
) -> Tensor:
    product = outer(vec1 if alpha == 1 else vec1 * alpha, vec2, out=out)
    input = input.expand(product._array.shape)
    own = product._dtype is dtype and not (input._key | product._key) & WATCHED
    if own and beta == 1:
        product.add_(input)
    elif own and beta != 0 and product._array.size >= LARGE:
        step = max(PART // product._array.shape[1], 1)
        for some, more in zip(product.split(step), input.split(step), strict=True):
            some.add_(more * beta)
    elif beta != 0:
        product = product + (input if beta == 1 else input * beta)
    return product.to(dtype)
