"""Whether anybody else holds a tensor or its memory, by the interpreter's counts of references.

How many references there are to what nobody else has depends on the interpreter, which keeps some
of them itself; so it is measured, through the calls that are made in earnest.
"""

from __future__ import annotations

from sys import getrefcount
from typing import TYPE_CHECKING, Any

from lamella_core.storage import Storage, new_storage
from lamella_core.tensor import Tensor, blank

if TYPE_CHECKING:
    from collections.abc import Callable


class References:
    """The most references to what nobody else has.

    Attributes:
        taken: to a gradient that arrives at a leaf, within the pass and at its end.
        summed: to a gradient that another is added to.
        array: to its array.
        owner: to the array that this one is a view of.
        storage: to its storage.
    """

    def __init__(self) -> None:
        self.taken = [0, 0]
        self.summed = self.array = self.owner = self.storage = 0


# An object, as the functions that read it are copied with their modules' names, see ``quiet``.
references = References()


def is_alone(array: Any) -> bool:
    """Whether no other array shares the memory; the caller's and the tensor's references count."""
    if getrefcount(array) > references.array:
        return False
    owner = array.base
    return owner is None or getrefcount(owner) <= references.owner


def sheds_storage(tensor: Tensor) -> bool:
    """Drops the storage of a tensor, which in-place ops and views made, unless somebody else has
    it; and first what the tensor is a view of, which nobody may have but the tensor."""
    tensor._view = None
    if tensor._storage is None:
        return True
    if tensor._storage.__class__ is not Storage or holders(tensor) > references.storage:
        return False
    tensor._storage = None
    return True


def holders(tensor: Tensor) -> int:
    """The references to the storage of a tensor; ``references.storage`` to one of it alone."""
    return getrefcount(tensor._storage)


def _holders_of_one() -> int:
    tensor = blank()
    tensor._storage = new_storage(None, 0)
    return holders(tensor)


references.storage = _holders_of_one()


def least(name: str, succeeds: Callable[[], bool]) -> None:
    """Raises one of the counts until what it is asked for succeeds; 0 where it never does."""
    for count in range(20):
        setattr(references, name, count)
        if succeeds():
            return
    setattr(references, name, 0)
