"""What runs in a worker process: seeding, the loop over requests, and what user code may ask."""

from __future__ import annotations

import os
import queue
import random
import signal
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import numpy as np

import lamella_core
from lamella_data import collate, transport
from lamella_data.dataset import IterableDataset
from lamella_data.fetch import IterableFetcher, MapFetcher, make_fetcher
from lamella_data.resume import State, random_state, set_random_state
from lamella_data.segments import Lender
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
        rng: the worker's own sources of random numbers; None, as a process has its global ones.
        worker_method: what the worker is, ``"multiprocessing"``.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any
    rng: Any = None
    worker_method: str = "multiprocessing"


_worker_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """The :class:`WorkerInfo` of the worker that calls it; None outside a worker.

    An iterable dataset asks it for its share of the stream, ``worker_init_fn`` for the copy of the
    dataset that it is to configure.
    """
    return _worker_info


@dataclass
class WorkerTask:
    """All that a worker needs to start, besides its connection."""

    worker_id: int
    num_workers: int
    base_seed: int
    dataset: Any
    batched: bool
    collate_fn: Callable[[Any], Any]
    drop_last: bool
    init_fn: Callable[[int], Any] | None
    # The loader's ends of the pipes, which a forked worker holds too and must close: as long as
    # anyone holds them, no worker sees the loader go.
    inherited: Iterable[Connection] = ()
    # Where a worker of the run that is resumed stood.
    resumed: Mapping[str, Any] | None = None


class Request(NamedTuple):
    """Fetch the batch at ``index`` and send it back under ``number``.

    ``settled`` is the number of the last message of whose state the loader may still ask.
    """

    number: int
    index: Any
    settled: int


class NewEpoch(NamedTuple):
    """Start the dataset anew; ``epoch`` is for its ``set_epoch``, where it has one."""

    number: int
    epoch: Any


class StateRequest(NamedTuple):
    """Send the state after message ``number`` was dealt with."""

    number: int


class WorkerState(NamedTuple):
    """The answer to a :class:`StateRequest`: the state, or why there is none; None for that of a
    new worker."""

    worker_id: int
    state: Mapping[str, Any] | WorkerError | None


class Reports(NamedTuple):
    """What the worker's copy of the dataset has for the loader's, by ``take_reports``."""

    entries: Any


# The number of the state before the first message.
AT_START = -1


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


