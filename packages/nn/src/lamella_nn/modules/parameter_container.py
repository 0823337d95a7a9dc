"""Parameters as a list or a dict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, KeysView, Mapping
from typing import TYPE_CHECKING, Any

from lamella_core import Tensor
from lamella_nn.modules.container import checked_pairs, position
from lamella_nn.modules.module import Module
from lamella_nn.parameter import Parameter

if TYPE_CHECKING:
    from typing import Self


def _as_member(value: Any) -> Any:
    """A tensor as a parameter; anything else as it is."""
    if isinstance(value, Tensor) and not isinstance(value, Parameter):
        return Parameter(value)
    return value


def _member_line(name: Any, value: Any, kind: Any) -> str:
    if not isinstance(value, Tensor):
        return f"  ({name}): Object of type: {type(value).__name__}"
    label = "Parameter" if isinstance(value, Parameter) else "Tensor"
    size = "x".join(str(length) for length in value.shape)
    place = f" ({value.device})" if value.device.type != "cpu" else ""
    return f"  ({name}): {label} containing: [{kind} of size {size}{place}]"


class ParameterList(Module):
    """A list of parameters. Tensors that are put in become parameters; other values stay.

    Args:
        values: what is in it at first.
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return getattr(self, str(position(index, self._size)))

    def __setitem__(self, index: int, param: Any) -> None:
        setattr(self, str(position(index, self._size)), _as_member(param))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return (getattr(self, str(i)) for i in range(self._size))

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.isdigit()]

    def append(self, value: Any) -> Self:
        """Put a value at the end."""
        setattr(self, str(self._size), _as_member(value))
        self._size += 1
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Put values at the end.

        Raises:
            TypeError: ``values`` is no iterable, or a tensor.
        """
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise TypeError(
                "ParameterList.extend should be called with an iterable, but got "
                f"{type(values).__name__}"
            )
        for value in list(values):
            self.append(value)
        return self

    def __iadd__(self, parameters: Iterable[Any]) -> Self:
        return self.extend(parameters)

    def extra_repr(self) -> str:
        return "\n".join(
            _member_line(i, value, getattr(value, "dtype", None)) for i, value in enumerate(self)
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("ParameterList should not be called.")


class ParameterDict(Module):
    """A dict of parameters by name, in the order of insertion.

    Tensors that are put in become parameters; other values stay.

    Args:
        parameters: a mapping, or pairs of name and value, that is in it at first.
    """

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key: str) -> Any:
        return getattr(self, self._checked_key(key))

    def __setitem__(self, key: str, value: Any) -> None:
        name = self._checked_key(key)
        # Tensors that are no parameter yet would land among the attributes.
        if isinstance(value, Tensor):
            self._register_new(name, value)
        else:
            setattr(self, name, value)
        self._keys[key] = None

    def _register_new(self, name: str, value: Tensor) -> None:
        if name in self._keys:
            setattr(self, name, _as_member(value))
        else:
            self.register_parameter(name, _as_member(value))

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, self._checked_key(key))

    def _checked_key(self, key: Any) -> str:
        if not isinstance(key, str):
            raise TypeError(
                "Index given to ParameterDict cannot be used as a key as it is not a string "
                f"(type is '{type(key).__name__}'). Open an issue on github if you need non-string "
                "keys."
            )
        return key

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._keys.keys()

    def items(self) -> Iterable[tuple[str, Any]]:
        """The pairs of name and value."""
        return ((key, self[key]) for key in self._keys)

    def values(self) -> Iterable[Any]:
        """The values."""
        return (self[key] for key in self._keys)

    def copy(self) -> ParameterDict:
        """Another dict with the same parameters."""
        return ParameterDict(list(self.items()))

    def setdefault(self, key: str, default: Any | None = None) -> Any:
        """The value of a name, which is put in first where it is missing."""
        if key not in self:
            self[key] = default
        return self[key]

    def get(self, key: str, default: Any | None = None) -> Any:
        """The value of a name, or ``default`` where it is missing."""
        return self[key] if key in self else default

    def fromkeys(self, keys: Iterable[str], default: Any | None = None) -> ParameterDict:
        """Another dict with these names, each with the value ``default``."""
        return ParameterDict([(key, default) for key in keys])

    def clear(self) -> None:
        """Take out all values."""
        for key in list(self._keys):
            del self[key]

    def pop(self, key: str) -> Any:
        """Take out the value of a name and return it."""
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Take out the last pair of name and value and return it.

        Raises:
            KeyError: there is none.
        """
        key, _ = self._keys.popitem()
        self._keys[key] = None
        return key, self.pop(key)

    def update(self, parameters: Any) -> None:
        """Put in the values of a mapping, or of pairs of name and value.

        A plain dict's names are put in by alphabet, those of other mappings in their order.

        Raises:
            TypeError: the argument is neither.
            ValueError: an element of it is no pair.
        """
        if not isinstance(parameters, Iterable):
            raise TypeError(
                "ParametersDict.update should be called with an iterable of key/value pairs, but "
                f"got {type(parameters).__name__}"
            )
        pairs: Iterable[Any]
        if isinstance(parameters, ParameterDict) or hasattr(parameters, "move_to_end"):
            pairs = list(parameters.items())  # type: ignore[union-attr]
        elif isinstance(parameters, Mapping):
            pairs = sorted(parameters.items(), key=lambda pair: pair[0])
        else:
            pairs = checked_pairs(parameters, "ParameterDict")
        for key, value in pairs:
            self[key] = value

    def __or__(self, other: ParameterDict) -> ParameterDict:
        merged = self.copy()
        merged.update(other)
        return merged

    def __ror__(self, other: ParameterDict) -> ParameterDict:
        merged = other.copy()
        merged.update(self)
        return merged

    def __ior__(self, other: ParameterDict) -> Self:
        self.update(other)
        return self

    def extra_repr(self) -> str:
        lines = []
        for name, value in self.items():
            kind = value.type() if isinstance(value, Tensor) else None
            lines.append(_member_line(name, value, kind))
        return "\n".join(lines)

    def __call__(self, input: Any) -> Any:
        raise RuntimeError("ParameterDict should not be called.")
