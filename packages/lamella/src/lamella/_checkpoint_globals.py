"""Which classes and functions a file of weights names beyond those that are allowed."""

from __future__ import annotations

import os
import pickle
import pickletools
from typing import IO, TYPE_CHECKING, Any

from lamella_core.serialization.archive import ArchiveReader
from lamella_core.serialization.restricted import PYTHON_2, RestrictedUnpickler
from lamella_core.serialization.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["get_unsafe_globals_in_checkpoint"]


def get_unsafe_globals_in_checkpoint(f: str | os.PathLike[str] | IO[bytes]) -> list[str]:
    """The globals in a file that ``load`` with ``weights_only=True`` refuses.

    Nothing of the file is run. To load it all the same, import the classes and
    functions that you trust and give them to :func:`serialization.add_safe_globals`.

    Args:
        f: a path, or a file-like object with ``read``, ``seek`` and ``tell``; zip format.

    Returns:
        Names such as ``"datetime.date"``, each once.

    Raises:
        ValueError: when it is not in the zip format of ``save``.
        RuntimeError: when it was cut off or damaged.
    """
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            return _refused(Source(file, os.fspath(f)))
    return _refused(Source(f, None))


def _refused(source: Source) -> list[str]:
    if source.read(0, 4) != b"PK\x03\x04":
        raise ValueError(
            f"expected a checkpoint that save wrote, in the zip format; {source.name} is in another"
        )
    unpickler = RestrictedUnpickler(b"")
    refused: dict[str, None] = {}
    for module_name, qualified_name in _named(ArchiveReader(source).read("data.pkl")):
        try:
            unpickler.find_global(module_name, qualified_name)
        except pickle.UnpicklingError:
            module_name = PYTHON_2.get(module_name, module_name)
            refused[f"{module_name}.{qualified_name}"] = None
    return list(refused)


def _named(data: bytes) -> Iterator[tuple[str, str]]:
    """The module and name of each global that a pickle names."""
    pushed: list[Any] = [None, None]
    memo: dict[int, Any] = {}
    for instruction, argument in _instructions(data):
        kind = instruction.name
        if kind == "GLOBAL":
            module_name, _, qualified_name = argument.partition(" ")
            yield module_name, qualified_name
            pushed.append(None)
        elif kind == "STACK_GLOBAL":
            yield str(pushed[-2]), str(pushed[-1])
            pushed.append(None)
        elif kind == "MEMOIZE":
            memo[len(memo)] = pushed[-1]
        elif kind.endswith("PUT"):
            memo[argument] = pushed[-1]
        elif kind.endswith("GET"):
            pushed.append(memo.get(argument))
        elif instruction.stack_after:
            pushed.append(argument)


def _instructions(data: bytes) -> Iterator[tuple[pickletools.OpcodeInfo, Any]]:
    try:
        for instruction, argument, _ in pickletools.genops(data):
            yield instruction, argument
    except ValueError as error:
        raise RuntimeError(f"the pickle in the file is damaged: {error}") from None
