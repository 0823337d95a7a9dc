"""Array kernels of the matrix products.

``xp.dot`` of two matrices goes straight to the BLAS, transposed views included, at two thirds of
the cost a call of ``xp.matmul``, which is left to the batched products.
"""

from __future__ import annotations

from math import prod
from typing import Any

from lamella_core.dispatch import shared_kernel
from lamella_core.offers import room


@shared_kernel
def matmul(xp: Any, input: Any, other: Any, out: Any = None) -> Any:
    try:
        if other.ndim == 2:
            if input.ndim == 2 or input.ndim == 1:
                return xp.dot(input, other, out)
            if input.ndim and input.flags.c_contiguous:
                shape = input.shape
                rows = input.reshape(prod(shape[:-1]), shape[-1])
                if out is not None:
                    out = out.reshape(len(rows), other.shape[1])
                return xp.dot(rows, other, out).reshape(*shape[:-1], other.shape[1])
        elif input.ndim == 1 and other.ndim == 1:
            return xp.dot(input, other)
        result = xp.matmul(input, other, out=out)
        return result if result.flags.c_contiguous else result.copy("C")
    except ValueError as error:
        raise product_error(input.shape, other.shape) from error


@shared_kernel
def linear(xp: Any, input: Any, weight: Any, bias: Any) -> Any:
    if weight.ndim > 2 or not input.ndim:
        raise linear_error(input.shape, weight.shape, bias)
    try:
        if input.ndim == 2:
            rows, width = input.shape
            if 16 <= rows <= 64 and 2 * rows <= weight.shape[0] and width >= 128:
                # Few rows: OpenBLAS is a quarter faster on the transposed product.
                result = xp.dot(weight, input.T).T
                if bias is None:
                    return xp.ascontiguousarray(result)
                return xp.add(result, bias, xp.empty(result.shape, result.dtype))
        if input.ndim <= 2:
            result = xp.dot(input, weight.T)
        else:
            shape = input.shape
            flat = input.reshape(prod(shape[:-1]), shape[-1])
            result = xp.dot(flat, weight.T).reshape(*shape[:-1], *weight.shape[:-1])
        if bias is None:
            return result
        if result.ndim == 0:
            return result + bias
        result += bias
    except ValueError as error:
        raise linear_error(input.shape, weight.shape, bias) from error
    return result


@shared_kernel
def rows_product(xp: Any, input: Any, other: Any) -> Any:
    if input.ndim == other.ndim == 2:
        return input.T.dot(other)
    columns, width = input.shape[-1], other.shape[-1]
    count = prod(input.shape[:-1])
    return xp.dot(input.reshape(count, columns).T, other.reshape(count, width))


@shared_kernel
def add_product_(xp: Any, input: Any, left: Any, right: Any, beta: Any, alpha: Any) -> None:
    wide = xp.promote_types(input.dtype, xp.float32) if input.itemsize == 2 else input.dtype
    product = alpha * xp.matmul(left.astype(wide, copy=False), right.astype(wide, copy=False))
    input[...] = product if beta == 0 else product + input * beta


def difference_of_products(a: Any, b: Any, c: Any, d: Any, out: Any = None) -> Any:
    difference = a * b
    difference -= c * d
    if out is not None:
        out[...] = difference
    return difference


@shared_kernel
def linalg_cross(
    xp: Any, input: Any, other: Any, dim: int, component: Any = difference_of_products
) -> Any:
    result = room(xp, xp.broadcast_shapes(input.shape, other.shape), input.dtype)
    a, b, c = [xp.moveaxis(each, dim, 0) for each in (input, other, result)]
    for i in range(3):
        component(a[i - 2], b[i - 1], a[i - 1], b[i - 2], out=c[i, ...])
    return result


def product_error(left: tuple[int, ...], right: tuple[int, ...]) -> Exception:
    # The error for shapes that cannot be multiplied, in PyTorch's words.
    if not left or not right:
        return RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {len(left)}D and "
            f"{len(right)}D"
        )
    if len(left) == 1 and len(right) == 1:
        return RuntimeError(
            f"inconsistent tensor size, expected tensor {list(left)} and src {list(right)} to have "
            f"the same number of elements, but got {left[0]} and {right[0]} elements respectively"
        )
    if len(left) == 2 and len(right) == 1:
        return RuntimeError(
            f"size mismatch, got input ({left[0]}), mat ({left[0]}x{left[1]}), vec ({right[0]})"
        )
    rows = (1, left[0]) if len(left) == 1 else left[-2:]
    columns = (right[0], 1) if len(right) == 1 else right[-2:]
    if rows[1] == columns[0]:
        batches = zip(reversed(left[:-2]), reversed(right[:-2]), strict=False)
        i, (a, b) = next(
            (i, pair) for i, pair in enumerate(batches) if 1 not in pair and len(set(pair)) > 1
        )
        dim = max(len(left), len(right)) - 3 - i
        return RuntimeError(
            f"The size of tensor a ({a}) must match the size of tensor b ({b}) at non-singleton "
            f"dimension {dim} (matmul: shapes {list(left)} and {list(right)})"
        )
    if len(left) > 2 and len(right) <= 2:
        rows = (prod(left[:-1]), left[-1])
    return RuntimeError(
        f"mat1 and mat2 shapes cannot be multiplied ({rows[0]}x{rows[1]} and "
        f"{columns[0]}x{columns[1]})"
    )


def linear_error(left: tuple[int, ...], weight: tuple[int, ...], bias: Any) -> Exception:
    # The error for an input whose last size is not the weight's, in PyTorch's words.
    if not left:
        return RuntimeError(
            f"both arguments to linear need to be at least 1D, but they are 0D and {len(weight)}D"
        )
    if len(weight) > 2:
        return RuntimeError(
            f"linear expects a weight with <= 2 dimensions, but it is {len(weight)}D"
        )
    if left[-1] == weight[-1]:
        return RuntimeError(
            f"linear: the bias of shape {list(bias.shape)} does not fit the output of shape "
            f"{[*left[:-1], *weight[:-1]]}"
        )
    rows, width = prod(left[:-1]), left[-1]
    out = weight[0] if len(weight) > 1 else 1
    return product_error((rows, width), (weight[-1], out))
