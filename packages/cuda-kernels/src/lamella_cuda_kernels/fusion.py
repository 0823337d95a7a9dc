"""One launch for an optimizer's update of all parameters.

The body of an update is written in functions of an array namespace
(``lamella_optim.kernels.lists``). Here it runs once on symbols, each function adds a line of C, and
the lines become a kernel that reads and writes each element once. Half precision is computed in
float32 and rounded at the end. A table tells each block of threads its parameter, the part of it,
and the constants.
"""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np

from lamella_cuda_kernels.compiling import TYPES

_THREADS = 256
# Elements of a parameter that a block works on.
_PART = 8 * _THREADS
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

_SOURCE = """
#define larger(a, b) ((a) != (a) || (a) > (b) ? (a) : (b))
#define smaller(a, b) ((a) != (a) || (a) < (b) ? (a) : (b))
#define sign_of(a) ((a) != (a) ? (a) : (F)(((a) > 0) - ((a) < 0)))
extern "C" __global__ void update(const unsigned long long *table, long long count) {{
    // Of each parameter: its first block, its size, the places of its arrays, the constants.
    const unsigned long long *first = table, *sizes = first + count, *places = sizes + count;
    const double *numbers = (const double *)(places + {arrays} * count);
    long long which = 0, end = count;
    while (end - which > 1) {{
        long long middle = (which + end) / 2;
        if (first[middle] <= blockIdx.x) which = middle; else end = middle;
    }}
    {pointers}
    long long start = (blockIdx.x - first[which]) * {part}, size = sizes[which];
    long long stop = start + {part} < size ? start + {part} : size;
    for (long long i = start + threadIdx.x; i < stop; i += blockDim.x) {{
        {lines}
    }}
}}
"""


def run(body: Any, lists: Any, constants: Any, flags: Any) -> None:
    """Runs a body over lists of arrays, writing them in place.

    A body may branch on flags and on constants that are True or False.

    Args:
        body, flags: as in ``lamella_optim.kernels.lists``.
        lists: for each parameter its array, its gradient's and its states', all contiguous.
        constants: the numbers of each parameter.
    """
    groups: dict[Any, list[Any]] = {}
    for arrays, numbers in zip(lists, constants, strict=True):
        if arrays[0].size:
            kinds = tuple([each.dtype.char for each in arrays])
            switches = tuple([each if each is True or each is False else None for each in numbers])
            groups.setdefault((body, flags, kinds, switches), []).append((arrays, numbers))
    for key, members in groups.items():
        kernel = _kernels.get(key)
        if kernel is None:
            kernel = _kernels[key] = _written(*key)
        sizes = [arrays[0].size for arrays, _ in members]
        blocks = np.cumsum([0, *(-(-size // _PART) for size in sizes)])
        rows = [[*(each.data.ptr for each in arrays)] for arrays, _ in members]
        numbers = np.array([numbers for _, numbers in members], np.float64)
        parts = [np.array([blocks[:-1], sizes]), np.array(rows).T, numbers.T]
        table = np.concatenate([np.ascontiguousarray(part).view(np.uint64) for part in parts])
        kernel((int(blocks[-1]),), (_THREADS,), (cupy.asarray(table), len(members)))


def _written(body: Any, flags: Any, kinds: tuple[str, ...], switches: Any) -> Any:
    writer = _Writer()
    arrays = tuple([_Value(f"x{i}", i) for i in range(len(kinds))])
    numbers = [i for i, switch in enumerate(switches) if switch is None]
    constants = tuple([_Value(f"c{i}") if i in numbers else s for i, s in enumerate(switches)])
    body(writer, arrays, (_Value("none"), _Value("none")), constants, flags)
    pointers = [f"typedef {'double' if 'd' in kinds else 'float'} F;"]
    lines = []
    headers = set()
    for i, kind in enumerate(kinds):
        element, _, up, _, header = TYPES[kind]
        headers.add(header)
        pointers.append(f"{element} *a{i} = ({element} *)places[{i} * count + which];")
        lines.append(f"const F x{i} = {up.replace('x', f'a{i}[i]')};")
    pointers += [f"const F c{i} = numbers[{i} * count + which];" for i in numbers]
    lines += writer.lines
    for place, name in writer.stored.items():
        lines.append(f"a{place}[i] = {TYPES[kinds[place]][3].replace('x', name)};")
    source = _SOURCE.format(
        arrays=len(kinds), part=_PART, pointers="\n    ".join(pointers), lines="\n".join(lines)
    )
    includes = "".join(f"#include <{header}>\n" for header in sorted(headers - {""}))
    return cupy.RawKernel(includes + source, "update")
