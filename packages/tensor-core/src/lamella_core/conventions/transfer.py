"""Transfer: the one op whose result is on another device than its input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.declaration import declare
from lamella_core.dispatch import backend_of
from lamella_core.tensor import Tensor, wrap

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.backend import Backend
    from lamella_core.device import Device
    from lamella_core.dispatch import Op


def transfer(declaration: Callable[..., Any]) -> Any:
    """Declares an op ``(input, device, source, non_blocking)``.

    Its key is that of the device the input is on.
    """
    return declare(declaration, Transfer(), method=False)


class Transfer:
    """See :func:`transfer`. Between types of devices the elements go as NumPy arrays."""

    __slots__ = ()

    def bind(self, op: Op, backend: Backend, key: int) -> Callable[..., Any]:
        def call(input: Tensor, device: Device, source: Device, non_blocking: bool) -> Tensor:
            target = backend_of(device)
            if target is backend:
                array = backend.move(input._array, device)
            elif non_blocking and device.type == "cpu":
                array = backend.download(input._array)
            else:
                host = backend.to_numpy(input._array)
                array = (target.upload if non_blocking else target.from_numpy)(host, device)
            return wrap(array, input._dtype, target.key)

        return call
