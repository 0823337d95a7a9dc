"""Declaring an op: from a Python function without a body to what a user calls.

A *caller* is the public function of an op. It is compiled for the kinds of the op's parameters when
it is first called, computes the key of a call inline and looks it up in the op's table. What is no
plain call of it, an operand that is a NumPy number say, goes to ``call_again``.
"""

from __future__ import annotations

import types
from functools import partial, update_wrapper
from inspect import signature
from textwrap import indent
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core import refusal
from lamella_core.dispatch import NUMBER, Op, device_key, modes, ops
from lamella_core.refusal import is_integer, refuse
from lamella_core.signature import (
    Param,
    arguments,
    compile_caller,
    key_lines,
    parse,
    read,
    switches_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Declaration = Callable[..., Any] | str
    Declarator = Callable[[Declaration], Any]


def declare(
    declaration: Declaration,
    convention: Any,
    *,
    method: bool = True,
    inplace: bool = False,
    name: str | None = None,
) -> Any:
    """Declares an op from a Python function that has a signature, a docstring and no body.

    An op that composites call, and users do not, is declared by a line of text; see
    :func:`signature.read`. It has no methods.

    Annotations say how an argument takes part in dispatch: ``Tensor``, ``Tensor | None``,
    ``Tensor | Number``, ``Sequence[Tensor]`` and ``Device | None`` contribute to the key, all
    others are passed on as they are. A parameter ``out`` gives the op an out variant.

    Args:
        declaration: the function; its name is the op's name.
        convention: how tensors become arrays for this op; see ``conventions``.
        method: whether the op is a method of Tensor, too.
        inplace: whether it has an in-place variant, ``name_``, as a method and a function.
        name: the op's name where it is not the function's.

    Returns:
        The public function.
    """
    if isinstance(declaration, str):
        declaration, method, inplace = read(declaration), False, False
    name = name or declaration.__name__
    params, has_out = parse(declaration)
    op = ops[name] = Op(name, params, convention)
    op.function = _make_caller(op, declaration, has_out)
    if method or inplace:
        from lamella_core.tensor import Tensor

        if method:
            setattr(Tensor, declaration.__name__, op.function)
        if inplace:
            variant = inplace_variant(op)
            setattr(Tensor, f"{declaration.__name__}_", LazyMethod(variant, declaration))
    return op.function


class LazyMethod:
    """A Tensor method for an in-place variant, whose caller is compiled when it is first used."""

    __slots__ = ("declaration", "name", "op")

    def __init__(self, op: Op, declaration: Callable[..., Any], name: str | None = None) -> None:
        self.op = op
        self.declaration = declaration
        self.name = name or f"{declaration.__name__}_"

    def __get__(self, instance: Any, owner: type) -> Any:
        function = inplace_function(self.op, self.declaration)
        if self.name.startswith("__i"):
            function = operator_method(function, self.name)
        for cls in owner.__mro__:
            if cls.__dict__.get(self.name) is self:
                setattr(cls, self.name, function)
        return function if instance is None else function.__get__(instance, owner)


def inplace_function(op: Op, declaration: Callable[..., Any]) -> Any:
    """The caller of an in-place variant, compiled once."""
    if op.function is None:
        op.function = _make_caller(op, declaration, has_out=False)
    return op.function


def inplace_variant(op: Op) -> Op:
    """The variant of an op that writes its result into its first argument."""
    name = f"{op.name}_"
    variant = ops.get(name)
    if variant is None:
        variant = ops[name] = Op(name, op.params, op.convention, mutates=op.params[0].name, base=op)
    return variant


def in_place(function: Any) -> Any:
    """The in-place variant of an op's function, which writes into its first argument."""
    return inplace_function(inplace_variant(function.op), function.__wrapped__)


def call_inplace(op: Op, *args: Any) -> Any:
    """Runs the in-place variant of an op."""
    function = in_place(op.function)
    variant = function.op
    if not function.__kwdefaults__:
        return function(*args)
    args = _normalised(variant, args)
    return variant.table[variant.key_of(args)](*args)


def out_variant(op: Op) -> Op:
    """The variant of an op that writes its result into a tensor given as the last argument."""
    name = f"{op.name}.out"
    variant = ops.get(name)
    if variant is None:
        out = Param("out", "tensor", None, False, False)
        params = (*[param._replace(keyword_only=False) for param in op.params], out)
        variant = ops[name] = Op(name, params, op.convention, mutates="out", base=op)
    return variant


def out_function(op: Op) -> Any:
    """The caller of the out variant, which takes all arguments by position, ``out`` the last."""
    op.out = inplace_function(out_variant(op), op.function.__wrapped__)
    return op.out


def call_again(op: Op, *args: Any) -> Any:
    # Runs a call whose arguments the fast path did not recognise, or says what is wrong.
    args = _normalised(op, args)
    return op.table[op.key_of(args)](*args)


def call_operator(op: Op, *args: Any) -> Any:
    # As :func:`call_again`, for the methods behind operators: what is no operand is left to it.
    try:
        args = _normalised(op, args)
    except TypeError:
        if op.name not in ("eq", "ne") or not isinstance(args[1], np.ndarray):
            return NotImplemented
        # NumPy leaves comparisons to the class of higher priority; sums and the like it does.
        from lamella_core.ops.creation_data import from_numpy

        try:
            args = args[0], from_numpy(args[1])
        except TypeError:
            return NotImplemented
    return op.table[op.key_of(args)](*args)


# Further names of parameters: NumPy's, and those of each kind that one parameter may have.
OTHER_NAMES = {"axis": "dim", "keepdims": "keepdim"} | dict.fromkeys(
    ("indices", "sections", "tensor_indices_or_sections"), "indices_or_sections"
)


def call_renamed(function: Any, given: tuple[Any, ...], renamed: dict[str, Any]) -> Any:
    # Calls a function of which a parameter was given by another name, see ``OTHER_NAMES``.
    #
    # Raises:
    #     TypeError: for any other name, and where it was given by its own name, too.
    parameters = signature(function).parameters
    values = dict(zip(parameters, given, strict=False))
    for name, value in renamed.items():
        ours = OTHER_NAMES.get(name, "")
        if ours not in values or values[ours] is not parameters[ours].default:
            raise TypeError(f"{function.__name__}() got an unexpected keyword argument {name!r}")
        values[ours] = value
    return function(**values)


def operator_method(function: Any, name: str) -> Any:
    # The caller of an op as a method such as ``__add__``, which the op's own caller can't be.
    #
    # It returns ``NotImplemented`` for what is no operand, so that the other class gets its chance.
    method = types.FunctionType(
        complete(function).__code__,
        {**function.__globals__, "call_again": call_operator},
        name,
        function.__defaults__,
    )
    method.__kwdefaults__ = function.__kwdefaults__
    method.__doc__ = function.__doc__
    return method


def _normalised(op: Op, args: tuple[Any, ...]) -> tuple[Any, ...]:
    # Turns NumPy scalars into Python numbers and rejects what is no operand.
    #
    # Raises:
    #     TypeError: as PyTorch does, naming the argument.
    from lamella_core.tensor import Tensor

    values = list(args)
    for i, (param, value) in enumerate(zip(op.params, args, strict=True)):
        if param.kind in ("value", "device") or isinstance(value, Tensor):
            continue
        if value is None and param.kind in ("optional tensor", "optional operand"):
            continue
        if param.kind == "tensors":
            if isinstance(value, (list, tuple)) and all(isinstance(t, Tensor) for t in value):
                continue
            wrong = next(
                (type(t).__name__ for t in value if not isinstance(t, Tensor))
                if isinstance(value, (list, tuple))
                else iter((type(value).__name__,))
            )
            raise TypeError(
                f"{op.name}(): argument '{param.name}' (position {i + 1}) must be tuple of "
                f"Tensors, not {wrong}"
            )
        if param.kind in ("operand", "optional operand"):
            if isinstance(value, (np.bool_, np.number)):
                value = value.item()
            if isinstance(value, (bool, int, float, complex)):
                values[i] = value if type(value) in _PLAIN_NUMBERS else _plain_number(value)
                continue
        raise TypeError(
            f"{op.name}(): argument '{param.name}' (position {i + 1}) must be Tensor, "
            f"not {type(value).__name__}"
        )
    return tuple(values)


_PLAIN_NUMBERS = frozenset((bool, int, float, complex))
_NUMBER_BASES: tuple[type, ...] = (int, float, complex)


def _plain_number(value: Any) -> Any:
    # A subclass of a Python number (an IntEnum, say) as the number itself.
    return next(kind(value) for kind in _NUMBER_BASES if isinstance(value, kind))


def complete(function: Any) -> Any:
    """The function; where it is a caller that was not called yet, its code is compiled first."""
    if function.__code__ is _first.__code__:
        function.__code__ = function.__globals__["make_code"]()
    return function


def _first(*args: Any, **kwargs: Any) -> Any:
    # What callers are until they are called. Most never are, and compiling all of them would take
    # a tenth of the time of importing everything.
    return complete(globals()["caller"])(*args, **kwargs)


# What the code of a caller, see ``signature.compile_caller``, finds among its globals.
_GLOBALS: dict[str, Any] = {
    "NUMBER": NUMBER,
    "__builtins__": __builtins__,
    "call_again": call_again,
    "call_renamed": call_renamed,
    "complete": complete,
    "device_key": device_key,
    "is_integer": is_integer,
    "modes": modes,
    "out_function": out_function,
    "refusal": refusal,
    "refuse": refuse,
}


def caller(declaration: Any, defaults: Any, make_code: Callable[[], Any], **names: Any) -> Any:
    """A function in the place of a declaration or a composite, compiled when it is first called.

    ``defaults`` are those of its parameters by position, ``names`` further globals of its code.
    """
    namespace = {**_GLOBALS, **names, "make_code": make_code, "__name__": declaration.__module__}
    function: Any = types.FunctionType(_first.__code__, namespace, "caller", defaults)
    namespace["caller"] = function
    function.__kwdefaults__ = declaration.__kwdefaults__
    return update_wrapper(function, declaration)


def _make_caller(op: Op, declaration: Callable[..., Any], has_out: bool) -> Any:
    # Makes the public function: one key, one table look-up, no repacking of arguments.
    from lamella_core.tensor import Tensor

    positional = tuple(p.default for p in op.params if p.has_default and not p.keyword_only)
    make_code = partial(_code_of, op, declaration, has_out)
    function = caller(declaration, positional, make_code, Tensor=Tensor, op=op, table=op.table)
    name = declaration.__name__ + "_" * (op.mutates not in (None, "out"))
    function.__name__ = function.__qualname__ = name
    function.__kwdefaults__ = {
        p.name: p.default for p in op.params if p.has_default and p.keyword_only
    }
    if has_out:
        function.__kwdefaults__["out"] = None
    function.op = op
    return function


def _code_of(op: Op, declaration: Callable[..., Any], has_out: bool) -> types.CodeType:
    # The code of an op's caller, compiled once for each list of kinds of parameters.
    names = [p.name for p in op.params]
    count = len(names)
    given = arguments(count)
    body = [
        "try:",
        *(f"    {line}" for line in key_lines(p.kind for p in op.params)),
        "except (AttributeError, TypeError):",
        f"    return call_again(op, {given})",
        f"return table[key]({given})",
    ]
    code = compile_caller(
        count,
        indent("\n".join(body), " " * 8),
        "call_again(op, ",
        switches_of(names, declaration.__annotations__, "bool"),
        "(op.out or out_function(op))" * has_out,
        names[-1] == "value",
        any(p.name == "dim" and p.has_default for p in op.params) and op.mutates is None,
    )
    positions = sum(not p.keyword_only for p in op.params)
    name = op.function.__name__
    return code.replace(
        co_name=name, co_qualname=name, co_filename=f"<caller of {op.name}>",
        co_varnames=(*names, *code.co_varnames[count:]),
        co_argcount=positions, co_kwonlyargcount=count + has_out - positions,
    )  # fmt: skip
