"""The data loader: a dataset, an order, and who fetches."""

from __future__ import annotations

import multiprocessing
import multiprocessing.context
import os
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from lamella_core import Generator, default_generator
from lamella_data.collate import default_collate, default_convert
from lamella_data.dataset import Dataset, IterableDataset
from lamella_data.fetch import dataset_state, load_dataset_state
from lamella_data.iterators import MultiProcessIterator, SingleProcessIterator
from lamella_data.resume import State, check_state, keeps_order
from lamella_data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler
from lamella_data.worker_pool import GRACE_SECONDS

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

    A loader can be stopped in the middle of an epoch and resumed, see :meth:`state_dict`.

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

        self.num_workers = num_workers
        self.multiprocessing_context = multiprocessing_context

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
        self.collate_fn = collate_fn
        self.pin_memory = pin_memory
        self.drop_last = drop_last
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.generator = generator
        self.prefetch_factor = prefetch_factor
        self.persistent_workers = persistent_workers
        self.pin_memory_device = pin_memory_device
        self.in_order = in_order
        # The workers that persist; the iteration that was started last; what it said when it was
        # left; the state to resume.
        self._iterator: MultiProcessIterator | None = None
        self._latest: weakref.ref[SingleProcessIterator | MultiProcessIterator] | None = None
        self._left: State | Exception | None = None
        self._resumed: Mapping[str, Any] | None = None
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
        iterator = self._make_iterator()
        self._latest = weakref.ref(iterator)
        self._left = None
        return iterator

    def _make_iterator(self) -> SingleProcessIterator | MultiProcessIterator:
        resumed, self._resumed = self._resumed, None
        if self.num_workers == 0:
            return SingleProcessIterator(self, resumed)
        if not self.persistent_workers:
            return MultiProcessIterator(self, resumed)
        if self._iterator is None or self._iterator.broken or resumed is not None:
            self._iterator = MultiProcessIterator(self, resumed)
        else:
            self._iterator.restart()
        return self._iterator

    def _leave(self, iterator: SingleProcessIterator | MultiProcessIterator) -> None:
        """Keep the state of an iterator that is about to go, where it is the latest one."""
        if self._latest is None or self._latest() not in (iterator, None):
            return
        self._latest = None
        if iterator.can_tell_state():
            try:
                self._left = iterator.state(GRACE_SECONDS)
            except Exception as error:
                self._left = error

    def __getstate__(self) -> dict[str, Any]:
        # A copy of a loader has no iteration in progress.
        return {**self.__dict__, "_iterator": None, "_latest": None, "_left": None}

    def state_dict(self) -> State:
        """Where the iteration that was started last stands, for :meth:`load_state_dict`.

        Holds the position in the epoch, the state of the sampler, of a dataset (or of its
        iterator) that has the methods ``state_dict`` and ``load_state_dict``, the random state of
        each worker, and the state of ``generator``, or of the default generator where there is
        none. An order or a stream that keeps no state of its own is resumed by reading over what
        was read before. Python's and NumPy's random state in this process are the caller's.

        It may be called between any two batches, after a loop that was left by ``break``, and
        between epochs. It is plain data: :func:`lamella_core.save` and the safe
        :func:`lamella_core.load` take it, as long as the states of the dataset and of a sampler of
        one's own are plain too. With several iterators at once, it tells of the latest.

        Raises:
            RuntimeError: the workers of the iteration in progress are gone.
            Exception: what the dataset's ``state_dict`` raises.
        """
        latest = None if self._latest is None else self._latest()
        progress: Mapping[str, Any]
        if self._resumed is not None:
            progress = self._resumed
            if progress["epoch"] is None:
                progress = {**progress, "fetcher_state": self._own_state()}
        elif latest is not None:
            progress = latest.state()
        elif isinstance(self._left, Exception):
            raise self._left
        elif self._left is not None:
            progress = self._left
        else:
            own = self._own_state()
            progress = {"base_seed": None, "epoch": None, "fetcher_state": own, "workers": None}
        sampler = self._index_sampler
        return {
            "num_workers": self.num_workers,
            **{key: progress[key] for key in ("base_seed", "epoch", "fetcher_state", "workers")},
            "sampler_state": sampler.state_dict() if keeps_order(sampler) else None,
            "generator": self._generator.get_state(),
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Let the next iteration give what would have followed when ``state_dict()`` was called.

        The loader must be made with the same arguments, over the same data; ``prefetch_factor``,
        ``timeout`` and the like may differ. Sets ``generator``, or the default generator where
        there is none, to its state at that time.

        Raises:
            TypeError, ValueError: no state of a loader, or of one with other arguments.
        """
        keys = ("num_workers", "base_seed", "epoch", "fetcher_state", "workers", "sampler_state")
        check_state(state_dict, self, (*keys, "generator"))
        if state_dict["num_workers"] != self.num_workers:
            raise ValueError(
                f"the state is of a loader with num_workers={state_dict['num_workers']}, this one "
                f"has num_workers={self.num_workers}: which worker gives which batch would change"
            )
        sampler = self._index_sampler
        if (state_dict["sampler_state"] is not None) != keeps_order(sampler):
            raise ValueError(
                "the state is of a loader whose order does "
                f"{'not ' if state_dict['sampler_state'] is None else ''}keep a state, unlike this "
                f"one's {type(sampler).__name__}"
            )
        if state_dict["sampler_state"] is not None:
            sampler.load_state_dict(state_dict["sampler_state"])
        self._generator.set_state(state_dict["generator"])
        if self.num_workers == 0 and state_dict["epoch"] is None:
            # Between epochs there is no more than the dataset's own state, which is set now: the
            # caller may call its set_epoch before the next one.
            load_dataset_state(self.dataset, state_dict["fetcher_state"])
            state_dict = {**state_dict, "fetcher_state": None}
        self._resumed = state_dict
        self._iterator = self._latest = self._left = None

    def _own_state(self) -> State | None:
        """The dataset's state between epochs; workers have copies of their own."""
        return dataset_state(self.dataset) if self.num_workers == 0 else None

    @property
    def _generator(self) -> Generator:
        return default_generator if self.generator is None else self.generator

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
