"""Creation ops: numbers in, a new array out."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

from lamella_core.declaration import declare
from lamella_core.device import Device, get_default_device
from lamella_core.dispatch import kernel_of
from lamella_core.refusal import refuse_size
from lamella_core.tensor import Tensor, blank, wrap

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from lamella_core.backend import Backend
    from lamella_core.declaration import Declaration
    from lamella_core.dispatch import Op


def creation(declaration: Declaration) -> Any:
    """Declares a creation op, whose last two parameters are ``dtype`` and ``device``.

    The kernel is given the other arguments, then the NumPy dtype, then the Device.
    """
    return declare(declaration, Creation(), method=False)


class Creation:
    # See ``creation``.

    __slots__ = ()

    def bind(self, op: Op, backend: Backend, key: int) -> Callable[..., Any]:
        kernel = kernel_of(op.name, backend)
        result_key = backend.key
        sole_device = backend.sole_device
        if sole_device is None:

            def call(*args: Any) -> Tensor:
                *numbers, dtype, device = args
                device = get_default_device() if device is None else Device(device)
                return wrap(kernel(*numbers, dtype.numpy, device), dtype, result_key)

            return call

        names = "".join([f"a{i}, " for i in range(len(op.params) - 2)])
        namespace: dict[str, Any] = {
            "blank": blank,
            "kernel": kernel,
            "sole_device": sole_device,
            "result_key": result_key,
            "refuse_size": partial(refuse_size, op.name),
            "__name__": __name__,
        }
        exec(_call_code(names), namespace)
        return namespace["call"]


@cache
def _call_code(names: str) -> CodeType:
    # The code of a call with these arguments: taking any number would cost more than a kernel.
    source = f"""
def call({names}dtype, device):
    tensor = blank()
    try:
        tensor._array = kernel({names}dtype.numpy, sole_device)
    except Exception as error:
        refuse_size(error)
        raise
    tensor._dtype = dtype
    tensor._key = result_key
    tensor._storage = tensor._graph = tensor._view = tensor._grad = None
    return tensor
"""
    return compile(source, "<creation>", "exec")
