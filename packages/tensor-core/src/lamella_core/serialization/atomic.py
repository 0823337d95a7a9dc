"""Files that are replaced as a whole or not at all."""

from __future__ import annotations

import io
import os
import stat
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


_FLUSH_EVERY = 1 << 20


class _FlushedFile(io.FileIO):
    # A file whose bytes are on their way to the disk while more are written.
    #
    # The wait for the disk at the end is then short, and not as long as all the writing.
    _flushed = 0

    def write(self, data: Any) -> int:
        count = super().write(data) or 0
        end = self.tell()
        if end - self._flushed >= _FLUSH_EVERY:
            # The system begins to write them out and does not wait. They stay in its cache, which
            # this advice clears of what is on the disk already.
            os.posix_fadvise(
                self.fileno(), self._flushed, end - self._flushed, os.POSIX_FADV_DONTNEED
            )
            self._flushed = end
        return count


@contextmanager
def replacing(path: str) -> Iterator[IO[bytes]]:
    """A file to write, which takes the place of the one at ``path`` when the context ends well.

    The bytes go to a new file in the same folder, are forced to the disk, and the new file is then
    renamed over the old: whatever happens on the way, ``path`` is the old file or the new one. The
    permissions of the old file stay; a link stays a link, and the file it leads to is replaced.
    What is no regular file (a pipe, a device) is written to directly.

    Raises:
        RuntimeError: when the folder does not exist.
        OSError: when the folder cannot be written to, or the disk is full.
    """
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {os.path.dirname(path) or folder} does not exist.")
    try:
        mode: int | None = os.stat(target).st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode):
        with open(target, "wb") as file:
            yield file
        return
    temporary = f"{target}.{os.urandom(8).hex()}.tmp"
    try:
        kind = _FlushedFile if hasattr(os, "posix_fadvise") else io.FileIO
        with io.BufferedWriter(kind(temporary, "xb")) as file:
            if mode is not None:
                os.chmod(temporary, stat.S_IMODE(mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _sync_folder(folder: str) -> None:
    # Makes the rename itself last; Windows has no such call and needs none.
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
