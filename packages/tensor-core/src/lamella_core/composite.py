"""Composites: ops written in other ops. They have no kernel and no derivative of their own."""

from __future__ import annotations

import types
from functools import wraps
from inspect import CO_VARARGS, CO_VARKEYWORDS
from typing import TYPE_CHECKING, Any

from lamella_core.conventions.common import LARGE, check_result
from lamella_core.conventions.results import write_out
from lamella_core.declaration import OTHER_NAMES, caller, complete
from lamella_core.dispatch import REQUIRES_GRAD, WATCHED
from lamella_core.signature import REQUIRED, arguments, compile_caller, switches_of
from lamella_core.storage import resize
from lamella_core.tensor import Tensor, wrap

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = Callable[..., Any]


def composite(
    function: Any = None,
    /,
    *,
    method: bool = True,
    inplace: bool = False,
    quick: bool = False,
    grows: bool = False,
) -> Any:
    """Declares a composite op.

    Args:
        method: whether the function is a method of Tensor, too.
        inplace: whether there is a method ``name_`` that copies the result into the tensor.
        quick: whether the method is the function as it is, not :func:`checked`, and the function
            looks at integers itself: for those of less than a microsecond.
        grows: whether ``name_`` gives the tensor the result's shape, where it is another.
    """

    def declarator(function: Function) -> Function:
        name = function.__name__
        public = checked(function, quick=quick)
        if method:
            setattr(Tensor, name, function if quick else public)
        if inplace:
            setattr(Tensor, f"{name}_", _inplace(public, grows))
        return public

    return declarator if function is None else declarator(function)


def checked(function: Function, renames: bool = True, quick: bool = False) -> Function:
    """The function, where arguments that made a call fail are named, see ``refusal``.

    Some parameters have other names, too (``OTHER_NAMES``). The function is called by position
    alone, which is quicker than a call of it as it is written.
    """
    code = complete(function).__code__
    if code.co_flags & (CO_VARARGS | CO_VARKEYWORDS):
        return function
    count = code.co_argcount + code.co_kwonlyargcount
    names = code.co_varnames[:count]
    renamed = [name for name in names if renames and name in OTHER_NAMES.values()]
    required = names[: code.co_argcount - len(function.__defaults__ or ())]
    defaults = function.__defaults__
    if renamed and renamed[0] in required:
        # It may come by another name, so that the caller's own parameters must not ask for it.
        defaults = (REQUIRED,) * (len(required) - required.index(renamed[0])) + (defaults or ())

    def make_code() -> types.CodeType:
        call.__globals__["by_position"] = types.FunctionType(
            code.replace(co_argcount=count, co_kwonlyargcount=0),
            function.__globals__,
            code.co_name,
            None,
            function.__closure__,
        )
        made = compile_caller(
            count,
            f"        return by_position({arguments(count)})",
            "by_position(",
            switches_of(names, function.__annotations__, "bool", "bool" if quick else "int"),
            more="alpha" in names,
            renames=bool(renamed),
        )
        return made.replace(
            co_name=code.co_name,
            co_qualname=code.co_name,
            co_argcount=code.co_argcount,
            co_kwonlyargcount=code.co_kwonlyargcount,
            co_varnames=names + made.co_varnames[count:],
        )

    call = caller(function, defaults, make_code)
    return call


def _inplace(function: Function, grows: bool) -> Function:
    takes_out = "out" in function.__annotations__

    @wraps(function)
    def into_self(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        # What the function's ops save of the input must outlive the write below.
        source = input.clone() if input._key & REQUIRES_GRAD else input
        if takes_out and input._array.size >= LARGE:
            tensors = [
                each for each in (input, *args, *kwargs.values()) if isinstance(each, Tensor)
            ]
            if not any(each._key & WATCHED for each in tensors):
                # Another tensor in the same memory, as it may be given another shape.
                kwargs["out"] = wrap(input._array, input._dtype, input._key)
        result = function(source, *args, **kwargs)
        own, shape = input._array.shape, result._array.shape
        may_grow = grows and not input._key & WATCHED
        check_result(name, input, own if may_grow else shape, result._dtype, inplace=True)
        if shape != own:
            resize(input, shape)
        return write_out(name, input.copy_(result), None)

    name = into_self.__name__ = into_self.__qualname__ = f"{function.__name__}_"
    return into_self
