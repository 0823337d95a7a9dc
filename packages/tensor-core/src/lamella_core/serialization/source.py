"""The bytes of a file that is loaded: read by position, checked against its size, or mapped."""

from __future__ import annotations

import mmap
import os
import zlib
from typing import IO, Any

# A piece is still in the processor's cache when its checksum is taken.
PIECE = 1 << 18


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
        self.size = file.seek(0, os.SEEK_END)
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
        self._file.seek(start)
        readinto = getattr(self._file, "readinto", None)
        crc = position = 0
        while position < target.nbytes:
            piece = target[position : position + PIECE]
            if readinto is not None:
                count = readinto(piece) or 0
            else:
                contents = self._file.read(piece.nbytes)
                count = len(contents)
                piece[:count] = contents
            if not count:
                raise RuntimeError(
                    f"{self.name} ended after {position} of the {target.nbytes} bytes from "
                    f"position {start} on: it was cut off"
                )
            crc = zlib.crc32(piece[:count], crc)
            position += count
        return crc

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
