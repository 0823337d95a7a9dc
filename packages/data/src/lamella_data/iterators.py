"""The two ways through an epoch: fetching in this process, and by worker processes."""

from __future__ import annotations

import itertools
import warnings
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lamella_data.fetch import make_fetcher
from lamella_data.pinning import pin_memory, pins
from lamella_data.sampler import draw_seed
from lamella_data.worker import NewEpoch, Request, StreamEnd
from lamella_data.worker_error import WorkerError
from lamella_data.worker_pool import WorkerPool

if TYPE_CHECKING:
    from lamella_data.loader import DataLoader


class _LoaderIterator(Iterator[Any]):
    """What both have in common: the seed, the order, and the count of a stream."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        self._loader = loader
        self._pin = pins(loader.pin_memory, loader.pin_memory_device)
        # Drawn with or without workers, so that their number does not change later draws.
        self._base_seed = draw_seed(loader.generator)
        self._start_epoch()

    def _start_epoch(self) -> None:
        self._yielded = 0
        # Taken now: list(loader) asks for the length after it has asked for the iterator.
        self._expected = self._loader._reported_length
        self._order = iter(self._loader._index_sampler)

    def __len__(self) -> int:
        return len(self._loader._index_sampler)

    def __next__(self) -> Any:
        batch = self._next_batch()
        self._yielded += 1
        if self._expected is not None and self._yielded > self._expected:
            self._warn_of_length()
        return pin_memory(batch) if self._pin else batch

    def _next_batch(self) -> Any:
        raise NotImplementedError

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

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        self._fetcher = make_fetcher(
            loader.dataset, loader._batched, loader.collate_fn, loader.drop_last
        )

    def _next_batch(self) -> Any:
        return self._fetcher.fetch(next(self._order))


class MultiProcessIterator(_LoaderIterator):
    """Keeps ``prefetch_factor`` requests under way at each worker and returns answers in order.

    Requests are numbered and dealt to the workers in turn. A worker whose stream has ended gets no
    more, and the numbers it still owes are struck out.
    """

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        self._num_workers = loader.num_workers
        self._prefetch: int = loader.prefetch_factor  # type: ignore[assignment]
        self._in_order = loader.in_order
        self._persistent = loader.persistent_workers
        self._broken: str | None = None
        self._ended = False
        self._sent = 0
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
        )
        weakref.finalize(self, self._pool.shutdown)
        self._begin()

    @property
    def broken(self) -> bool:
        """Whether the workers are gone for good."""
        return self._broken is not None

    def restart(self) -> None:
        """Begin the next epoch with the same workers."""
        self._start_epoch()
        self._ended = False
        try:
            for worker_id in range(self._num_workers):
                self._pool.send(worker_id, NewEpoch())
            self._begin()
        except BaseException as error:
            self._break(error)
            raise

    def _begin(self) -> None:
        # Numbers go on over epochs, so that late answers of the last one are told apart.
        self._worker_of: dict[int, int] = {}
        self._answers: dict[int, Any] = {}
        self._load = [0] * self._num_workers
        self._active = [True] * self._num_workers
        self._turns = itertools.cycle(range(self._num_workers))
        for _ in range(self._prefetch * self._num_workers):
            self._request()

    def _request(self) -> None:
        try:
            index = next(self._order)
        except StopIteration:
            return
        for worker_id in itertools.islice(self._turns, self._num_workers):
            if self._active[worker_id] and (
                self._in_order or self._load[worker_id] < self._prefetch
            ):
                break
        else:
            return
        number = self._sent
        self._sent += 1
        self._worker_of[number] = worker_id
        self._load[worker_id] += 1
        self._pool.send(worker_id, Request(number, index))

    def _next_batch(self) -> Any:
        if self._broken is not None:
            raise RuntimeError(self._broken)
        if self._ended:
            raise StopIteration
        try:
            number = self._wait()
            if number is not None:
                answer = self._answers.pop(number)
                self._load[self._worker_of.pop(number)] -= 1
                self._request()
        except BaseException as error:
            self._break(error)
            raise
        if number is None:
            self._ended = True
            if not self._persistent:
                self._pool.shutdown()
            raise StopIteration
        if isinstance(answer, WorkerError):
            answer.reraise()
        return answer

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
                if number not in self._worker_of:
                    continue
                if isinstance(answer, StreamEnd):
                    self._retire(self._worker_of[number])
                else:
                    self._answers[number] = answer
        return None

    def _retire(self, worker_id: int) -> None:
        self._active[worker_id] = False
        owed = [
            number
            for number, worker in self._worker_of.items()
            if worker == worker_id and number not in self._answers
        ]
        for number in owed:
            del self._worker_of[number]
        self._load[worker_id] -= len(owed)
        self._request()

    def _break(self, error: BaseException) -> None:
        self._broken = str(error) or f"the DataLoader was ended by {type(error).__name__}"
        self._pool.shutdown(grace=0.0)
