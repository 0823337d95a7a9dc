"""Messages between the loader and its workers: pickles whose arrays travel in shared memory.

A message is pickled with protocol 5. The memory of large arrays, those under tensors included, is
not in the pickle: it lies in segments of shared memory (see :mod:`lamella_data.segments`), into
which the worker's collation writes at once, or into which the sender copies it.

Where the system cannot pass descriptors through a socket (Windows), arrays stay in the pickle.
"""

from __future__ import annotations

import errno
import io
import os
import pickle
import time
from multiprocessing import reduction
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np

from lamella_core import Tensor, as_tensor
from lamella_data.segments import Borrower, Lender

# Below this many bytes an array costs less in the pickle.
SMALL = 16 * 1024
_RETRY_SECONDS = 0.01
# A message begins with three numbers: of arrays, of new segments, of segments given up.
_COUNTS = 24
_NOTHING_SHARED = bytes(_COUNTS)


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


def _send_descriptor(connection: Connection, descriptor: int) -> None:
    while True:
        try:
            return reduction.send_handle(connection, descriptor, None)
        except OSError as error:
            # The system bounds the descriptors under way; the receiver takes them off.
            if error.errno != errno.ETOOMANYREFS:
                raise
            time.sleep(_RETRY_SECONDS)


def send(connection: Connection, obj: Any, lender: Lender | None = None) -> None:
    """Send ``obj``; what cannot be pickled raises before anything is sent.

    Args:
        lender: the shared memory to put large arrays into; without one they stay in the pickle.
    """
    shared: list[memoryview] = []

    def keep_in_pickle(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if lender is None or raw.nbytes < SMALL:
            return True
        shared.append(raw)
        return False

    stream = io.BytesIO()
    try:
        _Pickler(stream, protocol=5, buffer_callback=keep_in_pickle).dump(obj)
    except BaseException:
        if lender is not None:
            lender.send_off([])
        raise
    if lender is None:
        connection.send_bytes(_NOTHING_SHARED + stream.getbuffer())
        return
    places = [lender.place_of(raw) for raw in shared]
    segments = list({segment.number: segment for segment, _ in places}.values())
    new = [segment for segment in segments if segment.descriptor is not None]
    given_up = lender.give_up()
    header = [len(places), len(new), len(given_up)]
    for (segment, offset), raw in zip(places, shared, strict=True):
        header += segment.number, offset, raw.nbytes
    for segment in new:
        header += segment.number, segment.size
    header += given_up
    lender.send_off(segments)
    try:
        connection.send_bytes(np.array(header, dtype=np.int64).tobytes() + stream.getbuffer())
        for segment in new:
            _send_descriptor(connection, segment.descriptor)  # type: ignore[arg-type]
    finally:
        for segment in new:
            segment.close()


def receive(connection: Connection, borrower: Borrower | None = None) -> Any:
    """The next object that was sent; raises EOFError or OSError where the sender is gone.

    Args:
        borrower: who knows the sender's shared memory, where it has a lender.
    """
    message = memoryview(connection.recv_bytes())
    places, new, given_up = np.frombuffer(message[:_COUNTS], np.int64).tolist()
    start = _COUNTS + 8 * (3 * places + 2 * new + given_up)
    if borrower is None or start == _COUNTS:
        return pickle.loads(message[start:])
    header = np.frombuffer(message[_COUNTS:start], np.int64)
    for number, size in header[3 * places : 3 * places + 2 * new].reshape(-1, 2).tolist():
        descriptor = reduction.recv_handle(connection)
        try:
            borrower.map(number, size, descriptor)
        finally:
            os.close(descriptor)
    for number in header[3 * places + 2 * new :].tolist():
        borrower.forget(number)
    borrowed: dict[int, memoryview] = {}
    buffers = []
    for number, offset, length in header[: 3 * places].reshape(-1, 3).tolist():
        if number not in borrowed:
            borrowed[number] = borrower.borrow(number)
        buffers.append(borrowed[number][offset : offset + length])
    return pickle.loads(message[start:], buffers=buffers)


class Parcel:
    """What a process that is not forked is to have, sent when it runs.

    multiprocessing would write it into a pipe that it holds both ends of (Python 3.11), and wait
    for ever where the process dies before it has read all.

    Args:
        contents: pickled when the process is started, as locks and queues can be pickled only then.
    """

    def __init__(self, contents: Any = None) -> None:
        self._contents = contents
        self._pickled: Any = None

    def __reduce__(self) -> tuple[type[Parcel], tuple[()]]:
        self._pickled = ForkingPickler.dumps(self._contents)
        return Parcel, ()

    def send(self, connection: Connection) -> None:
        """Send the contents once the process has been started."""
        connection.send_bytes(self._pickled)
        self._contents = self._pickled = None

    @staticmethod
    def receive(connection: Connection) -> Any:
        """In the process: the contents."""
        return pickle.loads(connection.recv_bytes())
