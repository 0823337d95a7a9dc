"""The type of shapes."""

from __future__ import annotations

from math import prod

_item = tuple.__getitem__


class Size(tuple[int, ...]):
    """A tensor's shape: a tuple of int."""

    __slots__ = ()

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        return prod(self)

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        item = _item(self, index)
        return Size(item) if item.__class__ is tuple else item

    def __add__(self, other):  # type: ignore[no-untyped-def]
        return Size((*self, *other))

    def __radd__(self, other):  # type: ignore[no-untyped-def]
        return Size((*other, *self))

    def __mul__(self, times):  # type: ignore[no-untyped-def]
        return Size(tuple.__mul__(self, times))

    __rmul__ = __mul__

    def __reduce__(self) -> tuple[type[Size], tuple[tuple[int, ...]]]:
        return Size, (tuple(self),)
