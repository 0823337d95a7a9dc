"""Shared memory that is used again: worker processes write into it, the loader's process reads.

Fresh shared memory costs more than the copy into it, since the system clears each page and each
process maps it. So a worker keeps its segments, and the loader tells it when the last array over a
segment has gone. A segment is a nameless memory file, so nothing can be left over, whichever
process dies; its descriptor is passed once and closed as soon as the memory is mapped.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import tempfile
import threading
import weakref
from collections import deque
from typing import Any

import numpy as np

# With more segments than this under way, when batches are kept, the further ones are not used
# again; and so many unused ones are held for arrays of other sizes.
_MOST = 64
_MOST_IDLE = 8

if os.name == "posix":
    _libc = ctypes.CDLL(None, use_errno=True)
    _libc.mmap.restype = ctypes.c_void_p
    _libc.mmap.argtypes = [
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_long,
    ]
    _MAP_FAILED = ctypes.c_void_p(-1).value
    _MAP_FIXED = 0x10
    _MAP_FLAGS = mmap.MAP_SHARED | _MAP_FIXED | getattr(mmap, "MAP_POPULATE", 0)


def memory_file(size: int) -> int:
    """The descriptor of a new, nameless file of ``size`` bytes that lives in memory."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("lamella-batch", os.MFD_CLOEXEC)
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    try:
        os.truncate(descriptor, size)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def map_file(descriptor: int, size: int) -> mmap.mmap:
    """The first ``size`` bytes of the file, writable; unmapped when no array uses them."""
    # A map made from a descriptor keeps a duplicate of it open, which would cost every batch that
    # the user keeps a descriptor. So the file is put over a map that has none. The map object
    # unmaps in C: a finalizer in Python could swallow the KeyboardInterrupt that comes while it
    # runs.
    block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    address = ctypes.addressof(ctypes.c_char.from_buffer(block))
    mapped = _libc.mmap(address, size, mmap.PROT_READ | mmap.PROT_WRITE, _MAP_FLAGS, descriptor, 0)
    if mapped is None or mapped == _MAP_FAILED:
        code = ctypes.get_errno()
        raise OSError(code, f"cannot map {size} bytes of a worker's batch: {os.strerror(code)}")
    return block


class Segment:
    """A piece of shared memory as its worker sees it.

    Attributes:
        number: its name between the two processes; negative where it is used but once.
        descriptor: of its file, until the loader has it.
    """

    def __init__(self, number: int, size: int) -> None:
        self.number = number
        self.size = size
        self.descriptor: int | None = memory_file(size)
        try:
            self._block = map_file(self.descriptor, size)
        except BaseException:
            self.close()
            raise
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._block))
        self._lease: weakref.ref[np.ndarray] | None = None

    def lend(self, size: int) -> np.ndarray:
        """Its first ``size`` bytes as an array."""
        array = np.frombuffer(self._block, np.uint8, size)
        self._lease = weakref.ref(array)
        return array

    @property
    def is_idle(self) -> bool:
        """Whether no array of this process lies in it."""
        return self._lease is None or self._lease() is None

    def close(self) -> None:
        """Close its descriptor."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


class Lender:
    """A worker's segments: those handed out since the last message, those that the loader has, and
    those that may be used again."""

    def __init__(self) -> None:
        # One thread sends and another hears what came back.
        self._lock = threading.Lock()
        self._count = 0
        self._lent: list[Segment] = []
        self._away: dict[int, Segment] = {}
        self._idle: list[Segment] = []

    def allocate(self, size: int) -> np.ndarray:
        """``size`` bytes of shared memory; what lies there when the next message is sent is not
        copied for it."""
        with self._lock:
            fitting = [
                segment
                for segment in self._idle
                if size <= segment.size <= 2 * size + mmap.PAGESIZE and segment.is_idle
            ]
            if fitting:
                segment = min(fitting, key=lambda each: each.size)
                self._idle.remove(segment)
            else:
                self._count += 1
                once = len(self._away) + len(self._lent) >= _MOST
                pages = -(-size // mmap.PAGESIZE)
                number = -self._count if once else self._count
                segment = Segment(number, pages * mmap.PAGESIZE)
            self._lent.append(segment)
        return segment.lend(size)

    def place_of(self, memory: memoryview) -> tuple[Segment, int]:
        """The segment that holds ``memory``, after a copy where none does; the offset in it."""
        array = np.frombuffer(memory, np.uint8)
        address: int = array.__array_interface__["data"][0]
        for segment in self._lent:
            if segment.address <= address < segment.address + segment.size:
                return segment, address - segment.address
        self.allocate(array.size)[:] = array
        return self._lent[-1], 0

    def give_up(self) -> list[int]:
        """Drop idle segments where there are many; the numbers of those that the loader knows."""
        numbers = []
        with self._lock:
            while len(self._idle) > _MOST_IDLE:
                segment = self._idle.pop(0)
                if segment.descriptor is None:
                    numbers.append(segment.number)
                segment.close()
        return numbers

    def send_off(self, segments: list[Segment]) -> None:
        """Take note of what a message takes along, before it leaves: the answer can be fast."""
        with self._lock:
            for segment in self._lent:
                if segment not in segments:
                    self._idle.append(segment)
                elif segment.number > 0:
                    self._away[segment.number] = segment
            self._lent = []

    def came_back(self, numbers: list[int], lost: list[int]) -> None:
        """The loader has done with ``numbers``, and will never give back ``lost``."""
        with self._lock:
            self._idle += [self._away.pop(number) for number in numbers]
            for number in lost:
                del self._away[number]


class _Lease(weakref.ref):
    __slots__ = ("number",)
    number: int


class Borrower:
    """The loader's side of one worker's segments."""

    def __init__(self) -> None:
        self._blocks: dict[int, mmap.mmap] = {}
        self._leases: dict[int, _Lease] = {}
        # A C function hears of the end of a lease: a Python function could swallow the
        # KeyboardInterrupt that comes while it runs.
        self._ended: deque[Any] = deque()
        self._lost: set[int] = set()
        _borrowers.add(self)

    def map(self, number: int, size: int, descriptor: int) -> None:
        """Get to know a segment."""
        self._blocks[number] = map_file(descriptor, size)

    def forget(self, number: int) -> None:
        """The worker has given up a segment that is not in use."""
        del self._blocks[number]

    def borrow(self, number: int) -> memoryview:
        """The memory of a segment, until the last array over it goes."""
        if number < 0:
            return memoryview(self._blocks.pop(number))
        array = np.frombuffer(self._blocks[number], np.uint8)
        lease = self._leases[number] = _Lease(array, self._ended.append)
        lease.number = number
        return memoryview(array)  # type: ignore[arg-type]

    def done(self) -> tuple[list[int], list[int]]:
        """The segments that are not in use any more: to be used again, and not to be."""
        back, lost = [], []
        while self._ended:
            number = self._ended.popleft().number
            del self._leases[number]
            if number in self._lost:
                self._lost.remove(number)
                del self._blocks[number]
                lost.append(number)
            else:
                back.append(number)
        return back, lost

    def lose(self) -> None:
        """Let nothing that is in use now be used again."""
        self._lost.update(self._leases)


_borrowers: weakref.WeakSet[Borrower] = weakref.WeakSet()


def _before_fork() -> None:
    # The child has the same batches, and the parent cannot know when it has done with them.
    for borrower in list(_borrowers):
        borrower.lose()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork)
