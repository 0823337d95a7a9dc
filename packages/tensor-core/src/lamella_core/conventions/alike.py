"""Ops that share a signature and a rule, and differ in name and meaning: declared from a table."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def alike(template: Any, declarator: Callable[[Any], Any], meanings: dict[str, str]) -> list[Any]:
    """Declares an op for each name, and returns their functions.

    Args:
        template: a declaration with the parameters of all of them.
        declarator: a convention, such as ``pointwise("float")``.
        meanings: name to docstring.
    """
    made = []
    for name, doc in meanings.items():
        declaration = types.FunctionType(template.__code__, template.__globals__, name)
        declaration.__defaults__ = template.__defaults__
        declaration.__kwdefaults__ = template.__kwdefaults__
        declaration.__annotations__ = template.__annotations__
        declaration.__doc__ = doc
        made.append(declarator(declaration))
    return made
