"""Ops on whole arrays: tensors go in as arrays, new arrays come out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lamella_core import dtype as dtypes
from lamella_core.conventions.common import (
    check_memory,
    kernel_call,
    not_implemented_for,
    store,
    wrap_all,
)
from lamella_core.conventions.results import offering
from lamella_core.declaration import declare
from lamella_core.dispatch import REORDERED, kernel_of
from lamella_core.formats import order_of, suggests_channels_last
from lamella_core.offers import under_offer
from lamella_core.promotion import result_dtype
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lamella_core.backend import Backend
    from lamella_core.declaration import Declarator
    from lamella_core.dispatch import Op
    from lamella_core.dtype import dtype


def arrays(
    *,
    promotes: bool = False,
    refuses: str = "",
    returns: type | None = None,
    reduced_precision: bool = False,
    keeps_format: int = 0,
    most_dims: int = 5,
    row_major: bool = False,
    like_first: bool = False,
    method: bool = True,
    inplace: bool = False,
) -> Declarator:
    """Declares an op whose kernel takes arrays and returns new ones, typed by their own dtype.

    Args:
        promotes: bring all tensors to their common type first.
        refuses: types and categories of the first tensor that the op has no meaning for.
        returns: a named tuple class for an op with several results.
        reduced_precision: whether the kernel computes float16 and bfloat16 by itself; otherwise
            it is given float32 and floating results are rounded back. A backend's kernel may say
            it of itself, by an attribute of this name.
        keeps_format: how many of the first tensors are asked for their memory format: results are
            channels-last where one of these is.
        most_dims: how many dimensions they have at most for that.
        row_major: whether results are row-major whatever the kernel makes of a transposed input.
        like_first: whether results of the first tensor's shape have its order in memory.
        method, inplace: see ``declaration.declare``.
    """
    convention = Arrays(
        promotes,
        frozenset(refuses.split()),
        returns,
        reduced_precision,
        keeps_format,
        most_dims,
        row_major,
        like_first,
    )
    return lambda declaration: declare(declaration, convention, method=method, inplace=inplace)


class Arrays(NamedTuple):
    # See ``arrays``.

    promotes: bool
    refuses: frozenset[str]
    returns: type | None
    reduced_precision: bool
    keeps_format: int
    most_dims: int
    row_major: bool
    like_first: bool
    keeps_order: bool = True

    def bind(self, op: Op, backend: Backend, key: int) -> Callable[..., Any]:
        base = op.base or op
        kernel = kernel_of(base.name, backend)
        returns = self.returns
        single = tuple(i for i, p in enumerate(base.params) if p.kind in _SINGLE)
        lists = tuple(i for i, p in enumerate(base.params) if p.kind == "tensors")

        itself = self.reduced_precision or getattr(kernel, "reduced_precision", False)
        as_they_are: frozenset[dtype] = frozenset()
        if not self.promotes and not lists and base.params[0].kind == "tensor":
            as_they_are = frozenset(d for d in dtypes.ALL if self._takes(d, itself))

        def convert(*args: Any) -> Any:
            tensors = [args[i] for i in single if isinstance(args[i], Tensor)]
            for i in lists:
                tensors.extend(args[i])
            common, reduced = self.types(base.name, tensors, itself)
            values = list(args)
            for i in single:
                value = args[i]
                if isinstance(value, Tensor):
                    values[i] = _array(value, common, reduced)
            for i in lists:
                values[i] = [_array(each, common, reduced) for each in args[i]]
            result = wrap_all(kernel(*values), backend)
            if reduced is not None:
                result = _rounded(result, reduced)
            return result if returns is None else returns(*result)

        call: Any = convert
        if as_they_are:
            call = kernel_call(base, kernel, backend, as_they_are, convert, returns)
        if op.mutates is None:
            if self.keeps_format:
                return self._in_format(call, backend)
            if self.row_major:
                return _row_major(call)
            return _like_first(call, backend) if self.like_first and key & REORDERED else call
        inplace = op.mutates != "out"

        def into(*args: Any) -> Any:
            targets = args[0] if inplace else args[-1]
            several = isinstance(targets, (tuple, list))
            written = targets if several else (targets,)
            for target in written:
                check_memory(base.name, target, args)
            result = call(*args) if inplace else offering(targets, call)(*args[:-1])
            for target, each in zip(written, result if several else (result,), strict=True):
                store(base.name, backend, target, each._array, each._dtype, inplace)
            return targets if not several or returns is None else returns(*targets)

        return into

    def _in_format(self, call: Callable[..., Any], backend: Backend) -> Callable[..., Any]:
        # The call with results that are channels-last where one of the first tensors is.
        count, most_dims = self.keeps_format, self.most_dims
        otherwise = _row_major(call) if self.row_major else call
        arrange = _arranging(backend)

        def formatted(*args: Any) -> Any:
            for each in args[:count]:
                ndim = each._array.ndim
                if ndim <= most_dims and suggests_channels_last(each._array):
                    result = call(*args)
                    arrange(result, (0, *range(2, ndim), 1))
                    return result
            return otherwise(*args)

        return formatted

    def _takes(self, dtype: dtype, itself: bool) -> bool:
        # Whether the kernel is given arrays of this type, and nothing has to be done for it.
        takes = itself or dtype not in dtypes.REDUCED_PRECISION
        return takes and self.refuses.isdisjoint(dtype.kinds)

    def types(
        self, op_name: str, tensors: list[Tensor], itself: bool
    ) -> tuple[dtype | None, dtype | None]:
        # The type to bring all tensors to, or None; the type to round results to, or None.
        first = tensors[0]._dtype
        if not self.refuses.isdisjoint(first.kinds):
            raise not_implemented_for(op_name, first)
        common = None
        if self.promotes:
            for tensor in tensors:
                if tensor._dtype is not first:
                    common = first = result_dtype(tensors)
                    break
        if first in dtypes.REDUCED_PRECISION and not itself:
            return (dtypes.float32 if self.promotes else None), first
        return common, None


def _arranging(backend: Backend) -> Callable[[Any, Sequence[int]], None]:
    # The function that lays out results with as many dimensions as an order has in this order.
    clone = kernel_of("clone", backend)

    def arrange(result: Any, order: Sequence[int]) -> None:
        for tensor in (result,) if isinstance(result, Tensor) else result:
            array = tensor._array
            if array.ndim == len(order):
                # Strides of sizes of 1 are to say which order is meant; a copy sets them.
                if 1 in array.shape or not array.transpose(order).flags.c_contiguous:
                    tensor._array = clone(array, order)
                tensor._key |= REORDERED

    return arrange


def _like_first(call: Callable[..., Any], backend: Backend) -> Callable[..., Any]:
    # The call with results in the first tensor's order in memory.
    arrange, strides = _arranging(backend), backend.strides

    def arranged(*args: Any) -> Any:
        result = call(*args)
        array = args[0]._array
        arrange(result, tuple(order_of(array.shape, strides(array))))
        return result

    return arranged


def _row_major(call: Callable[..., Any]) -> Callable[..., Any]:
    # The call with results whose last dimension is innermost in memory.
    def arranged(*args: Any) -> Any:
        result = call(*args)
        for tensor in (result,) if isinstance(result, Tensor) else result:
            array = tensor._array
            if array.ndim > 1 and not (array.flags.c_contiguous or under_offer()):
                tensor._array = array.copy("C")
        return result

    return arranged


_SINGLE = frozenset(("tensor", "optional tensor", "operand", "optional operand"))


def _array(tensor: Tensor, common: dtype | None, reduced: dtype | None) -> Any:
    if common is not None:
        return tensor._array.astype(common.numpy, copy=False)
    if reduced is not None and tensor._dtype in dtypes.REDUCED_PRECISION:
        return tensor._array.astype(dtypes.float32.numpy)
    return tensor._array


def _rounded(result: Any, reduced: Any) -> Any:
    if isinstance(result, (tuple, list)):
        return type(result)(_rounded(each, reduced) for each in result)
    if result._dtype is dtypes.float32:
        result._array = result._array.astype(reduced.numpy)
        result._dtype = reduced
    return result
