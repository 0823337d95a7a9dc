"""Moving a module: another dtype, device or memory, for all parameters and buffers at once."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from lamella_autograd import no_grad
from lamella_core import Tensor, empty_like
from lamella_core.device import Device
from lamella_core.dtype import dtype
from lamella_nn.parameter import Parameter, is_lazy

if TYPE_CHECKING:
    from typing import Self

    from lamella_nn.modules.module import Module

TensorFunction = Callable[[Tensor], Tensor]


class ConversionMixin:
    """The part of ``Module`` that converts parameters and buffers in place."""

    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    children: Callable[[], Iterator[Module]]
    modules: Callable[[], Iterator[Module]]

    def _apply(self, fn: TensorFunction, recurse: bool = True) -> Self:
        """Replace each parameter's data, each gradient's and each buffer by ``fn`` of it."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        with no_grad():
            for parameter in self._parameters.values():
                if parameter is None:
                    continue
                # The gradient is set anew: for a moment it would not have its parameter's dtype.
                grad, parameter.grad = parameter.grad, None
                parameter.data = fn(parameter.data)
                if grad is not None:
                    parameter.grad = fn(grad.detach()).requires_grad_(grad.requires_grad)
        for name, buffer in self._buffers.items():
            if is_lazy(buffer):
                buffer.data = fn(buffer.data)  # type: ignore[union-attr]
            elif buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move the module, and cast its floating-point and complex members.

        Called as ``to(device=None, dtype=None, non_blocking=False)``,
        ``to(dtype, non_blocking=False)``, ``to(tensor, non_blocking=False)`` or
        ``to(memory_format=...)``. Integer members keep their dtype.

        Raises:
            TypeError: the dtype is neither floating-point nor complex.
        """
        to_device, to_dtype, non_blocking, memory_format = parse_to(*args, **kwargs)
        if to_dtype is not None:
            if not (to_dtype.is_floating_point or to_dtype.is_complex):
                raise TypeError(
                    "nn.Module.to only accepts floating point or complex dtypes, but got desired "
                    f"dtype={to_dtype}"
                )
            if to_dtype.is_complex:
                warnings.warn(
                    "Complex modules are a new feature under active development whose design may "
                    "change, and some modules might not work as expected when using complex "
                    "tensors as parameters or buffers.",
                    stacklevel=2,
                )

        def convert(tensor: Tensor) -> Tensor:
            cast = to_dtype if tensor.is_floating_point() or tensor.is_complex() else None
            options: dict[str, Any] = {}
            if memory_format is not None and tensor.dim() in (4, 5):
                options["memory_format"] = memory_format
            if to_device is not None:
                options["device"] = to_device
                options["non_blocking"] = non_blocking
            if cast is not None:
                options["dtype"] = cast
            return tensor.to(**options) if options else tensor

        return self._apply(convert)

    def to_empty(self, *, device: str | Device | int | None, recurse: bool = True) -> Self:
        """Move the module to a device without copying its values: the new ones are arbitrary."""
        return self._apply(lambda tensor: empty_like(tensor, device=device), recurse)

    def cpu(self) -> Self:
        """Move the module to the CPU."""
        return self._apply(lambda tensor: tensor.cpu())

    def cuda(self, device: int | Device | None = None) -> Self:
        """Move the module to a CUDA device, the current one where left out."""
        return self._apply(lambda tensor: tensor.cuda(device))

    def type(self, dst_type: dtype | str) -> Self:
        """Cast all parameters and buffers to a dtype."""
        return self._apply(lambda tensor: tensor.type(dst_type))

    def float(self) -> Self:
        """Cast all floating-point parameters and buffers to float32."""
        return self._apply(lambda tensor: tensor.float() if tensor.is_floating_point() else tensor)

    def double(self) -> Self:
        """Cast all floating-point parameters and buffers to float64."""
        return self._apply(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)

    def half(self) -> Self:
        """Cast all floating-point parameters and buffers to float16."""
        return self._apply(lambda tensor: tensor.half() if tensor.is_floating_point() else tensor)

    def bfloat16(self) -> Self:
        """Cast all floating-point parameters and buffers to bfloat16."""
        return self._apply(
            lambda tensor: tensor.bfloat16() if tensor.is_floating_point() else tensor
        )

    def share_memory(self) -> Self:
        """Move all parameters and buffers to memory that processes share.

        Raises:
            RuntimeError: one has no shape yet.
        """
        for module in self.modules():
            for tensor in (*module._parameters.values(), *module._buffers.values()):
                if tensor is not None and is_lazy(tensor):
                    tensor.share_memory_()
        return self._apply(lambda tensor: tensor.share_memory_())


def parse_to(*args: Any, **kwargs: Any) -> tuple[Device | None, dtype | None, bool, Any]:
    """The device, dtype, ``non_blocking`` and memory format that a call of ``to`` names.

    Raises:
        TypeError: the arguments fit none of the three forms of ``to``.
    """
    memory_format = kwargs.pop("memory_format", None)
    names: tuple[str, ...] = ("device", "dtype", "non_blocking")
    if args and isinstance(args[0], dtype):
        names = ("dtype", "non_blocking")
    elif (args and isinstance(args[0], Tensor)) or "tensor" in kwargs or "other" in kwargs:
        names = ("other", "non_blocking")
        if "tensor" in kwargs:
            kwargs["other"] = kwargs.pop("tensor")
    if len(args) > len(names):
        raise TypeError(
            f"to() takes at most {len(names)} positional arguments ({', '.join(names)}), "
            f"got {len(args)}"
        )
    given = dict(zip(names, args, strict=False))
    for name, value in kwargs.items():
        if name in given or name not in (*names, "device"):
            raise TypeError(f"to() got an unexpected keyword argument '{name}'")
        given[name] = value
    other = given.get("other")
    if other is not None:
        given["device"], given["dtype"] = other.device, other.dtype
    to_device, to_dtype = given.get("device"), given.get("dtype")
    if to_dtype is not None and not isinstance(to_dtype, dtype):
        raise TypeError(f"to(): dtype must be a torch.dtype, not {type(to_dtype).__name__}")
    if to_device is not None:
        to_device = Device(to_device)
    return to_device, to_dtype, bool(given.get("non_blocking", False)), memory_format
