"""Datasets over shards: who reads what, in which order, and where to go on."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np

from lamella_core import Generator, as_tensor, randperm
from lamella_data.dataset import IterableDataset
from lamella_data.resume import State, check_state
from lamella_data.streaming.ahead import ReadAhead
from lamella_data.streaming.errors import CorruptShardError
from lamella_data.streaming.files import ShardFile, Urls, expand, split_protocol
from lamella_data.worker import get_worker_info

# The draws of a shuffle buffer are made in blocks, each from a generator that its number seeds, so
# that to resume it takes no more than the number of the next draw.
_DRAWS = 1024


class Place(NamedTuple):
    """Where a sample comes from: the number of the shard among one's own, the position in it."""

    shard: int
    position: int


class Skipped(NamedTuple):
    """What was left out: the rest of a shard from ``offset`` on, or the sample there."""

    url: str
    offset: int
    reason: str


class ShardDataset(IterableDataset[Any]):
    """Base class of :class:`~lamella_data.streaming.TarDataset` and
    :class:`~lamella_data.streaming.ParquetDataset`: a stream over many files.

    The shards are dealt out to the processes of a distributed run, and then to the workers of the
    loader; each shard is read by one of them, from start to end. So there should be at least as
    many shards as ranks times workers, all of about the same size.

    Args:
        urls: the shards: a name or several, local paths or whatever fsspec opens. ``{000..012}``
            and ``{a,b}`` are spelled out, ``*`` is matched.
        shuffle: whether each epoch has the shards in a new order, and the samples of each reader
            pass through a buffer from which they are drawn at random. Call :meth:`set_epoch` before
            each epoch, or all have the same order.
        buffer_size: how many samples that buffer holds.
        seed: seed of the order, the same in all processes.
        num_replicas, rank: how many processes there are, and which one this is.
        transform: called with each sample, in the worker; what it returns is the sample.
        retries: how many times a read that fails is tried again.
        backoff: seconds before the first retry; each further one waits twice as long.
        skip_corrupt: whether the rest of a corrupt shard is left out, or a sample that cannot be
            decoded, with a warning and an entry in ``skipped``; otherwise that is an error.
        storage_options: arguments for fsspec's filesystem, such as ``{"anon": True}``.

    Attributes:
        skipped: what was left out, as ``(url, offset, reason)``; a loader's
            workers report theirs to the dataset in the loader's process.

    Raises:
        ValueError: no shard, or a number out of its range.
        CorruptShardError: on iterating; names file and offset.
        ImportError: on iterating; names the extra that is needed.

    It keeps a state: a loader over it resumes exactly, without reading over what was read. With a
    shuffle buffer it reads again the samples that the buffer held.
    """

    def __init__(
        self,
        urls: Urls,
        *,
        shuffle: bool = False,
        buffer_size: int = 1000,
        seed: int = 0,
        num_replicas: int = 1,
        rank: int = 0,
        transform: Callable[[Any], Any] | None = None,
        retries: int = 3,
        backoff: float = 0.5,
        skip_corrupt: bool = False,
        storage_options: Mapping[str, Any] | None = None,
    ) -> None:
        for name, value, least in (
            ("buffer_size", buffer_size, 1),
            ("seed", seed, 0),
            ("num_replicas", num_replicas, 1),
            ("retries", retries, 0),
            ("backoff", backoff, 0),
        ):
            if value < least:
                raise ValueError(f"{name} should be at least {least}, but got {name}={value}")
        if not 0 <= rank < num_replicas:
            raise ValueError(
                f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]"
            )
        self.storage_options = dict(storage_options or {})
        self.urls = expand(urls, self.storage_options)
        if not self.urls:
            raise ValueError("urls should name at least one shard, got none")
        self.shuffle = shuffle
        self.buffer_size = buffer_size
        self.seed = seed
        self.num_replicas = num_replicas
        self.rank = rank
        self.transform = transform
        self.retries = retries
        self.backoff = backoff
        self.skip_corrupt = skip_corrupt
        self.epoch = 0
        self.skipped: list[Skipped] = []
        self._unreported: list[Skipped] = []
        self._pass: _Pass | None = None
        self._resumed: Mapping[str, Any] | None = None

    # Whether a shard is read from its start to its end, all of it.
    _reads_all = False

    def _reader(self, file: ShardFile) -> Any:
        """What reads samples from an open shard: an object with ``read(position)``."""
        raise NotImplementedError(f"{type(self).__name__} has no reader: use TarDataset, say")

    def _finish(self, sample: dict[str, Any], position: int) -> Any:
        """What is done to a sample, read at ``position``, when it leaves the buffer."""
        return sample

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next iteration."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[Any]:
        resumed, self._resumed = self._resumed, None
        self._pass = _Pass(self, resumed)
        return self._pass.samples()

    def state_dict(self) -> State:
        """Where the iteration that was started last stands: plain numbers."""
        progress: Mapping[str, Any] | None = self._resumed
        if progress is None and self._pass is not None:
            progress = self._pass.state()
        return {"epoch": self.epoch, "shards": len(self.urls), "progress": progress}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Let the next iteration go on where ``state_dict()`` was called.

        Raises:
            TypeError, ValueError: no state of such a dataset, or of one with another number of
                shards. On iterating: of another rank, worker, or number of either.
        """
        check_state(state_dict, self, ("epoch", "shards", "progress"))
        if state_dict["shards"] != len(self.urls):
            raise ValueError(
                f"the state is of a {type(self).__name__} over {state_dict['shards']} shards, this "
                f"one has {len(self.urls)}"
            )
        self.epoch = state_dict["epoch"]
        self._pass = None
        self._resumed = state_dict["progress"]

    def skip(self, error: CorruptShardError, what: str) -> None:
        """Leave out what is corrupt, or raise where that is not wanted."""
        if not self.skip_corrupt:
            raise error
        entry = Skipped(str(error.url), int(error.offset or 0), str(error))
        self.skipped.append(entry)
        self._unreported.append(entry)
        warnings.warn(f"{what} is left out: {error}", stacklevel=2)

    def take_reports(self) -> list[Skipped]:
        """In a worker: what happened since it was last asked, for the loader's process."""
        reports, self._unreported = self._unreported, []
        return reports

    def accept_reports(self, reports: Sequence[Skipped]) -> None:
        """In the loader's process: what a worker's copy of this dataset reported."""
        self.skipped.extend(reports)


