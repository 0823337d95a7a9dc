"""Parameter and Buffer: the two kinds of tensor that a module keeps."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from lamella_core import Tensor, empty
from lamella_core.serialization import register_module, register_type


class Parameter(Tensor):
    """A tensor that a module lists among its parameters when it is set as an attribute.

    Args:
        data: the tensor whose storage the parameter shares; an empty tensor where left out.
        requires_grad: whether autograd records operations on it. Unlike a tensor's, the default
            is True, and it is not switched off by ``no_grad``.

    Raises:
        TypeError: ``data`` is no tensor.
        RuntimeError: ``requires_grad`` is set for a dtype that has no gradient.
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        if data is None:
            data = empty(0)
        elif not isinstance(data, Tensor):
            raise TypeError(f"Parameter data should be a Tensor, got {type(data).__name__}")
        return Tensor._make_subclass(cls, data, requires_grad)

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        pass

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        done = memo.get(id(self))
        if done is not None:
            return done
        copied = type(self)(self.detach().clone(), self.requires_grad)
        memo[id(self)] = copied
        return copied

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        rebuild: tuple[Any, ...] = (self.data, self.requires_grad, OrderedDict())
        attributes = self.__dict__
        if attributes:
            return _rebuild_parameter_with_state, (*rebuild, dict(attributes))
        return _rebuild_parameter, rebuild

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        return "Parameter containing:\n" + super().__repr__()


def _rebuild_parameter(data: Tensor, requires_grad: bool, backward_hooks: Any) -> Parameter:
    # The third entry is the place of backward hooks in PyTorch's file format, which saves none.
    return Parameter(_tensor_of_file(data), requires_grad)


def _tensor_of_file(data: Any) -> Tensor:
    """What a file gives as a parameter's data, which may be anything."""
    if not isinstance(data, Tensor):
        raise TypeError(f"a file's parameter must be made from a tensor, got {type(data).__name__}")
    return data


def _rebuild_parameter_with_state(
    data: Tensor, requires_grad: bool, backward_hooks: Any, state: dict[str, Any]
) -> Parameter:
    parameter = Parameter(_tensor_of_file(data), requires_grad)
    for name, value in state.items():
        setattr(parameter, name, value)
    return parameter


class _BufferMeta(type(Tensor)):  # type: ignore[misc]
    """Lets ``isinstance(tensor, Buffer)`` know a tensor that was made by ``Buffer(...)``."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor) and getattr(instance, "_is_buffer", False)


class Buffer(Tensor, metaclass=_BufferMeta):
    """A tensor that a module lists among its buffers when it is set as an attribute.

    The result is a plain tensor with a mark on it; ``isinstance(result, Buffer)`` sees the mark.

    Args:
        data: the tensor whose storage the buffer shares; an empty tensor where left out.
        persistent: whether the buffer is part of the module's ``state_dict``.
    """

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Any:
        if data is None:
            data = empty(0)
        buffer = data.detach().requires_grad_(data.requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer


register_type("torch.nn.parameter", "Parameter", Parameter)
register_type("torch._utils", "_rebuild_parameter", _rebuild_parameter)
register_type("torch._utils", "_rebuild_parameter_with_state", _rebuild_parameter_with_state)
register_module("torch.nn", "lamella_nn")
