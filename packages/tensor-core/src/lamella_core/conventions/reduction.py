"""Reductions: an op over some dimensions, or all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core.conventions.arguments import read_dtype
from lamella_core.conventions.common import (
    normalize_dim,
    normalize_dims,
    not_implemented_for,
    store,
)
from lamella_core.conventions.results import offering
from lamella_core.declaration import declare
from lamella_core.dispatch import kernel_of
from lamella_core.dtype import FLOATING
from lamella_core.kernels.reduction import reduced_size
from lamella_core.offers import offers, under_offer
from lamella_core.tensor import Tensor, blank

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.backend import Backend
    from lamella_core.declaration import Declarator
    from lamella_core.dispatch import Op
    from lamella_core.dtype import dtype


def reduction(
    result: str = "same",
    *,
    refuses: str = "",
    method: bool = True,
    one_dim: bool = False,
) -> Declarator:
    """Declares a reduction: ``(input, dim, keepdim)``, or ``(input, dim, keepdim, *, dtype)``.

    The kernel takes ``(array, axis, keepdims)``, ``axis`` being None for all dimensions, and
    returns an array.

    Args:
        result: the type rule: ``same``, ``sum`` (integers and bools become int64), ``float`` (the
            input must be floating or complex, unless ``dtype`` says so), ``bool``, ``index``
            (int64).
        refuses: types and categories that the op has no meaning for.
        method: see ``declaration.declare``.
        one_dim: whether ``dim`` is a single one, and no list.
    """
    convention = Reduction(result, frozenset(refuses.split()), one_dim)
    return lambda declaration: declare(declaration, convention, method=method)


class Reduction:
    # See ``reduction``.

    __slots__ = ("one_dim", "refuses", "result")

    def __init__(self, result: str, refuses: frozenset[str], one_dim: bool) -> None:
        self.result = result
        self.refuses = refuses
        self.one_dim = one_dim

    def types(self, op_name: str, given: dtype, wanted: dtype | None) -> tuple[dtype, dtype]:
        # The type to compute in and the type of the result.
        if not self.refuses.isdisjoint(given.kinds):
            raise not_implemented_for(op_name, given)
        if wanted is not None:
            result = compute = wanted
        elif self.result == "sum" and given.category < FLOATING:
            result = compute = dtypes.int64
        else:
            result = compute = given
        if self.result == "float" and compute.category < FLOATING:
            raise RuntimeError(
                f"{op_name}(): could not infer output dtype. Input dtype must be either a floating "
                f"point or complex dtype. Got: {given.class_name}"
            )
        if self.result == "bool":
            result = dtypes.uint8 if given is dtypes.uint8 else dtypes.bool_
        elif self.result == "index":
            result = dtypes.int64
        if compute in dtypes.REDUCED_PRECISION:
            compute = dtypes.float32
        return compute, result

    def bind(self, op: Op, backend: Backend, key: int) -> Callable[..., Any]:
        base = op.base or op
        kernel = kernel_of(base.name, backend)
        result_key, array_type, as_array = backend.key, backend.array_type, backend.as_array
        # An empty list means all dimensions, but for all() and any() none, as in PyTorch.
        logical = self.result == "bool"
        nothing = () if logical else None
        large, converted = backend.large, backend.reduce_converted
        joins: Any = getattr(kernel, "joins", kernel)
        if self.result not in ("sum", "same", "bool"):
            joins = "mean" if self.result == "float" else None
        itself = getattr(kernel, "reduced_precision", False)
        own: dict[Any, tuple[Any, dtype, Any]] = {}
        types, one_dim = self.types, self.one_dim

        def plan(given: dtype, wanted: dtype | None) -> tuple[Any, dtype, Any]:
            if wanted is not None:
                wanted = read_dtype(base.name, wanted)
            compute, result = types(base.name, given, wanted)
            if itself and given in dtypes.REDUCED_PRECISION and result in (given, dtypes.int64):
                compute = given
            return None if compute is given else compute.numpy, result, result.numpy

        if op.mutates is not None:
            kernel = _to_offer(kernel, converted)

        def reduce(input: Tensor, dim: Any, keepdim: bool, wanted: dtype | None = None) -> Tensor:
            array = input._array
            given = input._dtype
            kinds = given if wanted is None else (given, wanted)
            known = own.get(kinds)
            if known is None:
                known = own[kinds] = plan(given, wanted)
            compute, result, numpy_type = known
            if dim is not None:
                if dim.__class__ is int or not isinstance(dim, (tuple, list)):
                    dim = normalize_dim(dim, array.ndim) if array.ndim else _no_axis(dim)
                elif one_dim:
                    raise TypeError(f"{base.name}(): argument 'dim' must be int, not {dim!r:.20}")
                elif not dim:
                    dim = nothing
                elif array.ndim:
                    dim = normalize_dims(dim, array.ndim)
                    if len(dim) == array.ndim and array.size:
                        dim = None
                    elif len(dim) == 1:
                        (dim,) = dim
                else:
                    normalize_dims(dim, 0)
                    dim = None
            if array.size < large:
                given = array if compute is None else array.astype(compute)
                array = kernel(given, dim, keepdim)
            elif compute is None and (
                dim is None
                or array.flags.c_contiguous
                or array.size < large * reduced_size(array.shape, dim)
            ):
                array = kernel(array, dim, keepdim)
            else:
                # Large results are row-major whatever the input is.
                axis = dim if array.ndim > 1 else None
                wide = array.dtype if compute is None else compute
                array = converted(kernel, array, wide, axis, keepdim, joins, numpy_type)
            if array.__class__ is not array_type:
                array = as_array(array)
            if array.dtype is not numpy_type and array.dtype != numpy_type:
                array = array.astype(numpy_type)
            if (
                dim is not None
                and array.ndim > 1
                and not (array.flags.c_contiguous or under_offer())
            ):
                # Row-major whatever the input is, as programs see the result by view().
                array = array.copy("C")
            tensor = blank()
            tensor._array = array
            tensor._dtype = result
            tensor._key = result_key
            tensor._storage = tensor._graph = tensor._view = tensor._grad = None
            return tensor

        if op.mutates is None:
            return reduce

        def into(*args: Any) -> Tensor:
            if logical and args[-1]._dtype not in (dtypes.bool_, dtypes.uint8):
                raise RuntimeError(
                    f"{base.name} only supports a bool or uint8 tensor for out, got "
                    f"{args[-1]._dtype.class_name}"
                )
            if self.result == "sum":
                # It is computed in the type of ``out``.
                *given, wanted, out = args
                if (wanted or out._dtype) is not out._dtype:
                    raise RuntimeError(
                        f"Expected out tensor to have dtype {wanted!r}, but got {out._dtype!r} "
                        f"instead ({base.name})"
                    )
                args = (*given, out._dtype, out)
            result = offering(args[-1], reduce)(*args[:-1])
            if self.result == "index" and args[-1]._dtype is not dtypes.int64:
                raise RuntimeError(
                    f"Expected out tensor to have dtype int64, but got {args[-1]._dtype.name} "
                    f"instead ({base.name})"
                )
            dtype = dtypes.bool_ if logical else result._dtype
            store(base.name, backend, args[-1], result._array, dtype, inplace=False)
            return args[-1]

        return into


def _to_offer(kernel: Any, converted: Any) -> Any:
    # A kernel in parts, which go to where ``out`` has room for them.
    def call(array: Any, *more: Any) -> Any:
        if offers:
            return converted(kernel, array, array.dtype, *more, None, None)
        return kernel(array, *more)

    return call


def _no_axis(dim: int) -> int | None:
    # A 0-dim tensor has a dimension 0 to reduce over, which changes nothing.
    normalize_dim(dim, 0)
    return None
