"""Creation ops: numbers in, a new array out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.device import Device, get_default_device
from lamella_core.dispatch import declare, kernel_of
from lamella_core.tensor import Tensor, blank, wrap

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.backend import Backend
    from lamella_core.dispatch import Op
    from lamella_core.dtype import dtype


def creation(*, name: str | None = None) -> Callable[[Callable[..., Any]], Any]:
    """Declares a creation op, whose last two parameters are ``dtype`` and ``device``.

    The kernel is given the other arguments, then the NumPy dtype, then the Device.
    """
    return lambda declaration: declare(declaration, Creation(), method=False, name=name)


class Creation:
    """See :func:`creation`."""

    __slots__ = ()

    def bind(self, op: Op, backend: Backend, key: int) -> Callable[..., Any]:
        kernel = kernel_of(op.name, backend)
        result_key = backend.key
        sole_device = backend.sole_device
        if len(op.params) == 3 and sole_device is not None:

            def call_short(argument: Any, dtype: dtype, device: Any) -> Tensor:
                tensor = blank()
                tensor._array = kernel(argument, dtype.numpy, sole_device)
                tensor._dtype = dtype
                tensor._key = result_key
                tensor._storage = tensor._graph = tensor._view = tensor._grad = None
                return tensor

            return call_short

        def call(*args: Any) -> Tensor:
            *numbers, dtype, device = args
            if sole_device is not None:
                device = sole_device
            else:
                device = get_default_device() if device is None else Device(device)
            return wrap(kernel(*numbers, dtype.numpy, device), dtype, result_key)

        return call