class _Worker:
    """A worker at work: one thread receives, the main thread fetches and answers.

    Receiving in a thread, the loader is never held up by a worker that is at work, both may send
    at the same time, and a question for the state is answered at once: the state after each
    message is kept until the loader has done with it.
    """

    def __init__(self, task: WorkerTask, connection: Connection) -> None:
        self.task = task
        self.connection = connection
        self.requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.stop = threading.Event()
        self.sending = threading.Lock()
        self.lender = Lender() if os.name == "posix" else None
        collate.allocate = None if self.lender is None else self.lender.allocate
        self.states: dict[int, State | WorkerError] = {}
        self.new_state = threading.Condition()
        self.fetcher: MapFetcher | IterableFetcher | None = None
        self.failure: WorkerError | None = None
        self.take_reports: Callable[[], Any] | None = getattr(task.dataset, "take_reports", None)
        if self.take_reports is not None:
            # What the loader's process had not taken itself came over with the fork.
            self.take_reports()

    def receive(self) -> None:
        """Move requests to the queue as they come; stop on None or when the loader is gone."""
        connection = self.connection
        parent = os.getppid()
        try:
            while True:
                while not connection.poll(_WATCH_SECONDS):
                    # Another process may hold a copy of the loader's end, and then no end of file
                    # comes when the loader is killed.
                    if os.getppid() != parent:
                        return
                (back, lost), request = transport.receive(connection)
                if self.lender is not None:
                    self.lender.came_back(back, lost)
                if request is None:
                    return
                if isinstance(request, StateRequest):
                    self.tell_state(request)
                else:
                    self.requests.put(request)
        except (EOFError, OSError):
            return
        finally:
            self.stop.set()
            self.requests.put(None)

    def send(self, number: int | None, answer: Any) -> None:
        # Shared memory is for batches, which one thread alone makes and sends.
        with self.sending:
            lender = None if number is None else self.lender
            transport.send(self.connection, (number, answer), lender)

    def tell_state(self, request: StateRequest) -> None:
        state: Mapping[str, Any] | WorkerError | None = self.task.resumed
        if request.number != AT_START:
            with self.new_state:
                self.new_state.wait_for(lambda: request.number in self.states)
                state = self.states[request.number]
        self.try_to_send(None, WorkerState(self.task.worker_id, state))

    def try_to_send(self, number: int | None, answer: Any) -> None:
        """Send ``answer``; an error in its place where it cannot be pickled."""
        try:
            self.send(number, answer)
        except (BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:
            failure = WorkerError(error, self.task.worker_id)
            if isinstance(answer, WorkerState):
                self.send(number, WorkerState(answer.worker_id, failure))
            else:
                self.send(number, failure)

    def keep_state(self, number: int, settled: int) -> None:
        """Keep the state as of now, and none from before message ``settled``."""
        state: State | WorkerError
        try:
            fetcher = None if self.fetcher is None else self.fetcher.state_dict()
            state = {"random_state": random_state(), "fetcher_state": fetcher}
        except Exception as error:
            state = WorkerError(error, self.task.worker_id)
        with self.new_state:
            self.states = {key: old for key, old in self.states.items() if key >= settled}
            self.states[number] = state
            self.new_state.notify_all()

    def make_fetcher(self, state: Mapping[str, Any] | None = None) -> None:
        task = self.task
        self.fetcher = make_fetcher(
            task.dataset, task.batched, task.collate_fn, task.drop_last, state
        )

    def begin(self) -> None:
        """Run ``init_fn`` and go to the state to resume."""
        task = self.task
        if task.init_fn is not None:
            task.init_fn(task.worker_id)
        if task.resumed is not None:
            if task.resumed["fetcher_state"] is not None:
                self.make_fetcher(task.resumed["fetcher_state"])
            set_random_state(task.resumed["random_state"])

    def begin_epoch(self, message: NewEpoch) -> None:
        self.fetcher = None
        if message.epoch is not None:
            self.task.dataset.set_epoch(message.epoch)

    def attempt(self, step: Callable[..., None], *arguments: Any) -> None:
        """Do ``step``; where it fails, its error is the answer to every request from here on."""
        try:
            step(*arguments)
        except Exception as error:
            self.failure = WorkerError(error, self.task.worker_id)

    def answer(self, request: Request) -> Any:
        if self.failure is not None:
            return self.failure
        try:
            if self.fetcher is None:
                self.make_fetcher()
            return self.fetcher.fetch(request.index)  # type: ignore[union-attr]
        except Exception as error:
            if isinstance(error, StopIteration) and isinstance(self.task.dataset, IterableDataset):
                return StreamEnd()
            return WorkerError(error, self.task.worker_id)

    def report(self) -> None:
        if self.take_reports is not None and (entries := self.take_reports()):
            self.try_to_send(None, Reports(entries))

    def run(self) -> None:
        threading.Thread(target=self.receive, daemon=True).start()
        self.attempt(self.begin)
        while (request := self.requests.get()) is not None and not self.stop.is_set():
            if isinstance(request, NewEpoch):
                self.attempt(self.begin_epoch, request)
                self.keep_state(request.number, request.number)
                continue
            answer = self.answer(request)
            self.report()
            self.keep_state(request.number, request.settled)
            self.try_to_send(request.number, answer)
            # A batch that is under way must not be held while the next one is made.
            answer = None


def run_worker(given: WorkerTask | transport.Parcel, connection: Connection) -> None:
    """The main function of a worker process: answer requests until the loader says stop."""
    global _worker_info
    # An interrupt from the terminal reaches every process; the loader decides what follows.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    task: WorkerTask
    if isinstance(given, transport.Parcel):
        try:
            task = given.receive(connection)
        except (EOFError, OSError):
            # The loader has gone.
            return
    else:
        task = given
    for other in task.inherited:
        other.close()
    lamella_core.set_num_threads(1)
    seed = seed_worker(task.base_seed, task.worker_id)
    _worker_info = WorkerInfo(task.worker_id, task.num_workers, seed, task.dataset)
    try:
        _Worker(task, connection).run()
    except (BrokenPipeError, ConnectionResetError):
        return