class _Pass:
    """One iteration over a reader's share of the shards."""

    def __init__(self, dataset: ShardDataset, resumed: Mapping[str, Any] | None) -> None:
        info = get_worker_info()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        self._dataset = dataset
        self._share = [dataset.num_replicas, dataset.rank, workers, worker]
        self._key = [dataset.seed, dataset.epoch, dataset.rank, worker]
        order = range(len(dataset.urls))
        if dataset.shuffle:
            generator = Generator().manual_seed(dataset.seed + dataset.epoch)
            order = randperm(len(order), generator=generator).tolist()
        mine = order[dataset.rank :: dataset.num_replicas][worker::workers]
        self._shards = [dataset.urls[index] for index in mine]
        if not mine:
            warnings.warn(
                f"worker {worker} of {workers} of rank {dataset.rank} has nothing to read: there "
                f"are {len(order)} shards for {dataset.num_replicas * workers} readers",
                stacklevel=3,
            )
        self._next = Place(0, 0)
        self._buffer: list[dict[str, Any]] = []
        self._places = np.empty((dataset.buffer_size if dataset.shuffle else 0, 2), np.int64)
        self._drawn = 0
        self._draws: list[float] = []
        self._ended = False
        if resumed is not None:
            self._resume(resumed)

    def state(self) -> State | None:
        """Plain numbers; None at the end."""
        if self._ended:
            return None
        return {
            "share": list(self._share),
            "next": tuple(self._next),
            "buffer": as_tensor(self._places[: len(self._buffer)].copy()),
            "drawn": self._drawn,
        }

    def _resume(self, resumed: Mapping[str, Any]) -> None:
        if list(resumed["share"]) != self._share:
            names = ("num_replicas", "rank", "number of workers", "worker")
            theirs = dict(zip(names, resumed["share"], strict=True))
            ours = dict(zip(names, self._share, strict=True))
            raise ValueError(f"the state is of the share {theirs}, this one is {ours}")
        self._next = Place(*resumed["next"])
        self._drawn = resumed["drawn"]
        if self._drawn % _DRAWS:
            self._draws = self._draw_block()
        places = [Place(*place) for place in resumed["buffer"].tolist()]
        if len(places) > len(self._places):
            raise ValueError(
                f"the state has {len(places)} samples in its shuffle buffer, this one holds "
                f"{len(self._places)}: shuffle and buffer_size must be what they were"
            )
        self._places[: len(places)] = resumed["buffer"].numpy()
        self._buffer = self._read_again(places)

    def _read_again(self, places: list[Place]) -> list[dict[str, Any]]:
        """The samples at ``places``, each shard opened once and read forwards."""
        samples: dict[Place, dict[str, Any]] = {}
        for number in sorted({place.shard for place in places}):
            with self._open(number) as file:
                reader = self._dataset._reader(file)
                for place in sorted(place for place in places if place.shard == number):
                    with closing(reader.read(place.position)) as found:
                        samples[place] = next(found)[0]
        return [samples[place] for place in places]

    def _open(self, number: int) -> ShardFile:
        dataset = self._dataset
        return ShardFile(
            self._shards[number], dataset.retries, dataset.backoff, dataset.storage_options
        )

    def _source(self) -> Iterator[tuple[dict[str, Any], Place]]:
        """The samples in the order of the shards; ``_next`` is the place after each."""
        with self._read_ahead() as ahead:
            for number in range(self._next.shard, len(self._shards)):
                position = self._next.position if number == self._next.shard else 0
                try:
                    with self._open(number) as file:
                        for sample, start, following in self._dataset._reader(file).read(position):
                            ahead.passed(number, file.tell())
                            self._next = Place(number, following)
                            yield sample, Place(number, start)
                except CorruptShardError as error:
                    self._dataset.skip(error, "the rest of a shard")
                self._next = Place(number + 1, 0)
                ahead.passed(*self._next)

    def _read_ahead(self) -> ReadAhead:
        files: list[tuple[int, str]] = []
        # Not in the loader's process, which may fork: a thread is not good to have then.
        if self._dataset._reads_all and get_worker_info() is not None:
            for number, url in enumerate(self._shards):
                protocol, path = split_protocol(url)
                if number >= self._next.shard and not protocol:
                    files.append((number, path))
        return ReadAhead(files)

    def samples(self) -> Iterator[Any]:
        dataset = self._dataset
        for sample, place in self._shuffled() if dataset.shuffle else self._source():
            try:
                finished = dataset._finish(sample, place.position)
            except CorruptShardError as error:
                dataset.skip(error, "a sample")
                continue
            if dataset.transform is None:
                yield finished
                continue
            try:
                transformed = dataset.transform(finished)
            except Exception as error:
                error.add_note(f"in transform, at {place.position} of {self._shards[place.shard]}")
                raise
            yield transformed
        self._ended = True

    def _shuffled(self) -> Iterator[tuple[dict[str, Any], Place]]:
        buffer, places, size = self._buffer, self._places, self._dataset.buffer_size
        for sample, place in self._source():
            if len(buffer) < size:
                places[len(buffer)] = place
                buffer.append(sample)
                continue
            drawn = int(self._draw() * size)
            leaving = buffer[drawn], Place(*places[drawn].tolist())
            buffer[drawn], places[drawn] = sample, place
            yield leaving
        while buffer:
            drawn, last = int(self._draw() * len(buffer)), len(buffer) - 1
            leaving = buffer[drawn], Place(*places[drawn].tolist())
            buffer[drawn], places[drawn] = buffer[last], places[last]
            buffer.pop()
            yield leaving

    def _draw(self) -> float:
        """The next number of this reader's own, uniform in [0, 1)."""
        if self._drawn % _DRAWS == 0:
            self._draws = self._draw_block()
        number = self._draws[self._drawn % _DRAWS]
        self._drawn += 1
        return number

    def _draw_block(self) -> list[float]:
        return np.random.default_rng([*self._key, self._drawn // _DRAWS]).random(_DRAWS).tolist()
