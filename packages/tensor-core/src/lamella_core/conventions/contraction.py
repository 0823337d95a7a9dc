"""Contractions: products of arrays of one type, to which dispatch adds as little as it can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core.conventions.common import (
    LARGE,
    check_out_type,
    not_implemented_for,
    store,
    takes_out,
)
from lamella_core.conventions.results import offering
from lamella_core.declaration import declare
from lamella_core.dispatch import kernel_of
from lamella_core.storage import storage_of
from lamella_core.tensor import Tensor, wrap

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.backend import Backend
    from lamella_core.declaration import Declarator
    from lamella_core.dispatch import Op
    from lamella_core.dtype import dtype


def contraction(*, refuses: str = "bool", method: bool = True) -> Declarator:
    """Declares a product of two tensors, with an optional third that is added to it.

    All tensors must have one element type, which is the result's. The kernel is given float32 for
    float16 and bfloat16, and the result is rounded back, but for a backend with ``half_products``.

    Args:
        refuses: names of types that the op has no meaning for.
        method: see ``declaration.declare``.
    """
    convention = Contraction(frozenset(refuses.split()))
    return lambda declaration: declare(declaration, convention, method=method)


class Contraction:
    # See ``contraction``.

    __slots__ = ("refuses",)

    def __init__(self, refuses: frozenset[str]) -> None:
        self.refuses = refuses

    def bind(self, op: Op, backend: Backend, key: int) -> Callable[..., Any]:
        base = op.base or op
        kernel = kernel_of(base.name, backend)
        unusual = {each for each in dtypes.ALL if each.name in self.refuses}
        if not backend.half_products:
            unusual |= dtypes.REDUCED_PRECISION
        result_key, array_type, as_array = backend.key, backend.array_type, backend.as_array
        refuses = self.refuses

        def product(input: Tensor, other: Tensor) -> Tensor:
            dtype = input._dtype
            if dtype is not other._dtype:
                raise _types_differ(base.name, dtype, other._dtype)
            if dtype in unusual:
                array = _computed_in_float32(base.name, kernel, refuses, dtype, input, other)
            else:
                array = kernel(input._array, other._array)
            if array.__class__ is not array_type:
                array = as_array(array)
            return wrap(array, dtype, result_key)

        def product_and_sum(input: Tensor, other: Tensor, added: Tensor | None) -> Tensor:
            dtype = input._dtype
            if dtype is not other._dtype:
                raise _types_differ(base.name, dtype, other._dtype)
            if added is not None and dtype is not added._dtype:
                raise _types_differ(base.name, dtype, added._dtype)
            if dtype in unusual:
                array = _computed_in_float32(base.name, kernel, refuses, dtype, input, other, added)
            else:
                array = kernel(input._array, other._array, None if added is None else added._array)
            if array.__class__ is not array_type:
                array = as_array(array)
            return wrap(array, dtype, result_key)

        call = product if len(base.params) == 2 else product_and_sum
        if op.mutates is None:
            return call

        direct = len(base.params) == 2 and takes_out(kernel)

        def into(*args: Any) -> Tensor:
            left, right, out = args[0], args[1], args[-1]
            if left._dtype in unusual:
                check_out_type(base.name, left._dtype, out)
            if direct and out._array.size >= LARGE:
                # The kernel writes there if it fits and nothing else is there.
                place, a, b, storage = out._array, left._array, right._array, storage_of(out)
                if (
                    left._dtype is right._dtype is out._dtype not in unusual
                    and left._storage is not storage is not right._storage
                    and a.shape[:-2] == b.shape[:-2]
                    and (*a.shape[:-1], *b.shape[-1:]) == place.shape
                    and place.flags.c_contiguous
                ):
                    kernel(a, b, out=place)
                    storage.version += 1
                    return out
            result = (call if out._array.size < LARGE else offering(out, call))(*args[:-1])
            store(base.name, backend, args[-1], result._array, result._dtype, inplace=False)
            return args[-1]

        return into


def _types_differ(op_name: str, left: dtype, right: dtype) -> RuntimeError:
    return RuntimeError(
        f"{op_name}: expected m1 and m2 to have the same dtype, but got: {left.class_name} != "
        f"{right.class_name}; convert one of them with .to()"
    )


def _computed_in_float32(
    op_name: str,
    kernel: Any,
    refuses: frozenset[str],
    dtype: dtype,
    *operands: Tensor | None,
) -> Any:
    if dtype.name in refuses:
        raise not_implemented_for(op_name, dtype)
    in_parts = getattr(kernel, "of_half", None)
    if in_parts is not None:
        result = in_parts(*[each if each is None else each._array for each in operands])
        if result is not None:
            return result
    wide = dtypes.float32.numpy
    result = kernel(*[None if each is None else each._array.astype(wide) for each in operands])
    return result.astype(dtype.numpy)
