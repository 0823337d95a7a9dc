"""The two ways through an epoch: fetching in this process, and by worker processes."""

from __future__ import annotations

import itertools
import warnings
import weakref
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lamella_data.fetch import make_fetcher
from lamella_data.pinning import pin_memory, pins
from lamella_data.resume import (
    State,
    generators_of,
    keeps_order,
    plain_index,
    random_state,
    under_random_state,
)
from lamella_data.sampler import draw_seed
from lamella_data.worker import (
    AT_START,
    NewEpoch,
    Reports,
    Request,
    StateRequest,
    StreamEnd,
    WorkerState,
)
from lamella_data.worker_error import WorkerError
from lamella_data.worker_pool import WorkerPool, interrupts_kept

if TYPE_CHECKING:
    from lamella_data.dataloader import DataLoader


class _LoaderIterator(Iterator[Any]):
    """What both have in common: the seed, the order, the count of a stream, and the state.

    Args:
        loader: the loader to iterate.
        resumed: a state of the loader, to go on from.
    """

    def __init__(self, loader: DataLoader[Any], resumed: Mapping[str, Any] | None) -> None:
        self._loader = loader
        self._pin = pins(loader.pin_memory, loader.pin_memory_device)
        self._finished = False
        # Drawn with or without workers, so that their number does not change later draws.
        if resumed is None or resumed["base_seed"] is None:
            self._base_seed = draw_seed(loader.generator)
        else:
            self._base_seed = resumed["base_seed"]
        self._start_epoch(None if resumed is None else resumed["epoch"])

    def _start_epoch(self, resumed: Mapping[str, Any] | None = None) -> None:
        # Taken now: list(loader) asks for the length after it has asked for the iterator.
        self._expected = self._loader._reported_length
        sampler = self._loader._index_sampler
        self._keeps_order = keeps_order(sampler)
        # A sampler that keeps no state is resumed by running it once more, under this state.
        self._drawing = generators_of(self._loader, sampler, self._loader.sampler)
        self._at_start = None
        self._yielded = 0
        # Of the index sampler's items.
        self._taken = 0
        self._exhausted = False
        if resumed is None:
            if not self._keeps_order:
                self._at_start = random_state(self._drawing)
            self._order = iter(sampler)
            return
        self._yielded = resumed["yielded"]
        self._taken = resumed["taken"]
        self._exhausted = resumed["exhausted"]
        self._at_start = resumed["random_state_at_start"]
        if self._exhausted:
            self._order = iter(())
        elif self._keeps_order:
            self._order = iter(sampler)
        else:
            with under_random_state(self._at_start, self._drawing):
                self._order = iter(sampler)
                next(itertools.islice(self._order, self._taken, self._taken), None)

    def __len__(self) -> int:
        return len(self._loader._index_sampler)

    def __next__(self) -> Any:
        batch = self._next_batch()
        self._yielded += 1
        if self._expected is not None and self._yielded > self._expected:
            self._warn_of_length()
        return pin_memory(batch) if self._pin else batch

    def __del__(self) -> None:
        # Left by a break, say: whoever asks the loader for its state after the loop means this.
        loader = self.__dict__.get("_loader")
        if loader is not None:
            with interrupts_kept():
                loader._leave(self)

    def _next_batch(self) -> Any:
        raise NotImplementedError

    def can_tell_state(self) -> bool:
        """Whether this is an epoch in progress that can be resumed."""
        return not self._finished

    def state(self, timeout: float | None = None) -> State:
        """This iterator's part of the loader's state."""
        return {"base_seed": self._base_seed, "epoch": self._epoch_state()}

    def _epoch_state(self) -> State | None:
        if self._finished:
            return None
        return {
            "yielded": self._yielded,
            "taken": self._taken,
            "exhausted": self._exhausted,
            "random_state_at_start": self._at_start,
        }

    def _warn_of_length(self) -> None:
        text = (
            f"Length of IterableDataset {self._loader.dataset} was reported to be {self._expected} "
            f"(when accessing len(dataloader)), but {self._yielded} samples have been fetched."
        )
        if self._loader.num_workers > 0:
            text += (
                " With several workers this happens where each of them iterates the whole "
                "dataset: use get_worker_info() in __iter__ to give each its share."
            )
        warnings.warn(text, stacklevel=3)


