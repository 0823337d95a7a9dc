"""The bytes of a file that is loaded: read by position, checked against its size, or mapped."""

from __future__ import annotations

import mmap
import os
import zlib
from typing import IO, TYPE_CHECKING, Any

from lamella_core.parallel import thread_count

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

# A piece is still in the processor's cache when its checksum is taken.
PIECE = 1 << 18

# Bytes from which a second thread for the checksum is worth its start.
_LARGE = 1 << 22


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
        if target.nbytes < _LARGE or thread_count() < 2:
            return self._pieces_into(start, target, zlib.crc32)
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as pool:
            checksums: list[Future[int]] = []

            def check(piece: memoryview, _: int) -> int:
                # A piece is checked while the next one is read.
                before = checksums.pop().result() if checksums else 0
                checksums.append(pool.submit(zlib.crc32, piece, before))
                return 0

            self._pieces_into(start, target, check)
            return checksums.pop().result()

    def _pieces_into(
        self, start: int, target: memoryview, check: Callable[[memoryview, int], int]
    ) -> int:
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
            crc = check(piece[:count], crc)
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
