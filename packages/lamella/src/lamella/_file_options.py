"""Choices of saving and loading that hold for the whole process (``torch.serialization``)."""

from __future__ import annotations

import mmap
import sys
from enum import Enum
from typing import TYPE_CHECKING, Any

from lamella_core.serialization import loading, location
from lamella_core.serialization.location import location_of as location_tag
from lamella_core.serialization.location import restore as default_restore_location

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.storage import Storage

__all__ = [
    "DEFAULT_PROTOCOL", "LoadEndianness", "SourceChangeWarning", "default_restore_location",
    "get_crc32_options", "get_default_load_endianness", "get_default_mmap_options", "location_tag",
    "register_package", "set_crc32_options", "set_default_load_endianness",
    "set_default_mmap_options",
]  # fmt: skip

DEFAULT_PROTOCOL = 2


class SourceChangeWarning(Warning):
    """PyTorch's category for classes whose source is another than when they were saved.

    It is here for filters of warnings; files name classes, and their source is not compared.
    """


class LoadEndianness(Enum):
    """The byte order of files that do not tell theirs."""

    NATIVE = 1
    LITTLE = 2
    BIG = 3


_endianness: list[LoadEndianness | None] = [None]


def get_default_load_endianness() -> LoadEndianness | None:
    """What :func:`set_default_load_endianness` was called with last; at first None."""
    return _endianness[0]


def set_default_load_endianness(endianness: LoadEndianness | None) -> None:
    """Sets the byte order that :func:`load` takes files for that do not tell theirs.

    PyTorch has told it since its version 2.1.

    Args:
        endianness: None for little.

    Raises:
        TypeError: for anything else.
    """
    if endianness is not None and not isinstance(endianness, LoadEndianness):
        raise TypeError(
            "set_default_load_endianness expects a LoadEndianness or None, got "
            f"{type(endianness).__name__}"
        )
    _endianness[0] = endianness
    orders = {LoadEndianness.NATIVE: sys.byteorder, LoadEndianness.BIG: "big"}
    loading.order_untold[0] = orders.get(endianness, "little").encode()  # type: ignore[arg-type]


def get_crc32_options() -> bool:
    """True: :func:`save` writes checksums."""
    return True


def set_crc32_options(compute_crc32: bool) -> None:
    """Whether :func:`save` writes checksums, without which damage would not be noticed.

    Raises:
        NotImplementedError: for False.
    """
    if not compute_crc32:
        raise NotImplementedError(
            "set_crc32_options(False): save always writes checksums, by which load finds damage"
        )


class set_default_mmap_options:
    """Says how :func:`load` maps files with ``mmap=True``; a context, too.

    Args:
        flags: ``mmap.MAP_PRIVATE``: what is written to a tensor stays in the process.

    Raises:
        NotImplementedError: for ``mmap.MAP_SHARED``.
        ValueError: for other flags.
    """

    def __init__(self, flags: int) -> None:
        if flags == mmap.MAP_SHARED:
            raise NotImplementedError(
                "set_default_mmap_options(MAP_SHARED): what is written to a saved file would break "
                "its checksums; torch.from_file(shared=True) maps a file that is written to"
            )
        if flags != mmap.MAP_PRIVATE:
            raise ValueError(
                f"set_default_mmap_options expects mmap.MAP_PRIVATE or mmap.MAP_SHARED, got {flags}"
            )

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        pass


def get_default_mmap_options() -> int:
    """``mmap.MAP_PRIVATE``: files are mapped so."""
    return mmap.MAP_PRIVATE


def register_package(
    priority: int,
    tagger: Callable[[Storage], str | None],
    deserializer: Callable[[Storage, str], Any],
) -> None:
    """Lets a package say where storages are, in the files that are saved, and put them there.

    Args:
        priority: the lowest is asked first; all of them before this library.
        tagger: a function of a storage that returns its place as text, or None for what is not the
            package's.
        deserializer: a function of a storage on the CPU and such a text that returns the storage
            there, or None.
    """
    location.packages.append((priority, tagger, deserializer))
    location.packages.sort(key=lambda package: package[0])
