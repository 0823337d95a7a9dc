"""The data loader: a dataset, an order, and who fetches."""

from __future__ import annotations

import multiprocessing
import multiprocessing.context
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from lamella_core import Generator
from lamella_data.collate import default_collate, default_convert
from lamella_data.dataset import Dataset, IterableDataset
from lamella_data.iterators import MultiProcessIterator, SingleProcessIterator
from lamella_data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

T_co = TypeVar("T_co", covariant=True)

_FIXED = frozenset(
    {"batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"}
)
_DEFAULT_PREFETCH = 2


class _EndlessSampler(Sampler[None]):
    """The order of a stream: it has none, so the index says nothing."""

    def __iter__(self) -> Iterator[None]:
        while True:
            yield None


class DataLoader(Generic[T_co]):
    """Iterates a dataset in batches, fetched by this process or by worker processes.

    Args:
        dataset: what to load from. For an :class:`~lamella_data.IterableDataset` the order is its
            own, and ``shuffle``, ``sampler`` and ``batch_sampler`` must be left out.
        batch_size: samples per batch; None gives the samples one by one, unbatched.
        shuffle: whether to draw a new random order for each epoch.
        sampler: the order, as any iterable over keys of the dataset; excludes ``shuffle``.
        batch_sampler: the order, as an iterable over lists of keys; excludes ``batch_size``,
            ``shuffle``, ``sampler`` and ``drop_last``.
        num_workers: how many worker processes fetch; 0 fetches in this process.
        collate_fn: from a list of samples to a batch (from a sample to a result, where
            ``batch_size`` and ``batch_sampler`` are None).
        pin_memory: whether to copy batches to pinned memory, where there is an accelerator.
        drop_last: whether to leave out a last batch that is not full.
        timeout: the longest wait for a batch from the workers, in seconds; 0 for no limit.
        worker_init_fn: called in each worker with its number, after seeding.
        multiprocessing_context: a context of ``multiprocessing``, or the name of a start method;
            by default the platform's own.
        generator: source of the random order and of the workers' base seed; by default the default
            generator. Worker ``i`` is seeded with the base seed plus ``i``.
        prefetch_factor: how many batches each worker has under way; 2 unless given.
        persistent_workers: whether workers live on from epoch to epoch.
        pin_memory_device: deprecated, has no effect.
        in_order: whether batches come in the sampler's order, or as soon as they are there.

    Batches of workers arrive through shared memory without a copy. An exception in a worker is
    raised here with the worker's traceback; a worker that dies raises RuntimeError.

    Raises:
        ValueError: arguments out of range, or that exclude one another.
        TypeError: a ``multiprocessing_context`` of another type.
    """

    dataset: Dataset[T_co]
    sampler: Any
    batch_sampler: Any

    def __init__(
        self,
        dataset: Dataset[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Sampler[Any] | Iterable[Any] | None = None,
        batch_sampler: Sampler[list[Any]] | Iterable[list[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        if num_workers < 0:
            raise ValueError(
                f"num_workers option should be non-negative, got {num_workers}; use num_workers=0 "
                "to load in the main process"
            )
        if timeout < 0:
            raise ValueError(f"timeout option should be non-negative, got {timeout}")
        if num_workers == 0 and prefetch_factor is not None:
            raise ValueError(
                "prefetch_factor option could only be specified in multiprocessing: set "
                f"num_workers > 0, or leave out prefetch_factor={prefetch_factor}"
            )
        if prefetch_factor is not None and prefetch_factor < 0:
            raise ValueError(
                f"prefetch_factor option should be non-negative, got {prefetch_factor}"
            )
        if persistent_workers and num_workers == 0:
            raise ValueError("persistent_workers option needs num_workers > 0")

        if isinstance(dataset, IterableDataset):
            _refuse_order_of_stream(shuffle, sampler, batch_sampler)
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, "
                    "sampler, and drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError(
                "batch_size=None option disables auto-batching and is mutually exclusive with "
                "drop_last"
            )

        order: Any = sampler
        if order is None:
            if isinstance(dataset, IterableDataset):
                order = _EndlessSampler()
            elif shuffle:
                order = RandomSampler(dataset, generator=generator)  # type: ignore[arg-type]
            else:
                order = SequentialSampler(dataset)  # type: ignore[arg-type]
        if batch_size is not None:
            batch_sampler = BatchSampler(order, batch_size, drop_last)
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate
        if prefetch_factor is None and num_workers > 0:
            prefetch_factor = _DEFAULT_PREFETCH

        self.dataset = dataset
        self.batch_size = batch_size
        self.sampler = order
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.collate_fn = collate_fn
        self.pin_memory = pin_memory
        self.drop_last = drop_last
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.generator = generator
        self.prefetch_factor = prefetch_factor
        self.persistent_workers = persistent_workers
        self.pin_memory_device = pin_memory_device
        self.in_order = in_order
        self._iterator: MultiProcessIterator | None = None
        self._reported_length: int | None = None
        self._initialized = True
        self.check_worker_number_rationality()

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED and "_initialized" in self.__dict__:
            raise ValueError(
                f"{name} attribute should not be set after {type(self).__name__} is initialized"
            )
        super().__setattr__(name, value)

    @property
    def multiprocessing_context(self) -> Any:
        """The context that workers are started with; None for the platform's own."""
        return self._multiprocessing_context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context: Any) -> None:
        if context is not None:
            if self.num_workers == 0:
                raise ValueError(
                    "multiprocessing_context can only be used with multi-process loading "
                    "(num_workers > 0), but got num_workers=0"
                )
            if isinstance(context, str):
                methods = multiprocessing.get_all_start_methods()
                if context not in methods:
                    raise ValueError(
                        "multiprocessing_context option should specify a valid start method in "
                        f"{methods}, but got multiprocessing_context={context!r}"
                    )
                context = multiprocessing.get_context(context)
            elif not isinstance(context, multiprocessing.context.BaseContext):
                raise TypeError(
                    "multiprocessing_context option should be a valid context object or a string "
                    f"specifying the start method, but got multiprocessing_context={context}"
                )
        self._multiprocessing_context = context

    @property
    def _batched(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def _context(self) -> Any:
        context = self._multiprocessing_context
        return multiprocessing.get_context() if context is None else context

    def __iter__(self) -> Iterator[Any]:
        if self.num_workers == 0:
            return SingleProcessIterator(self)
        if not self.persistent_workers:
            return MultiProcessIterator(self)
        if self._iterator is None or self._iterator.broken:
            self._iterator = MultiProcessIterator(self)
        else:
            self._iterator.restart()
        return self._iterator

    def __len__(self) -> int:
        """Batches per epoch; for a stream an estimate from the dataset's own length."""
        if not isinstance(self.dataset, IterableDataset):
            return len(self._index_sampler)
        length = self._reported_length = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else -(-length // self.batch_size)

    def check_worker_number_rationality(self) -> None:
        """Warn where there are more workers than processors to run them."""
        if self.num_workers == 0:
            return
        try:
            processors = len(os.sched_getaffinity(0))
        except AttributeError:
            processors = os.cpu_count() or 0
        if 0 < processors < self.num_workers:
            warnings.warn(
                f"This DataLoader will create {self.num_workers} worker processes in total. Our "
                f"suggested max number of worker in current system is {processors}: more of them "
                "take turns and can slow loading down.",
                stacklevel=3,
            )


def _refuse_order_of_stream(shuffle: Any, sampler: Any, batch_sampler: Any) -> None:
    given = {"shuffle": shuffle or None, "sampler": sampler, "batch_sampler": batch_sampler}
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"DataLoader with IterableDataset: expected unspecified {name} option, but got "
                f"{name}={value}"
            )
