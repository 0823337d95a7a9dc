"""Wrong arguments: an error that names them, found once a call has failed.

A call that succeeds pays nothing for it, save for a look at switches, whose wrong values would
work. Callers and composites catch what a call raises and hold its arguments against the
annotations of its parameters; what fits no annotation was the user's mistake, whatever it led to
further inside.
"""

from __future__ import annotations

from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SEQUENCES = (list, tuple)


def refuse(
    function: Callable[..., Any], values: Iterable[Any], error: Exception
) -> list[Any] | None:
    """Raises PyTorch's error for the first value that its parameter does not take, if there is one.

    Returns:
        What to call again with, if anything: Python's numbers for NumPy's, and for tensors without
        dimensions where no tensor is asked for.

    Args:
        function: what was called.
        values: its arguments, in the order of its parameters.
        error: what the call raised; it becomes the cause, unless it tells the same itself.

    Raises:
        TypeError: for a value of another type than the annotation's.
        ValueError: for an integer of more than 64 bits.
        RuntimeError: where there was not enough memory.
    """
    name = function.__name__.lstrip("_")
    refuse_size(name, error)
    if isinstance(error, TypeError) and str(error).startswith(f"{name}("):
        return None
    annotations = function.__annotations__
    plain, again = [], False
    deliberate = isinstance(error, (ValueError, NotImplementedError))
    given = zip(signature(function).parameters, values, strict=False)
    for position, (argument, value) in enumerate(given, 1):
        kinds = annotations.get(argument, "Any").split(" | ")
        if any(_FITS.get(kind, _anything)(value) for kind in kinds):
            if not _NUMBERS.isdisjoint(kinds) and (
                isinstance(value, np.generic) or (_is_tensor(value) and "Tensor" not in kinds)
            ):
                value, again = value.item(), True
            plain.append(value)
            continue
        if deliberate and not {"str", "bool"}.isdisjoint(kinds):
            # Neither a mode nor a switch that is none was looked at for its type alone.
            plain.append(value)
            continue
        if isinstance(value, int) and not -(2**63) <= value < 2**63 and _INTEGERS & {*kinds}:
            raise ValueError(f"Overflow when unpacking long long: {value}") from error
        if value is Parameter.empty:
            raise TypeError(f"{name}() missing 1 required positional argument: '{argument}'")
        expected = " or ".join(_NAMES.get(kind, kind) for kind in kinds)
        found = type(value).__name__
        if "tuple of" in expected and isinstance(value, _SEQUENCES):
            found = f"{found} of {', '.join(type(each).__name__ for each in value[:3])}"
        raise TypeError(
            f"{name}(): argument '{argument}' (position {position}) must be {expected}, not {found}"
        ) from error
    unread = isinstance(error, (AttributeError, TypeError, NotImplementedError))
    return plain if again and unread else None


def take_more(function: Any, given: tuple[Any, ...], more: tuple[Any, ...]) -> Any:
    """Raises TypeError for arguments beyond those by position; the facade's takes some of them."""
    count = function.__wrapped__.__code__.co_argcount
    text = f"{function.__name__}() takes {count} positional arguments but {count + len(more)}"
    raise TypeError(f"{text} were given")


def check_switches(name: str, **switches: Any) -> None:
    """Raises TypeError for the first of a call's switches that is no bool."""
    for argument, value in switches.items():
        if value.__class__ is not bool:
            raise TypeError(
                f"{name}(): argument '{argument}' must be bool, not {type(value).__name__}"
            )


def refuse_size(name: str, error: Exception) -> None:
    """Raises PyTorch's RuntimeError where an error says that there is not enough memory."""
    if isinstance(error, MemoryError) or str(error).startswith(_TOO_LARGE):
        raise RuntimeError(f"{name}(): not enough memory: {error}") from error


def _anything(value: Any) -> bool:
    return True


def _is_tensor(value: Any) -> bool:
    from lamella_core.tensor import Tensor

    return isinstance(value, Tensor)


def is_integer(value: Any) -> bool:
    """Whether a value is taken for an integer of 64 bits."""
    from lamella_core.conventions.common import index_of

    try:
        return -(2**63) <= index_of(value) < 2**63
    except TypeError:
        return False


def _is_number(value: Any, types: Any = (int, float, complex, np.number, np.bool_)) -> bool:
    if isinstance(value, types):
        return True
    return _is_tensor(value) and not value._array.ndim and not value.requires_grad


def _is_real(value: Any) -> bool:
    return _is_number(value, (int, float, np.integer, np.floating, np.bool_))


def _several(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, _SEQUENCES) and all(map(fits, value))


_integers = _several(is_integer)

_FITS: dict[str, Callable[[Any], bool]] = {
    "None": lambda value: value is None,
    "Tensor": _is_tensor,
    "Number": _is_number,
    "float": _is_real,
    "int": is_integer,
    "bool": lambda value: value.__class__ is bool,
    "str": lambda value: isinstance(value, str),
    "Ints": lambda value: is_integer(value) or _integers(value),
    "Sequence[int]": _integers,
    "Sequence[float]": _several(_is_real),
    "Sequence[Tensor]": _several(_is_tensor),
    "dtype": lambda value: type(value).__name__ == "dtype",
    "memory_format": lambda value: type(value).__name__ == "memory_format",
    "DType": lambda value: type(value).__name__ == "dtype" or isinstance(value, type),
}

# What NumPy says of sizes beyond the address space.
_TOO_LARGE = ("Maximum allowed", "array is too big", "maximum supported", "Python int too large")

_INTEGERS = {"int", "Ints"}
_NUMBERS = {"Number", "float"} | _INTEGERS

_NAMES = {
    "Ints": "int or tuple of ints",
    "Sequence[int]": "tuple of ints",
    "Sequence[float]": "tuple of floats",
    "Sequence[Tensor]": "tuple of Tensors",
    "dtype": "torch.dtype",
    "DType": "torch.dtype",
}
