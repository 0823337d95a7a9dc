"""What runs in a worker process: seeding, the loop over requests, and what user code may ask."""

from __future__ import annotations

import os
import queue
import random
import signal
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import numpy as np

import lamella_core
from lamella_data import transport
from lamella_data.dataset import IterableDataset
from lamella_data.fetch import make_fetcher
from lamella_data.worker_error import WorkerError

# How often a worker that waits for work looks whether the loader's process still lives.
_WATCH_SECONDS = 2.0


@dataclass(frozen=True)
class WorkerInfo:
    """What a worker knows about itself.

    Attributes:
        id: number of the worker, from 0.
        num_workers: how many there are.
        seed: the seed of this worker's generators: the loader's base seed plus ``id``.
        dataset: this process's copy of the dataset.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


_worker_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """The :class:`WorkerInfo` of the worker that calls it; None outside a worker.

    An iterable dataset asks it for its share of the stream, ``worker_init_fn`` for the copy of the
    dataset that it is to configure.
    """
    return _worker_info


@dataclass
class WorkerTask:
    """All that a worker needs to start; pickled where processes are spawned."""

    worker_id: int
    num_workers: int
    base_seed: int
    dataset: Any
    batched: bool
    collate_fn: Callable[[Any], Any]
    drop_last: bool
    init_fn: Callable[[int], Any] | None
    connection: Connection
    # The loader's ends of the pipes, which a forked worker holds too and must close: as long as
    # anyone holds them, no worker sees the loader go.
    inherited: Iterable[Connection] = ()


class Request(NamedTuple):
    """Fetch the batch at ``index`` and send it back under ``number``."""

    number: int
    index: Any


class NewEpoch:
    """Start the dataset anew."""


class StreamEnd:
    """The answer of a worker whose iterable dataset has ended."""


def seed_worker(base_seed: int, worker_id: int) -> int:
    """Seed the generators of lamella, ``random`` and NumPy; returns the seed of the first two.

    NumPy's legacy generator gets the state that PyTorch gives it: four words from NumPy's own
    ``SeedSequence`` over the worker's number and the base seed, so that workers of loaders with
    neighbouring base seeds do not share streams.
    """
    seed = base_seed + worker_id
    random.seed(seed)
    lamella_core.manual_seed(seed)
    entropy = [worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    np.random.seed(np.random.SeedSequence(entropy).generate_state(4))
    return seed


def _receive_requests(
    connection: Connection, requests: queue.SimpleQueue[Any], stop: threading.Event
) -> None:
    """Move requests to ``requests`` as they come; set ``stop`` on None or when the loader is gone.

    Runs in a thread, so that the loader is never held up by a worker that is at work, and so that
    both may send at the same time.
    """
    parent = os.getppid()
    try:
        while True:
            while not connection.poll(_WATCH_SECONDS):
                # Another process may hold a copy of the loader's end, and then no end of file
                # comes when the loader is killed.
                if os.getppid() != parent:
                    return
            request = transport.receive(connection)
            if request is None:
                return
            requests.put(request)
    except (EOFError, OSError):
        return
    finally:
        stop.set()
        requests.put(None)


def run_worker(task: WorkerTask) -> None:
    """The main function of a worker process: answer requests until the loader says stop."""
    global _worker_info
    # An interrupt from the terminal reaches every process; the loader decides what follows.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for connection in task.inherited:
        connection.close()
    lamella_core.set_num_threads(1)
    seed = seed_worker(task.base_seed, task.worker_id)
    _worker_info = WorkerInfo(task.worker_id, task.num_workers, seed, task.dataset)

    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    stop = threading.Event()
    threading.Thread(
        target=_receive_requests, args=(task.connection, requests, stop), daemon=True
    ).start()

    answer: Any = None
    failure: WorkerError | None = None
    if task.init_fn is not None:
        try:
            task.init_fn(task.worker_id)
        except Exception as error:
            failure = WorkerError(error, task.worker_id)

    fetcher = None
    try:
        while (request := requests.get()) is not None and not stop.is_set():
            if isinstance(request, NewEpoch):
                fetcher = None
                continue
            if failure is not None:
                answer = failure
            else:
                try:
                    if fetcher is None:
                        fetcher = make_fetcher(
                            task.dataset, task.batched, task.collate_fn, task.drop_last
                        )
                    answer = fetcher.fetch(request.index)
                except Exception as error:
                    answer = _answer_to(error, task)
            _answer(task, request.number, answer)
            # A batch that is under way must not be held while the next one is made.
            answer = None
    except (BrokenPipeError, ConnectionResetError):
        return


def _answer_to(error: Exception, task: WorkerTask) -> StreamEnd | WorkerError:
    if isinstance(error, StopIteration) and isinstance(task.dataset, IterableDataset):
        return StreamEnd()
    return WorkerError(error, task.worker_id)


def _answer(task: WorkerTask, number: int, answer: Any) -> None:
    try:
        transport.send(task.connection, (number, answer))
    except (BrokenPipeError, ConnectionResetError):
        raise
    except Exception as error:
        transport.send(task.connection, (number, WorkerError(error, task.worker_id)))
