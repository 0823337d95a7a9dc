"""The bytes of a file that is loaded: read by position, checked against its size, or mapped."""

from __future__ import annotations

import functools
import mmap
import os
import zlib
from typing import IO, Any

from lamella_core.parallel import spread

# A piece is still in the processor's cache when its checksum is taken.
PIECE = 1 << 18
# Bytes that are worth handing to another thread.
PART = 1 << 20
# The polynomial of CRC-32 without x**32; the highest bit is the coefficient of x**0.
_POLYNOMIAL = 0xEDB88320


class Source:
    """Random access to the bytes of a file or a file-like object.

    Args:
        file: opened for reading bytes, seekable. It is not closed here.
        path: where the file is, when it was opened from a path.

    Attributes:
        name: what error messages call it.
        size: bytes in all.
    """

    __slots__ = ("_file", "_map", "name", "path", "size")

    def __init__(self, file: IO[bytes], path: str | None = None) -> None:
        self._file = file
        self.path = path
        self.name = "the file" if path is None else repr(path)
        start = file.tell()
        file.seek(0, os.SEEK_END)
        # What ``seek`` returns is nothing for a map.
        self.size = file.tell()
        file.seek(start)
        self._map: mmap.mmap | None = None

    def file(self) -> IO[bytes]:
        """The file itself."""
        return self._file

    def read(self, start: int, count: int) -> bytes:
        """At most ``count`` bytes from ``start`` on; fewer where the file ends."""
        self._file.seek(start)
        return self._file.read(max(min(count, self.size - start), 0))

    def read_into(self, start: int, target: memoryview) -> int:
        """Fills ``target`` with the bytes from ``start`` on and returns their CRC-32.

        Raises:
            RuntimeError: when the file ends before.
        """
        if self.path is None or target.nbytes <= PART or not hasattr(os, "preadv"):
            return self._fill(start, target)
        # All but the first are whole, so that one factor joins their checksums.
        places = [0, *range(target.nbytes % PART or PART, target.nbytes, PART)]
        ends = [*places[1:], target.nbytes]
        checksums = [0] * len(places)

        def fill(part: int) -> None:
            place = places[part]
            checksums[part] = self._fill(start + place, target[place : ends[part]])

        spread(fill, range(len(places)))
        return functools.reduce(lambda crc, of_part: _product(_factor(), crc) ^ of_part, checksums)

    def _fill(self, start: int, target: memoryview) -> int:
        crc = position = 0
        while position < target.nbytes:
            piece = target[position : position + PIECE]
            count = self._read_piece(start + position, piece)
            if not count:
                raise RuntimeError(
                    f"{self.name} ended after {position} of the {target.nbytes} bytes from "
                    f"position {start} on: it was cut off"
                )
            crc = zlib.crc32(piece[:count], crc)
            position += count
        return crc

    def _read_piece(self, start: int, piece: memoryview) -> int:
        if self.path is not None and hasattr(os, "preadv"):
            # Threads share the file's position, which this neither uses nor moves.
            return os.preadv(self._file.fileno(), [piece], start)
        self._file.seek(start)
        readinto = getattr(self._file, "readinto", None)
        if readinto is not None:
            return readinto(piece) or 0
        contents = self._file.read(piece.nbytes)
        piece[: len(contents)] = contents
        return len(contents)

    def mapped(self) -> mmap.mmap:
        """The whole file in memory, read when touched; what is written stays in this process."""
        if self._map is None:
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_COPY)
        return self._map

    def rest(self) -> tuple[Any, int]:
        """All bytes, indexed like ``bytes``, and the current position in them."""
        start = self._file.tell()
        if self.path is not None:
            return mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ), start
        self._file.seek(0)
        return self._file.read(), start


def _product(a: int, b: int) -> int:
    # The product of two polynomials over GF(2), modulo that of CRC-32.
    product = 0
    for place in range(31, -1, -1):
        if a >> place & 1:
            product ^= b
        b = b >> 1 ^ (_POLYNOMIAL if b & 1 else 0)
    return product


@functools.cache
def _factor() -> int:
    # ``x ** (8 * PART)``: what the CRC-32 of bytes is multiplied by when a part follows them.
    power = 1 << 30  # x
    for _ in range((8 * PART).bit_length() - 1):
        power = _product(power, power)
    return power
