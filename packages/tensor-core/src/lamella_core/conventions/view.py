"""Views: results that share the input's memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core.declaration import declare
from lamella_core.dispatch import REORDERED, kernel_of, mark_order
from lamella_core.formats import reach
from lamella_core.storage import storage_of
from lamella_core.tensor import Tensor, blank, wrap

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.backend import Backend
    from lamella_core.declaration import Declarator
    from lamella_core.dispatch import Op


def view(
    *,
    retypes: bool = False,
    reorders: bool = False,
    method: bool = True,
) -> Declarator:
    """Declares a view op: its kernel returns a view of the first argument's array, or several.

    The results share the input's storage and version counter, and remember the tensor that they
    are views of.

    Args:
        retypes: whether a view can have another element type than the input.
        reorders: whether a view of a row-major tensor may have its elements in another order.
        method: see ``declaration.declare``.
    """
    return lambda declaration: declare(declaration, View(retypes, reorders), method=method)


class View:
    # See ``view``.

    __slots__ = ("reorders", "retypes")

    def __init__(self, retypes: bool, reorders: bool) -> None:
        self.retypes = retypes
        self.reorders = reorders

    def bind(self, op: Op, backend: Backend, key: int) -> Callable[..., Any]:
        kernel = kernel_of(op.name, backend)
        result_key = backend.key | (REORDERED if self.reorders else key & REORDERED)
        array_type = backend.array_type
        if self.retypes:
            return lambda input, *args: _wrapped(
                input, kernel(input._array, *args), array_type, result_key
            )
        bind = _bind_short if len(op.params) == 2 else _bind_long
        return bind(kernel, array_type, result_key)


def _bind_short(kernel: Callable[..., Any], array_type: Any, key: int) -> Callable[..., Any]:
    # The call of an op with one argument beside the tensor; those are the frequent ones.
    def call(input: Tensor, argument: Any) -> Any:
        array = kernel(input._array, argument)
        if array.__class__ is not array_type:
            return _wrapped(input, array, array_type, key)
        storage = input._storage
        if storage is None:
            storage = storage_of(input)
        view = input._view
        tensor = blank()
        tensor._array = array
        tensor._dtype = input._dtype
        tensor._key = key
        tensor._storage = storage
        tensor._view = (input if view is None else view[0], storage.version)
        tensor._graph = tensor._grad = None
        return tensor

    return call


def _bind_long(kernel: Callable[..., Any], array_type: Any, key: int) -> Callable[..., Any]:
    # :func:`_bind_short` for any number of arguments, which costs a call a little more.
    def call(input: Tensor, *args: Any) -> Any:
        array = kernel(input._array, *args)
        if array.__class__ is not array_type:
            return _wrapped(input, array, array_type, key)
        storage = storage_of(input)
        view = input._view
        tensor = wrap(array, input._dtype, key)
        tensor._storage = storage
        tensor._view = (input if view is None else view[0], storage.version)
        return tensor

    return call


def _wrapped(input: Tensor, result: Any, array_type: Any, key: int) -> Any:
    # A view, or several.
    storage = storage_of(input)
    base = (input if input._view is None else input._view[0], storage.version)
    if result.__class__ is array_type:
        return _view_of(input, result, base, storage, key)
    return tuple([_view_of(input, each, base, storage, key) for each in result])


def strided_view(*, method: bool = True) -> Declarator:
    """Declares a view op over the whole storage.

    Its parameters are ``(input, size, stride, storage_offset, geometry)``.
    """
    return lambda declaration: declare(declaration, StridedView(), method=method)


class StridedView:
    # See :func:`strided_view`. The backend itself makes the view; there is no kernel.

    __slots__ = ()

    def bind(self, op: Op, backend: Backend, key: int) -> Callable[..., Any]:
        def call(
            input: Tensor,
            size: tuple[int, ...],
            stride: tuple[int, ...],
            storage_offset: int,
            geometry: Any,
        ) -> Tensor:
            storage = storage_of(input)
            array = strided_array(storage, backend, input._dtype, size, stride, storage_offset)
            base = (input if input._view is None else input._view[0], storage.version)
            return mark_order(_view_of(input, array, base, storage, backend.key))

        return call


def strided_array(
    storage: Any,
    backend: Backend,
    dtype: dtypes.dtype,
    size: tuple[int, ...],
    stride: tuple[int, ...],
    storage_offset: int,
) -> Any:
    """The array at a place in a storage.

    Raises:
        RuntimeError: when it would reach beyond the end.
    """
    needed = 0 if 0 in size else storage_offset + reach(size, stride)
    itemsize = dtype.itemsize
    if needed * itemsize > storage.nbytes():
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset "
            f"{storage_offset}, and itemsize {itemsize} requiring a storage size of "
            f"{needed * itemsize} are out of bounds for storage of size {storage.nbytes()}"
        )
    offset = storage_offset if needed else min(storage_offset, storage.nbytes() // itemsize)
    return backend.as_strided(storage.root, dtype.numpy, size, stride, offset)


def _view_of(input: Tensor, array: Any, base: tuple[Tensor, int], storage: Any, key: int) -> Tensor:
    same = array.dtype is input._array.dtype
    tensor = wrap(array, input._dtype if same else dtypes.OF_NUMPY[array.dtype], key)
    tensor._storage = storage
    tensor._view = base
    return tensor
