"""Orders of arguments from before PyTorch 1.5: numbers stood before the tensors, without names."""

from __future__ import annotations

import numbers
from typing import Any

from lamella_core import refusal, warning
from lamella_core.tensor import Tensor

# The names of the numbers, in their old order.
_NAMES = {
    **dict.fromkeys(("add", "sub"), ("alpha",)),
    **dict.fromkeys(("addcmul", "addcdiv"), ("value",)),
    **dict.fromkeys(("addmm", "addmv", "addr", "addbmm", "baddbmm"), ("beta", "alpha")),
}
_refuse = refusal.take_more
_warned = False


def install() -> None:
    """Makes the functions of :data:`_NAMES` and their methods take the old orders."""
    refusal.take_more = _take


def _take(function: Any, given: tuple[Any, ...], more: tuple[Any, ...]) -> Any:
    # ``add(input, alpha, other)``, ``addcmul(input, value, tensor1, tensor2)`` and
    # ``addmm(beta, input, alpha, mat1, mat2)``, of which ``alpha`` may be left out; a method has
    # ``input`` first. What else is more than the parameters is refused as before.
    global _warned
    name, declared = function.__name__, function.__wrapped__
    code = declared.__code__
    names = _NAMES.get(name.rstrip("_"), ())
    count = code.co_argcount
    values = (*given[:count], *more)
    head, tensors = values[: 1 - count], values[1 - count :]
    if len(names) == 2 and not isinstance(head[0], Tensor):
        head = (head[1], head[0], *head[2:])
    by_name = dict(zip(code.co_varnames[count:], given[count:], strict=False))
    if (
        len(head) - 1 > len(names)
        or not all(isinstance(each, Tensor) for each in (head[0], *tensors))
        or not all(map(_is_number, head[1:]))
        or any(by_name[each] is not declared.__kwdefaults__[each] for each in names)
    ):
        _refuse(function, given, more)
    if not _warned or warning.told is None:
        _warned = True
        warning.warn(
            f"This overload of {name} is deprecated: {' and '.join(names)} should follow the "
            "tensors and be given by name"
        )
    return function(head[0], *tensors, **{**by_name, **dict(zip(names, head[1:], strict=False))})


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Number) or (isinstance(value, Tensor) and not value.ndim)
