"""Reads the signature of an op's declaration, and writes the parts of a caller that follow it."""

from __future__ import annotations

import inspect
import types
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

REQUIRED = inspect.Parameter.empty

_KINDS = {
    "Tensor": "tensor",
    "Tensor | None": "optional tensor",
    "Tensor | Number": "operand",
    "Tensor | Number | None": "optional operand",
    "Sequence[Tensor]": "tensors",
    "Device | None": "device",
}


class Param(NamedTuple):
    """One parameter of an op.

    ``kind`` is ``tensor``, ``optional tensor``, ``operand`` (a tensor or a number),
    ``optional operand``, ``tensors`` (a sequence), ``device`` or ``value``.
    """

    name: str
    kind: str
    default: Any
    keyword_only: bool
    has_default: bool


def parse(declaration: Callable[..., Any]) -> tuple[tuple[Param, ...], bool]:
    """The parameters of a declaration, and whether it has an ``out`` parameter.

    The code object is read directly: ``inspect.signature`` would take most of the import time.
    """
    code = declaration.__code__
    positional = code.co_varnames[: code.co_argcount]
    keyword_only = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    defaults = declaration.__defaults__ or ()
    by_name = dict(zip(positional[len(positional) - len(defaults) :], defaults, strict=True))
    by_name.update(declaration.__kwdefaults__ or {})
    annotations = declaration.__annotations__
    params = []
    for name in (*positional, *keyword_only):
        if name == "out":
            continue
        kind = _KINDS.get(annotations.get(name, ""), "value")
        default = by_name.get(name, REQUIRED)
        params.append(Param(name, kind, default, name in keyword_only, name in by_name))
    return tuple(params), "out" in keyword_only


def read(text: str) -> Callable[..., Any]:
    """The declaration that a line such as ``flip(input: Tensor, dims)`` stands for.

    Parameters have no defaults, save for ``out``, which is ``Tensor | None`` and given by name.
    """
    name, _, given = text.removesuffix(")").partition("(")
    kinds = dict(each.partition(": ")[::2] for each in given.split(", "))
    out = kinds.pop("out", None)
    count, names = len(kinds), tuple(kinds) + ("out",) * (out is not None)
    code = _nothing.__code__.replace(
        co_name=name, co_argcount=count, co_kwonlyargcount=len(names) - count,
        co_varnames=names, co_nlocals=len(names),
    )  # fmt: skip
    declaration = types.FunctionType(code, globals(), name)
    declaration.__annotations__ = {each: kind or "Any" for each, kind in kinds.items()}
    return declaration


def _nothing() -> None:
    pass


def switches_of(
    names: Iterable[str], kinds: dict[str, str], *looked_at: str
) -> tuple[tuple[int, str, str], ...]:
    """The places of parameters that take, of the types looked at, one alone, or None as well."""
    found = ((i, name, *kinds.get(name, "").partition(" | ")) for i, name in enumerate(names))
    return tuple(
        (i, kind, none)
        for i, name, kind, _, none in found
        # A dimension that is no integer is refused where it is counted from the front.
        if kind in looked_at and none in ("", "None") and (kind != "int" or name[:3] != "dim")
    )


def key_lines(kinds: Iterable[str]) -> list[str]:
    """Statements that compute ``key`` from arguments of these kinds.

    A number as the first operand, as in ``pow(2, x)``, is rare enough to go the slow way.
    """
    terms = ["modes.bits"]
    more: list[str] = []
    for i, kind in enumerate(kinds):
        name = f"a{i}"
        if kind == "tensor" or (kind == "operand" and i == 0):
            terms.append(f"{name}._key")
        elif kind == "device":
            terms.append(f"device_key({name})")
        elif kind == "optional tensor":
            more += [f"if {name} is not None:", f"    key |= {name}._key"]
        elif kind == "tensors":
            more += [f"for each in {name}:", "    key |= each._key"]
        elif kind == "operand":
            more += [
                f"cls = {name}.__class__",
                "if cls is Tensor:",
                f"    key |= {name}._key",
                "elif cls is float or cls is int or cls is bool or cls is complex:",
                "    key |= NUMBER",
                "else:",
                f"    key |= {name}._key",
            ]
        elif kind == "optional operand":
            more += [
                f"if {name} is not None:",
                f"    cls = {name}.__class__",
                "    if cls is float or cls is int or cls is bool or cls is complex:",
                "        key |= NUMBER",
                "    else:",
                f"        key |= {name}._key",
            ]
    return [f"key = {' | '.join(terms)}", *more]


@cache
def compile_caller(
    count: int,
    body: str,
    again: str,
    switches: tuple[tuple[int, str, str], ...],
    out: str = "",
    more: bool = False,
    renames: bool = False,
) -> types.CodeType:
    """The code of a caller with parameters ``a0``, ``a1``, …, which knows itself as ``caller``.

    ``body`` returns the result; ``again`` is called with the arguments that ``refuse`` made plain,
    and ``out`` where there is a further parameter of this name and it is given.
    """
    given = arguments(count)
    every = given + "out, " * bool(out)
    wrong = [
        f"a{i}.__class__ is not {kind}"
        + f" and a{i} is not None" * bool(none)
        + f" and not is_integer(a{i})" * (kind == "int")
        for i, kind, none in switches
    ]
    lines = [
        f"def caller({every}{'*more, ' * more}{'**renamed' * renames}):",
        *[f"    if more: return refusal.take_more(caller, ({every}), more)"] * more,
        *[f"    if renamed: return call_renamed(caller, ({every}), renamed)"] * renames,
        *[f"    if out is not None: return {out}({every})"] * bool(out),
        "    try:",
        *[f"        if {' or '.join(wrong)}: raise TypeError"] * bool(wrong),
        body,
        "    except Exception as error:",
        f"        plain = refuse(caller, ({given}), error)",
        "        if plain is None: raise",
        f"    return {again}*plain)",
    ]
    namespace: dict[str, Any] = {}
    exec(compile("\n".join(lines), "<caller>", "exec"), namespace)
    code: types.CodeType = namespace["caller"].__code__
    return code


def arguments(count: int) -> str:
    """So many arguments of a call."""
    return "".join([f"a{i}, " for i in range(count)])
