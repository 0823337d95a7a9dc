"""One kernel for the body of an optimizer's update.

A body is written in functions of an array namespace (``lamella_optim.kernels.lists``). Here it runs
once on symbols, each function adds a line of C, and the lines become a kernel that reads and writes
each element once. Half precision is computed in float32 and rounded at the end.
"""

from __future__ import annotations

from typing import Any

import cupy

_kernels: dict[Any, Any] = {}


class _Value:
    """A number of the element that a thread works on; ``place`` is its array, if it is one."""

    __slots__ = ("name", "place")

    def __init__(self, name: str, place: int | None = None) -> None:
        self.name = name
        self.place = place


class _Writer:
    """The namespace that a body is given: it writes down what is computed."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.stored: dict[int, str] = {}

    def _line(self, expression: str, out: Any) -> _Value:
        name = f"v{len(self.lines)}"
        self.lines.append(f"const F {name} = {expression};")
        if out is not None and out.place is not None:
            self.stored[out.place] = name
        return _Value(name)


def _function(form: str) -> Any:
    count = form.count("{}")

    def write(self: _Writer, *operands: Any, out: Any = None) -> _Value:
        if len(operands) > count:
            out = operands[count]
        given = operands[:count]
        names = [each.name if isinstance(each, _Value) else f"(F){each}" for each in given]
        return self._line(form.format(*names), out)

    return write


# NaN goes through maximum and minimum, as in NumPy.
for _name, _form in {
    "add": "{} + {}",
    "subtract": "{} - {}",
    "multiply": "{} * {}",
    "divide": "{} / {}",
    "negative": "-{}",
    "absolute": "fabs({})",
    "sqrt": "sqrt({})",
    "maximum": "larger({}, {})",
    "minimum": "smaller({}, {})",
    "sign": "sign_of({})",
}.items():
    setattr(_Writer, _name, _function(_form))

_PREAMBLE = """
#define larger(a, b) ((a) != (a) || (a) > (b) ? (a) : (b))
#define smaller(a, b) ((a) != (a) || (a) < (b) ? (a) : (b))
#define sign_of(a) ((a) != (a) ? (a) : (F)(((a) > 0) - ((a) < 0)))
"""


def run(body: Any, arrays: Any, constants: Any, flags: Any) -> None:
    """A body on one parameter, its gradient and its states, which it writes in place.

    A body may branch on flags and on constants that are True or False.
    """
    kinds = tuple([each.dtype for each in arrays])
    switches = tuple([each if each is True or each is False else None for each in constants])
    key = (body, flags, kinds, switches)
    found = _kernels.get(key)
    if found is None:
        found = _kernels[key] = _written(body, kinds, switches, flags)
    kernel, read, written, numbers = found
    given = [constants[i] for i in numbers]
    kernel(*[arrays[i] for i in read], *given, *[arrays[i] for i in written])


def _written(body: Any, kinds: Any, switches: Any, flags: Any) -> Any:
    """The kernel, and the places of what it takes: arrays read, arrays written, constants."""
    writer = _Writer()
    arrays = tuple([_Value(f"x{i}", i) for i in range(len(kinds))])
    numbers = [i for i, switch in enumerate(switches) if switch is None]
    constants = tuple([_Value(f"c{i}") if i in numbers else s for i, s in enumerate(switches)])
    body(writer, arrays, (_Value("none"), _Value("none")), constants, flags)
    written = sorted(writer.stored)
    read = [i for i in range(len(kinds)) if i not in writer.stored]
    real = "double" if any(kind.itemsize == 8 for kind in kinds) else "float"
    kernel = cupy.ElementwiseKernel(
        ", ".join([f"T{i} a{i}" for i in read] + [f"float64 n{i}" for i in numbers]),
        ", ".join([f"T{i} a{i}" for i in written]),
        "\n".join(
            [
                f"typedef {real} F;",
                *(f"const F x{i} = a{i};" for i in range(len(kinds))),
                *(f"const F c{i} = n{i};" for i in numbers),
                *writer.lines,
                *(f"a{place} = {name};" for place, name in writer.stored.items()),
            ]
        ),
        f"lamella_{body.__name__}",
        preamble=_PREAMBLE,
    )
    return kernel, read, written, numbers
