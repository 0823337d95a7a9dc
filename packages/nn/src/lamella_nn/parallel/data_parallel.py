"""One batch on several devices: cut up, computed by copies of a module, put together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from lamella_core.device import Device
from lamella_core.dispatch import backend_of
from lamella_nn.modules.module import Module
from lamella_nn.parallel.parallel_apply import parallel_apply
from lamella_nn.parallel.replicate import replicate
from lamella_nn.parallel.scatter_gather import gather, scatter_kwargs

__all__ = ["DataParallel", "data_parallel"]

DeviceLike = Device | str | int


def _devices_of(module: Module, device_ids: Sequence[DeviceLike] | None) -> list[Device]:
    """The devices to use, with their indices: none where the module is on the CPU.

    Numbers are indices of the device type that the module's parameters are on.
    """
    tensors = chain(module.parameters(), module.buffers())
    kind = next((t.device.type for t in tensors if t.device.type != "cpu"), None)
    if kind is None and device_ids is not None:
        named = [Device(each) for each in device_ids if not isinstance(each, int)]
        kind = next((each.type for each in named if each.type != "cpu"), None)
    if kind is None:
        return []
    if device_ids is None:
        device_ids = range(backend_of(Device(kind)).device_count())
    found = []
    for each in device_ids:
        device = _named(kind, each)
        if device.type != kind:
            raise ValueError(
                f"DataParallel: expected devices of type {kind}, the module's, but got {device}"
            )
        backend = backend_of(device)
        index = backend.current_device() if device.index is None else device.index
        found.append(Device(kind, index))
    return found


class DataParallel(Module):
    """A module that computes each batch on several devices of one process.

    In a forward pass the batch is cut along ``dim``, each device computes its part with a copy of
    the module, in a thread of its own, and the results are joined on ``output_device``. Gradients
    of all copies add up in the module. On one device the module is called as it is, and so it is
    on the CPU, which is one device.

    What a forward pass writes into a copy is lost, but for what it writes in place into parameters
    and buffers on the first device.

    Args:
        module: the module, on the first device.
        device_ids: devices, or indices of devices of the module's type; all of these by default.
        output_device: where the results are, a device or an index; by default the first device.
        dim: the dimension of the batch.

    Attributes:
        module: the module; its parameters are named ``module.<name>`` here.

    Raises:
        RuntimeError: in a call, where a parameter or buffer is not on the first device.
    """

    module: Module
    device_ids: list[Any]
    dim: int

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[DeviceLike] | None = None,
        output_device: DeviceLike | None = None,
        dim: int = 0,
    ) -> None:
        super().__init__()
        self.module = module
        self.dim = dim
        self._devices = _devices_of(module, device_ids)
        self.device_ids = [device.index for device in self._devices]
        if self._devices:
            first = self._devices[0]
            place = first if output_device is None else _named(first.type, output_device)
            self.output_device = place

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_devices" not in state:
            # PyTorch's file: it keeps indices, and nothing else for a module on the CPU.
            self.dim = state.get("dim", 0)
            self._devices = _devices_of(self.module, self.device_ids or None)
            if self._devices:
                self.output_device = _named(self._devices[0].type, self.output_device)

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """What the module gives for the whole batch."""
        if not self._devices:
            return self.module(*inputs, **kwargs)
        first = self._devices[0]
        for tensor in chain(self.module.parameters(), self.module.buffers()):
            if tensor.device != first:
                raise RuntimeError(
                    f"module must have its parameters and buffers on device {first} "
                    f"(device_ids[0]) but found one of them on device: {tensor.device}"
                )
        parts, named = self.scatter(inputs, kwargs, self.device_ids)
        if not parts:
            parts, named = ((),), ({},)
        if len(self._devices) == 1:
            return self.module(*parts[0], **named[0])
        replicas = self.replicate(self.module, self.device_ids[: len(parts)])
        return self.gather(self.parallel_apply(replicas, parts, named), self.output_device)

    def replicate(self, module: Module, device_ids: Sequence[DeviceLike]) -> list[Module]:
        """See ``parallel.replicate``."""
        return replicate(module, self._named(device_ids))

    def scatter(
        self,
        inputs: tuple[Any, ...],
        kwargs: dict[str, Any] | None,
        device_ids: Sequence[DeviceLike],
    ) -> tuple[tuple[Any, ...], tuple[dict[str, Any], ...]]:
        """The arguments of each copy; see ``parallel.scatter``."""
        return scatter_kwargs(inputs, kwargs, self._named(device_ids), self.dim)

    def parallel_apply(
        self, replicas: Sequence[Module], inputs: Sequence[Any], kwargs: Sequence[dict[str, Any]]
    ) -> list[Any]:
        """See ``parallel.parallel_apply``."""
        return parallel_apply(replicas, inputs, kwargs, self._devices[: len(replicas)])

    def gather(self, outputs: Any, output_device: DeviceLike) -> Any:
        """See ``parallel.gather``."""
        return gather(outputs, self._named([output_device])[0], self.dim)

    def _named(self, device_ids: Sequence[DeviceLike]) -> list[Device]:
        return [_named(self._devices[0].type, each) for each in device_ids]


def _named(kind: str, device: DeviceLike) -> Device:
    """A device; a number is the index of one of a type."""
    return Device(kind, device) if isinstance(device, int) else Device(device)


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Sequence[DeviceLike] | None = None,
    output_device: DeviceLike | None = None,
    dim: int = 0,
    module_kwargs: dict[str, Any] | None = None,
) -> Any:
    """``module(*inputs, **module_kwargs)`` on several devices; see :class:`DataParallel`.

    Args:
        module: the module, on the first device.
        inputs: a tuple of arguments, or the only one.
        device_ids, output_device, dim: as for the class.
        module_kwargs: keyword arguments of the module.
    """
    if not isinstance(inputs, tuple):
        inputs = () if inputs is None else (inputs,)
    return DataParallel(module, device_ids, output_device, dim)(*inputs, **(module_kwargs or {}))
