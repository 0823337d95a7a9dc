"""Datasets: where samples come from.

A map-style :class:`Dataset` answers ``dataset[key]`` and usually ``len(dataset)``; an
:class:`IterableDataset` can only be iterated.
"""

from __future__ import annotations

import bisect
import itertools
import math
import random
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from lamella_core import Generator, Tensor, default_generator, randperm

T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """Base class of map-style datasets.

    A subclass defines ``__getitem__(key)``, which returns one sample, and usually ``__len__``,
    which the default samplers and ``len(loader)`` ask for.

    Two optional methods make loading in batches faster:

    * ``__getitems__(keys)`` returns the list of samples of a batch at once.
    * ``collated(keys)`` returns the batch itself: exactly what ``default_collate`` makes of the
      list of samples. The loader calls it where its ``collate_fn`` is the default one, and only
      if no subclass below the class that defines it overrides ``__getitem__`` or
      ``__getitems__``. It may return ``NotImplemented`` to have the samples fetched one by one.
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__} is a Dataset without a __getitem__")

    def __add__(self, other: Dataset[Any]) -> ConcatDataset[Any]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co], Iterable[T_co]):
    """Base class of datasets that are read as a stream: a subclass defines ``__iter__``.

    With several workers each worker iterates its own copy, so that every sample comes once per
    worker unless ``__iter__`` asks :func:`~lamella_data.get_worker_info` for its share.
    """

    def __add__(self, other: Dataset[Any]) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Tensors side by side: sample ``i`` is ``tuple(tensor[i] for tensor in tensors)``.

    Args:
        *tensors: tensors of the same size in dimension 0.

    Raises:
        AssertionError: the sizes differ.
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Tensor) -> None:
        if any(tensor.size(0) != tensors[0].size(0) for tensor in tensors):
            raise AssertionError(
                "Size mismatch between tensors: the sizes in dimension 0 must be equal, got "
                f"{[tensor.size(0) for tensor in tensors]}"
            )
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return self.tensors[0].size(0)

    def collated(self, indices: list[int]) -> Any:
        """The batch of the samples at ``indices``, by one index operation per tensor."""
        # An index that is a bool or a tensor selects something else in a list than alone.
        if set(map(type, indices)) != {int} or any(tensor.requires_grad for tensor in self.tensors):
            return NotImplemented
        return [tensor[indices] for tensor in self.tensors]


class StackDataset(Dataset[Any]):
    """Datasets side by side: a sample is the tuple, or the dict, of their samples.

    Args:
        *args: datasets, for samples that are tuples.
        **kwargs: datasets, for samples that are dicts.

    Raises:
        ValueError: no dataset, both kinds of arguments, or lengths that differ.
    """

    datasets: tuple[Any, ...] | dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError(
                "StackDataset takes datasets by position (tuples) or by name (dicts), got "
                f"{len(args)} by position and {sorted(kwargs)} by name"
            )
        if not args and not kwargs:
            raise ValueError("StackDataset: at least one dataset should be passed")
        self.datasets = args or kwargs
        lengths = [len(dataset) for dataset in args or kwargs.values()]
        if any(length != lengths[0] for length in lengths):
            raise ValueError(f"Size mismatch between datasets: lengths {lengths}")
        self._length: int = lengths[0]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __getitems__(self, indices: list[Any]) -> list[Any]:
        if isinstance(self.datasets, dict):
            columns = [self._column(dataset, indices) for dataset in self.datasets.values()]
            names = list(self.datasets)
            return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        columns = [self._column(dataset, indices) for dataset in self.datasets]
        return list(zip(*columns, strict=True))

    @staticmethod
    def _column(dataset: Any, indices: list[Any]) -> list[Any]:
        samples = samples_at(dataset, indices)
        if len(samples) != len(indices):
            raise ValueError(
                f"Nested dataset's output size mismatch: {type(dataset).__name__}.__getitems__ "
                f"returned {len(samples)} samples for {len(indices)} indices"
            )
        return samples

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[T_co]):
    """Map-style datasets one after another.

    Args:
        datasets: the datasets, at least one.

    Raises:
        AssertionError: no dataset, or one of them is an :class:`IterableDataset`.
    """

    datasets: list[Any]
    cumulative_sizes: list[int]

    @staticmethod
    def cumsum(sequence: Iterable[Any]) -> list[int]:
        """The running sum of the lengths."""
        return list(itertools.accumulate(len(dataset) for dataset in sequence))

    def __init__(self, datasets: Iterable[Dataset[Any]]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise AssertionError(
                "ConcatDataset does not support IterableDataset: chain streams with ChainDataset"
            )
        self.cumulative_sizes = self.cumsum(self.datasets)

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, idx: int) -> Any:
        if idx < 0:
            if -idx > len(self):
                raise ValueError(
                    f"absolute value of index should not exceed dataset length: index {idx}, "
                    f"length {len(self)}"
                )
            idx += len(self)
        which = bisect.bisect_right(self.cumulative_sizes, idx)
        if which == len(self.datasets):
            raise IndexError(f"index {idx} is out of range for a dataset of length {len(self)}")
        before = self.cumulative_sizes[which - 1] if which else 0
        return self.datasets[which][idx - before]

    @property
    def cummulative_sizes(self) -> list[int]:
        """The old spelling of ``cumulative_sizes``."""
        warnings.warn(
            "`cummulative_sizes` attribute is renamed to `cumulative_sizes`",
            FutureWarning,
            stacklevel=2,
        )
        return self.cumulative_sizes


class ChainDataset(IterableDataset[Any]):
    """Iterable datasets one after another.

    Args:
        datasets: the datasets to chain.

    Raises:
        AssertionError: on iterating or ``len``, where a member is no :class:`IterableDataset`.
    """

    def __init__(self, datasets: Iterable[Dataset[Any]]) -> None:
        self.datasets = datasets

    def _streams(self) -> Iterator[Any]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertionError(
                    f"ChainDataset only supports IterableDataset, got {type(dataset).__name__}"
                )
            yield dataset

    def __iter__(self) -> Iterator[Any]:
        for stream in self._streams():
            yield from stream

    def __len__(self) -> int:
        return sum(len(stream) for stream in self._streams())


class BufferedShuffleDataset(IterableDataset[T_co]):
    """A stream in random order, as far as a buffer allows.

    The buffer is filled with the first ``buffer_size`` samples. Each further one takes the place
    of a sample of the buffer that is drawn at random and given out; at the end the buffer is
    shuffled and given out. PyTorch had this class up to version 1.8.

    The draws come from Python's ``random``: seed it before iterating, in a worker by
    ``worker_init_fn`` if the loader's seeds are not to decide.

    Args:
        dataset: the stream.
        buffer_size: how many samples the buffer holds: 1 leaves the order alone, as many as the
            stream has shuffle it wholly.

    Raises:
        AssertionError: ``buffer_size`` is not positive.
    """

    dataset: Any
    buffer_size: int

    def __init__(self, dataset: IterableDataset[T_co], buffer_size: int) -> None:
        if buffer_size <= 0:
            raise AssertionError(f"buffer_size should be larger than 0, got {buffer_size}")
        self.dataset = dataset
        self.buffer_size = buffer_size

    def __iter__(self) -> Iterator[T_co]:
        stream = iter(self.dataset)
        buffer = list(itertools.islice(stream, self.buffer_size))
        for sample in stream:
            place = random.randint(0, self.buffer_size - 1)
            drawn, buffer[place] = buffer[place], sample
            yield drawn
        random.shuffle(buffer)
        while buffer:
            yield buffer.pop()


class Subset(Dataset[T_co]):
    """The part of a dataset at given indices.

    A subclass that overrides ``__getitem__`` must override ``__getitems__`` too, since the loader
    asks for whole batches.

    Args:
        dataset: the whole.
        indices: the indices of the part, in the order in which the part has them.

    Raises:
        NotImplementedError: a subclass overrides ``__getitem__`` alone.
    """

    dataset: Any
    indices: Sequence[int]

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[int]) -> None:
        cls = type(self)
        if cls.__getitem__ is not Subset.__getitem__ and cls.__getitems__ is Subset.__getitems__:
            raise NotImplementedError(
                f"{cls.__name__} overrides __getitem__ but not __getitems__, through which the "
                "DataLoader fetches batches. The simplest one is\n\n"
                "    def __getitems__(self, indices):\n"
                "        return [self[index] for index in indices]"
            )
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, idx: Any) -> Any:
        if isinstance(idx, list):
            return self.dataset[[self.indices[i] for i in idx]]
        return self.dataset[self.indices[idx]]

    def __getitems__(self, indices: list[int]) -> list[Any]:
        return samples_at(self.dataset, [self.indices[i] for i in indices])

    def collated(self, indices: list[int]) -> Any:
        """The batch at ``indices``, where the whole dataset can give it in one go."""
        gather = collated_of(self.dataset)
        if gather is None:
            return NotImplemented
        return gather([self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


def samples_at(dataset: Any, keys: list[Any]) -> list[Any]:
    """The samples of ``dataset`` at ``keys``, by its ``__getitems__`` where it has one."""
    getitems = getattr(dataset, "__getitems__", None)
    if callable(getitems):
        return getitems(keys)
    return [dataset[key] for key in keys]


def collated_of(dataset: Any) -> Any:
    """The method ``collated`` of ``dataset``, or None where it has none that may be trusted.

    A subclass that changes what a sample is, and inherits ``collated``, must not be bypassed.
    """
    for cls in type(dataset).__mro__:
        if "collated" in cls.__dict__:
            return dataset.collated
        if "__getitem__" in cls.__dict__ or "__getitems__" in cls.__dict__:
            return None
    return None


def random_split(
    dataset: Dataset[T_co],
    lengths: Sequence[int | float],
    generator: Generator | None = default_generator,
) -> list[Subset[T_co]]:
    """Split a dataset at random into parts that do not overlap.

    Args:
        dataset: what to split.
        lengths: the length of each part; or, where they add up to 1, the fraction of each. Part
            ``k`` then gets ``floor(len(dataset) * lengths[k])`` samples, and what is left over
            goes one each to the first parts.
        generator: source of the permutation.

    Raises:
        ValueError: a fraction outside [0, 1], or lengths that do not add up.
    """
    total = len(dataset)  # type: ignore[arg-type]
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        sizes = []
        for position, fraction in enumerate(lengths):
            if fraction < 0 or fraction > 1:
                raise ValueError(f"Fraction at index {position} is not between 0 and 1: {fraction}")
            sizes.append(math.floor(total * fraction))
        for extra in range(total - sum(sizes)):
            sizes[extra % len(sizes)] += 1
        for position, size in enumerate(sizes):
            if size == 0:
                warnings.warn(
                    f"Length of split at index {position} is 0. This might result in an empty "
                    "dataset.",
                    stacklevel=2,
                )
    else:
        sizes = list(lengths)  # type: ignore[arg-type]
    if sum(sizes) != total:
        raise ValueError(
            "Sum of input lengths does not equal the length of the input dataset: "
            f"{list(lengths)} add up to {sum(lengths)}, the length is {total}"
        )
    order = randperm(total, generator=generator).tolist()
    ends = list(itertools.accumulate(sizes))
    return [Subset(dataset, order[end - size : end]) for size, end in zip(sizes, ends, strict=True)]
