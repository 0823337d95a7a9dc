"""Composites: ops written in other ops. They have no kernel and no derivative of their own."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, overload

from lamella_core.dispatch import REQUIRES_GRAD
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = Callable[..., Any]


@overload
def composite(function: Function, /) -> Function: ...


@overload
def composite(
    *, method: bool = True, inplace: bool = False, renames: bool = True
) -> Callable[[Function], Function]: ...


def composite(
    function: Any = None, /, *, method: bool = True, inplace: bool = False, renames: bool = True
) -> Any:
    """Declares a composite op.

    Args:
        method: whether the function is a method of Tensor, too.
        inplace: whether there is a method ``name_`` that copies the result into the tensor.
        renames: whether ``dim`` and ``keepdim`` may be called ``axis`` and ``keepdims``; it costs a
            call 0.1 µs.
    """

    def declarator(function: Function) -> Function:
        name = function.__name__
        code = function.__code__
        if renames and "dim" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
            function = with_numpys_names(function)
        if method:
            setattr(Tensor, name, function)
        if inplace:
            setattr(Tensor, f"{name}_", _inplace(function))
        return function

    return declarator if function is None else declarator(function)


def with_numpys_names(function: Function) -> Function:
    """The function, with ``dim`` and ``keepdim`` also under the names ``axis`` and ``keepdims``."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not kwargs:
            return function(*args)
        if "axis" in kwargs and "dim" not in kwargs:
            kwargs["dim"] = kwargs.pop("axis")
        if "keepdims" in kwargs and "keepdim" not in kwargs:
            kwargs["keepdim"] = kwargs.pop("keepdims")
        return function(*args, **kwargs)

    return call


def _inplace(function: Function) -> Function:
    @wraps(function)
    def into_self(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        # What the function's ops save of the input must outlive the write below.
        source = input.clone() if input._key & REQUIRES_GRAD else input
        result = function(source, *args, **kwargs)
        if result._array.shape != input._array.shape:
            raise RuntimeError(
                f"output with shape {list(input._array.shape)} doesn't match the broadcast shape "
                f"{list(result._array.shape)} ({name}: an in-place op cannot change the shape)"
            )
        if result._dtype.category > input._dtype.category:
            raise RuntimeError(
                f"result type {result._dtype.class_name} can't be cast to the desired output type "
                f"{input._dtype.class_name} ({name}; convert with .to() first)"
            )
        return input.copy_(result)

    name = into_self.__name__ = into_self.__qualname__ = f"{function.__name__}_"
    return into_self
