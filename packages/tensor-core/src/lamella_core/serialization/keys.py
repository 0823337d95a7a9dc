"""What a file may use as the key of a dict or the member of a set."""

from __future__ import annotations

from pickle import UnpicklingError
from typing import Any

_MAX_PARTS = 1000
_ATOMS = frozenset((str, int, bool, float, complex, bytes, type(None)))


def check_key(key: Any) -> Any:
    # Returns ``key``.
    #
    # Hashing a tuple hashes its parts, in C and without a limit: a tuple nested a million deep
    # overflows the stack, and one that holds itself twice at each of sixty levels takes for ever.
    #
    # Raises:
    #     UnpicklingError: for a tuple of more than a thousand parts, those of its parts included.
    if type(key) in _ATOMS:
        return key
    waiting, parts = [key], 0
    while waiting:
        item = waiting.pop()
        if isinstance(item, (tuple, frozenset)):
            parts += len(item) + 1
            if parts > _MAX_PARTS:
                raise UnpicklingError(
                    f"the file uses a tuple of more than {_MAX_PARTS} parts as a key; it was not "
                    "hashed, as that may take for ever"
                )
            waiting.extend(item)
    return key


def check_keys(keys: Any) -> Any:
    # Returns ``keys``, each of which was checked.
    for key in keys:
        check_key(key)
    return keys
