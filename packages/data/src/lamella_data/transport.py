"""Messages between the loader and its workers: pickles whose arrays travel in shared memory.

A message is pickled with protocol 5. The memory of large arrays, those under tensors included, is
not in the pickle: the sender writes it into an anonymous memory file, whose descriptor follows the
pickle through the socket, and the receiver maps it. The file never has a name, so nothing can be
left over, whichever process dies; the receiver closes the descriptor as soon as the memory is
mapped, so that batches that are kept cost no descriptors; and the map goes when the last array
over it goes.

Where the system cannot pass descriptors through a socket (Windows), arrays stay in the pickle.
"""

from __future__ import annotations

import ctypes
import errno
import io
import mmap
import os
import pickle
import tempfile
import time
from multiprocessing import reduction
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from lamella_core import Tensor, as_tensor

# Below this many bytes an array costs less in the pickle than a map.
_SMALL = 16 * 1024
_ALIGNMENT = 64
_SHARED = os.name == "posix"
_RETRY_SECONDS = 0.01

if _SHARED:
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


def _rebuild_tensor(array: np.ndarray, requires_grad: bool) -> Tensor:
    return as_tensor(array).requires_grad_(requires_grad) if requires_grad else as_tensor(array)


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is not Tensor:
            return NotImplemented
        if obj.device.type != "cpu":
            raise RuntimeError(
                f"a tensor on {obj.device} cannot be passed between a worker and the loader: keep "
                "samples on the CPU and move each batch to the device in the training loop"
            )
        if obj.requires_grad and not obj.is_leaf:
            raise RuntimeError(
                f"a tensor of shape {tuple(obj.shape)} that requires grad and is no leaf cannot "
                "be passed between processes, since its graph cannot follow: call detach() on it"
            )
        array = np.asarray(obj.detach().numpy() if obj.requires_grad else obj.numpy(), order="C")
        return _rebuild_tensor, (array, obj.requires_grad)


def _memory_file() -> int:
    """The descriptor of a new, nameless file that lives in memory."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("lamella-batch", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _write(descriptor: int, buffer: memoryview, offset: int) -> None:
    while buffer:
        # One call writes at most 2 GiB.
        written = os.pwrite(descriptor, buffer, offset)
        buffer = buffer[written:]
        offset += written


def _map(descriptor: int, size: int) -> memoryview:
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
    return memoryview(block)


def _send_descriptor(connection: Connection, descriptor: int) -> None:
    while True:
        try:
            return reduction.send_handle(connection, descriptor, None)
        except OSError as error:
            # The system bounds the descriptors under way; the receiver takes them off.
            if error.errno != errno.ETOOMANYREFS:
                raise
            time.sleep(_RETRY_SECONDS)


def send(connection: Connection, obj: Any) -> None:
    """Send ``obj``; what cannot be pickled raises before anything is sent."""
    shared: list[memoryview] = []

    def keep_in_pickle(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if not _SHARED or raw.nbytes < _SMALL:
            return True
        shared.append(raw)
        return False

    stream = io.BytesIO()
    _Pickler(stream, protocol=5, buffer_callback=keep_in_pickle).dump(obj)
    lengths = [raw.nbytes for raw in shared]
    header = np.array([len(lengths), *lengths], dtype=np.int64).tobytes()
    if not shared:
        connection.send_bytes(header + stream.getbuffer())
        return
    descriptor = _memory_file()
    try:
        offset = 0
        for raw in shared:
            _write(descriptor, raw, offset)
            offset = _align(offset + raw.nbytes)
        connection.send_bytes(header + stream.getbuffer())
        _send_descriptor(connection, descriptor)
    finally:
        os.close(descriptor)


def _align(offset: int) -> int:
    return -(-offset // _ALIGNMENT) * _ALIGNMENT


def receive(connection: Connection) -> Any:
    """The next object that was sent; raises EOFError or OSError where the sender is gone."""
    message = memoryview(connection.recv_bytes())
    count = int(np.frombuffer(message[:8], dtype=np.int64)[0])
    start = 8 + 8 * count
    if not count:
        return pickle.loads(message[start:])
    lengths = np.frombuffer(message[8:start], dtype=np.int64).tolist()
    offsets = [0]
    for length in lengths:
        offsets.append(_align(offsets[-1] + length))
    size = offsets[-2] + lengths[-1]
    descriptor = reduction.recv_handle(connection)
    try:
        memory = _map(descriptor, size)
    finally:
        os.close(descriptor)
    buffers = [
        memory[offset : offset + length]
        for offset, length in zip(offsets[:-1], lengths, strict=True)
    ]
    return pickle.loads(message[start:], buffers=buffers)
