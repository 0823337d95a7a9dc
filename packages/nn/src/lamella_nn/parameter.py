"""Parameter and Buffer: the two kinds of tensor that a module keeps."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NoReturn, cast

from lamella_core import Tensor, empty
from lamella_core.dispatch import Layer, Op, new_bit, register_layer
from lamella_core.ops.copying import attributes_of
from lamella_core.refusal import check_switches
from lamella_core.serialization import register_module, register_type


class _ParameterMeta(type(Tensor)):  # type: ignore[misc]
    """Lets ``isinstance(tensor, Parameter)`` know parameters that kept a class of their own."""

    def __instancecheck__(cls, instance: object) -> bool:
        return type.__instancecheck__(cls, instance) or (
            cls is Parameter
            and isinstance(instance, Tensor)
            and getattr(instance, "_is_param", False)
        )


class Parameter(Tensor, metaclass=_ParameterMeta):
    """A tensor that a module lists among its parameters when it is set as an attribute.

    Args:
        data: the tensor whose storage the parameter shares; an empty tensor where left out.
        requires_grad: whether autograd records operations on it. Unlike a tensor's, the default
            is True, and it is not switched off by ``no_grad``.

    Returns:
        A parameter. Where ``data`` is of a user's class and its ``detach`` keeps that, a tensor of
        that class with a mark on it, which ``isinstance(result, Parameter)`` sees.

    Raises:
        TypeError: ``data`` is no tensor.
        RuntimeError: ``requires_grad`` is set for a dtype that has no gradient.
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        if data is None:
            data = empty(0)
        elif not isinstance(data, Tensor):
            raise TypeError(f"Parameter data should be a Tensor, got {type(data).__name__}")
        elif data._printed_name != Tensor._printed_name and not isinstance(data, Parameter):
            own = type(data)
            kept: Any = data.detach()
            if type(kept) is own:
                kept.__dict__["_is_param"] = True
                kept.requires_grad_(requires_grad)
                return cast("Parameter", kept)
        if requires_grad.__class__ is not bool:
            check_switches("Parameter", requires_grad=requires_grad)
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
        attributes = attributes_of(self)
        if attributes:
            return _rebuild_parameter_with_state, (*rebuild, attributes)
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


_UNINITIALIZED = new_bit()


class _Refusing(Layer):
    """Refuses every op on a tensor that has no shape yet."""

    name = "uninitialized"
    level = 1000
    bits = _UNINITIALIZED

    def wrap(self, op: Op, key: int, below: Callable[..., Any]) -> Callable[..., Any]:
        def refuse(*args: Any) -> NoReturn:
            raise _uninitialized(op.name)

        return refuse


register_layer(_Refusing())


def _uninitialized(name: str) -> ValueError:
    return ValueError(
        f"Attempted to use an uninitialized parameter in {name}: it has no shape before a lazy "
        "module has seen its first input. Call the module with a batch of the right size, or "
        "`materialize` the parameter, first."
    )


class UninitializedTensorMixin:
    """What parameters and buffers without a shape share; ``materialize`` gives them one."""

    cls_to_become: type[Tensor]

    _key: int
    __class__: Any

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Give the tensor a shape and arbitrary values; it is then a plain one.

        Args:
            device, dtype: those given at construction where left out.
        """
        data = self.data
        self._key &= ~_UNINITIALIZED
        self.__class__ = self.cls_to_become
        self.data = empty(shape, device=device or data.device, dtype=dtype or data.dtype)

    @property
    def data(self) -> Tensor:
        """An empty tensor of the dtype and device that the shape will be made with."""
        plain: Any = Tensor.data.__get__(self)
        plain._key &= ~_UNINITIALIZED
        return plain

    @data.setter
    def data(self, source: Tensor) -> None:
        Tensor.data.__set__(self, source)  # type: ignore[attr-defined]

    @property
    def shape(self) -> Any:
        """Not known yet: an error."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. It has none before a "
            "lazy module has seen its first input; a state dict that holds one cannot be loaded "
            "into a module that is initialized."
        )

    def numel(self) -> int:
        """Not known yet: an error."""
        raise _uninitialized("numel")

    def dim(self) -> int:
        """Not known yet: an error."""
        raise _uninitialized("dim")

    def detach(self) -> Tensor:
        """Not there yet: an error."""
        raise _uninitialized("detach")

    def share_memory_(self) -> Tensor:
        """Not there yet: an error."""
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. Call `forward` to "
            "initialize the parameters before calling `module.share_memory()`."
        )

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[misc, metaclass]
    """A parameter whose shape is not known yet, of a lazy module.

    It can be given another dtype or device, and a shape, by ``materialize``; all else is an error.

    Args:
        requires_grad: whether autograd records operations on it later.
        device, dtype: those that it will have.
    """

    cls_to_become = Parameter

    def __new__(
        cls, requires_grad: bool = True, device: Any = None, dtype: Any = None
    ) -> UninitializedParameter:
        data = empty(0, device=device, dtype=dtype)
        tensor: Any = Tensor._make_subclass(cls, data, requires_grad)
        tensor._key |= _UNINITIALIZED
        return tensor

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        pass

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedParameter:
        done = memo.get(id(self))
        if done is None:
            done = type(self)(self.requires_grad, self.data.device, self.data.dtype)
            memo[id(self)] = done
        return done

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        data = self.data
        return type(self), (self.requires_grad, data.device, data.dtype)


class UninitializedBuffer(UninitializedTensorMixin, Tensor):
    """A buffer whose shape is not known yet, of a lazy module; see ``UninitializedParameter``.

    Args:
        requires_grad: whether autograd records operations on it later.
        device, dtype: those that it will have.
        persistent: whether it is part of the module's ``state_dict``.
    """

    cls_to_become = Tensor

    def __new__(
        cls,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> UninitializedBuffer:
        data = empty(0, device=device, dtype=dtype)
        tensor: Any = Tensor._make_subclass(cls, data, requires_grad)
        tensor._key |= _UNINITIALIZED
        tensor.persistent = persistent
        tensor._is_buffer = True
        return tensor

    def __init__(
        self,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> None:
        pass

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedBuffer:
        done = memo.get(id(self))
        if done is None:
            data = self.data
            done = type(self)(self.requires_grad, data.device, data.dtype, self.persistent)
            memo[id(self)] = done
        return done

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        data = self.data
        return type(self), (self.requires_grad, data.device, data.dtype, self.persistent)


def is_lazy(param: Any) -> bool:
    """Whether a parameter or buffer has no shape yet."""
    return isinstance(param, UninitializedTensorMixin)


register_type("torch.nn.parameter", "Parameter", Parameter)
register_type("torch._utils", "_rebuild_parameter", _rebuild_parameter)
register_type("torch._utils", "_rebuild_parameter_with_state", _rebuild_parameter_with_state)
register_module("torch.nn", "lamella_nn")