class SingleProcessIterator(_LoaderIterator):
    """Fetches each batch when it is asked for."""

    def __init__(self, loader: DataLoader[Any], resumed: Mapping[str, Any] | None = None) -> None:
        super().__init__(loader, resumed)
        if loader.timeout:
            raise AssertionError(
                f"a loader without workers requires timeout == 0, got timeout={loader.timeout}: "
                "what this process fetches itself cannot time out"
            )
        fetcher_state = None if resumed is None else resumed["fetcher_state"]
        self._fetcher = make_fetcher(
            loader.dataset, loader._batched, loader.collate_fn, loader.drop_last, fetcher_state
        )

    def _next_batch(self) -> Any:
        try:
            index = next(self._order)
            self._taken += 1
            return self._fetcher.fetch(index)
        except StopIteration:
            self._finished = True
            raise

    def state(self, timeout: float | None = None) -> State:
        return {**super().state(), "fetcher_state": self._fetcher.state_dict(), "workers": None}


class MultiProcessIterator(_LoaderIterator):
    """Keeps ``prefetch_factor`` requests under way at each worker and returns answers in order.

    Requests are numbered and dealt to the workers in turn. A worker whose stream has ended gets no
    more, and the numbers it still owes are struck out.
    """

    def __init__(self, loader: DataLoader[Any], resumed: Mapping[str, Any] | None = None) -> None:
        super().__init__(loader, resumed)
        self._num_workers = loader.num_workers
        self._prefetch: int = loader.prefetch_factor  # type: ignore[assignment]
        self._in_order = loader.in_order
        self._persistent = loader.persistent_workers
        self._broken: str | None = None
        self._sent = 0
        self._settled = [AT_START] * self._num_workers
        self._pool = WorkerPool(
            loader._context(),
            loader.num_workers,
            loader.timeout,
            base_seed=self._base_seed,
            dataset=loader.dataset,
            batched=loader._batched,
            collate_fn=loader.collate_fn,
            drop_last=loader.drop_last,
            init_fn=loader.worker_init_fn,
            resumed=None if resumed is None else resumed["workers"],
        )
        weakref.finalize(self, self._pool.finalize)
        self._begin(None if resumed is None else resumed["epoch"])

    @property
    def broken(self) -> bool:
        """Whether the workers are gone for good."""
        return self._broken is not None

    def restart(self) -> None:
        """Begin the next epoch with the same workers."""
        self._start_epoch()
        self._finished = False
        epoch = None
        if callable(getattr(self._loader.dataset, "set_epoch", None)):
            epoch = getattr(self._loader.dataset, "epoch", None)
        try:
            for worker_id in range(self._num_workers):
                self._pool.send(worker_id, NewEpoch(self._sent, epoch))
                self._settled[worker_id] = self._sent
                self._sent += 1
            self._begin()
        except BaseException as error:
            self._break(error)
            raise

    def _begin(self, resumed: Mapping[str, Any] | None = None) -> None:
        # Numbers go on over epochs, so that late answers of the last one are told apart.
        self._worker_of: dict[int, int] = {}
        self._index_of: dict[int, Any] = {}
        self._answers: dict[int, Any] = {}
        self._load = [0] * self._num_workers
        self._ends: list[int | None] = [None] * self._num_workers
        self._active = [True] * self._num_workers
        self._turn = 0
        if resumed is not None:
            self._active = list(resumed["active"])
            self._turn = resumed["turn"]
            for worker_id, index in resumed["pending"]:
                self._send(worker_id, index)
        for _ in range(self._prefetch * self._num_workers - len(self._worker_of)):
            self._request()

    def _request(self) -> None:
        try:
            index = next(self._order)
        except StopIteration:
            self._exhausted = True
            return
        self._taken += 1
        for step in range(self._num_workers):
            worker_id = (self._turn + step) % self._num_workers
            if self._active[worker_id] and (
                self._in_order or self._load[worker_id] < self._prefetch
            ):
                break
        else:
            return
        self._turn = (worker_id + 1) % self._num_workers
        self._send(worker_id, index)

    def _send(self, worker_id: int, index: Any) -> None:
        number = self._sent
        self._sent += 1
        self._worker_of[number] = worker_id
        self._index_of[number] = index
        self._load[worker_id] += 1
        self._pool.send(worker_id, Request(number, index, self._settled[worker_id]))

    def _next_batch(self) -> Any:
        if self._broken is not None:
            raise RuntimeError(self._broken)
        if self._finished:
            raise StopIteration
        try:
            number = self._wait()
            if number is not None:
                answer = self._answers.pop(number)
                self._settle(number)
                self._request()
        except BaseException as error:
            self._break(error)
            raise
        if number is None:
            self._finished = True
            if not self._persistent:
                self._pool.shutdown()
            raise StopIteration
        if isinstance(answer, WorkerError):
            answer.reraise()
        return answer

    def _settle(self, number: int) -> None:
        worker_id = self._worker_of.pop(number)
        del self._index_of[number]
        self._load[worker_id] -= 1
        end = self._ends[worker_id]
        # After the last batch of a stream its worker has also met the stream's end.
        self._settled[worker_id] = number if end is None or self._load[worker_id] else end

    def _wait(self) -> int | None:
        """The number of the answer to return next; None at the end of the epoch."""
        while self._worker_of:
            if self._in_order:
                first = next(iter(self._worker_of))
                if first in self._answers:
                    return first
            elif self._answers:
                return next(iter(self._answers))
            for number, answer in self._pool.receive():
                self._accept(number, answer)
        return None

    def _accept(self, number: int | None, answer: Any) -> None:
        if isinstance(answer, Reports):
            self._loader.dataset.accept_reports(answer.entries)  # type: ignore[attr-defined]
        if number not in self._worker_of:
            return
        if isinstance(answer, StreamEnd):
            self._retire(self._worker_of[number], number)
        else:
            self._answers[number] = answer

    def _retire(self, worker_id: int, end: int) -> None:
        self._active[worker_id] = False
        owed = [
            number
            for number, worker in self._worker_of.items()
            if worker == worker_id and number not in self._answers
        ]
        for number in owed:
            del self._worker_of[number]
            del self._index_of[number]
        self._load[worker_id] -= len(owed)
        self._ends[worker_id] = end
        if not self._load[worker_id]:
            self._settled[worker_id] = end
        self._request()

    def can_tell_state(self) -> bool:
        return self._broken is None and self._pool.is_open and not self._finished

    def state(self, timeout: float | None = None) -> State:
        if self._broken is not None:
            raise RuntimeError(
                f"the loader cannot tell its state any more, its workers are gone: {self._broken}"
            )
        workers = self._worker_states(timeout) if self._pool.is_open else None
        state = super().state()
        if workers is None:
            state["base_seed"] = None
        return {**state, "fetcher_state": None, "workers": workers}

    def _epoch_state(self) -> State | None:
        state = super()._epoch_state()
        if state is None:
            return None
        return {
            **state,
            "pending": [
                (worker_id, plain_index(self._index_of[number]))
                for number, worker_id in self._worker_of.items()
            ],
            "active": list(self._active),
            "turn": self._turn,
        }

    def _worker_states(self, timeout: float | None) -> list[Mapping[str, Any] | None]:
        states: dict[int, Mapping[str, Any] | None] = {}
        for worker_id, number in enumerate(self._settled):
            self._pool.send(worker_id, StateRequest(number))
        try:
            while len(states) < self._num_workers:
                for number, answer in self._pool.receive(timeout):
                    if isinstance(answer, WorkerState):
                        if isinstance(answer.state, WorkerError):
                            answer.state.reraise()
                        else:
                            states[answer.worker_id] = answer.state
                    else:
                        self._accept(number, answer)
        except BaseException as error:
            self._break(error)
            raise
        return [states[worker_id] for worker_id in range(self._num_workers)]

    def _break(self, error: BaseException) -> None:
        self._broken = str(error) or f"the DataLoader was ended by {type(error).__name__}"
        self._pool.shutdown(grace=0.0)
