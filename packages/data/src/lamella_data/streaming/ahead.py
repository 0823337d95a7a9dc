"""Reading ahead: local shards are brought into the system's cache before their reader needs them.

The system itself reads ahead within one file only: it begins with little in each and stops at its
end, so that the disk rests while the last part of a shard is decoded.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

_STEP = 4 << 20
_STEPS = 8


class ReadAhead:
    """A thread that is up to 32 MB ahead of a reader.

    It has the system send the files to the null device, for which they are held in the cache and
    not copied. On systems that cannot do so it does nothing.

    Args:
        files: number and path of each file, in the order of reading; the numbers increase.
    """

    def __init__(self, files: Sequence[tuple[int, str]]) -> None:
        self._room = threading.Semaphore(_STEPS)
        # The number of a file and an offset in it: where the reader is, and where those steps end
        # that it has not passed.
        self._reader = (0, 0)
        self._ends: deque[tuple[int, int]] = deque()
        self._closed = False
        if files and sys.platform == "linux":
            threading.Thread(target=self._run, args=(files,), daemon=True).start()

    def __enter__(self) -> ReadAhead:
        return self

    def __exit__(self, *_: Any) -> None:
        self._closed = True
        self._room.release()

    def passed(self, number: int, offset: int) -> None:
        """Take note that the reader has come to ``offset`` of a file."""
        self._reader = place = (number, offset)
        while self._ends and self._ends[0] <= place:
            self._ends.popleft()
            self._room.release()

    def _run(self, files: Sequence[tuple[int, str]]) -> None:
        try:
            with open(os.devnull, "wb", buffering=0) as null:
                for number, path in files:
                    if number >= self._reader[0] and not self._closed:
                        with open(path, "rb", buffering=0) as file:
                            self._send(number, file.fileno(), null.fileno())
        except OSError:
            # The reader meets it too, and says so; or the system cannot send such a file.
            return

    def _send(self, number: int, file: int, null: int) -> None:
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        offset = 0
        while self._room.acquire() and not self._closed:
            place = max(self._reader, (number, offset))
            sent = os.sendfile(null, file, place[1], _STEP) if place[0] == number else 0
            if not sent:
                self._room.release()
                return
            offset = place[1] + sent
            self._ends.append((number, offset))
