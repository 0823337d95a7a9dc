"""Fetching: from a list of indices, or the next few of a stream, to one batch."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Mapping
from typing import Any

from lamella_data.collate import default_collate, is_plain_stack
from lamella_data.dataset import IterableDataset, collated_of, samples_at
from lamella_data.resume import State, keeps_state, random_state, under_random_state


class MapFetcher:
    """Fetches from a map-style dataset.

    Args:
        dataset: the dataset.
        batched: whether an index is a list of keys, or a single key.
        collate_fn: from samples to a batch (from a sample to the result, where not batched).
        drop_last: not used here; a short batch is the batch sampler's affair.
        resumed: the state to go on from.
    """

    def __init__(
        self,
        dataset: Any,
        batched: bool,
        collate_fn: Callable[[Any], Any],
        drop_last: bool,
        resumed: Mapping[str, Any] | None = None,
    ) -> None:
        if resumed is not None:
            load_dataset_state(dataset, resumed)
        self.dataset = dataset
        self.batched = batched
        self.collate_fn = collate_fn
        self.gather = collated_of(dataset) if collate_fn is default_collate else None

    def fetch(self, index: Any) -> Any:
        """The batch, or sample, at ``index``."""
        if not self.batched:
            return self.collate_fn(self.dataset[index])
        if self.gather is not None and is_plain_stack():
            batch = self.gather(index)
            if batch is not NotImplemented:
                return batch
        return self.collate_fn(samples_at(self.dataset, index))

    def state_dict(self) -> State:
        """The state of the dataset, where it keeps one."""
        return dataset_state(self.dataset)


class IterableFetcher:
    """Fetches from an iterable dataset: the index only says how many samples to take.

    Args:
        dataset: the dataset.
        batched: whether to take a list of samples, or a single one.
        collate_fn: from samples to a batch (from a sample to the result, where not batched).
        drop_last: whether a shorter batch at the end is left out.
        resumed: the state to go on from. Where neither the dataset nor its iterator keeps one,
            the samples that were taken are read again, under the random state of the first time.
    """

    def __init__(
        self,
        dataset: Any,
        batched: bool,
        collate_fn: Callable[[Any], Any],
        drop_last: bool,
        resumed: Mapping[str, Any] | None = None,
    ) -> None:
        self.dataset = dataset
        self.batched = batched
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.ended = False
        self.taken = 0
        self.at_start: State | None = None
        if resumed is None:
            if not keeps_state(dataset):
                self.at_start = random_state()
            self.stream = iter(dataset)
            return
        load_dataset_state(dataset, resumed)
        self.taken = resumed["taken"]
        self.ended = resumed["ended"]
        self.at_start = resumed["random_state_at_start"]
        if "dataset_iter_state" in resumed:
            self.stream = iter(dataset)
            self.stream.load_state_dict(resumed["dataset_iter_state"])  # type: ignore[attr-defined]
            return
        with under_random_state(self.at_start):
            self.stream = iter(dataset)
            if self.at_start is not None:
                next(itertools.islice(self.stream, self.taken, self.taken), None)

    def fetch(self, index: Any) -> Any:
        """The next batch, or sample. Raises StopIteration at the end of the stream."""
        if self.ended:
            raise StopIteration
        if not self.batched:
            sample = next(self.stream)
            self.taken += 1
            return self.collate_fn(sample)
        samples = list(itertools.islice(self.stream, len(index)))
        self.taken += len(samples)
        self.ended = len(samples) < len(index)
        if not samples or (self.drop_last and len(samples) < len(index)):
            raise StopIteration
        return self.collate_fn(samples)

    def state_dict(self) -> State:
        """Where the stream stands: by the states that the dataset or its iterator keeps, or by
        the number of samples that were taken."""
        state = dataset_state(self.dataset)
        if keeps_state(self.stream):
            iterator: Any = self.stream
            state["dataset_iter_state"] = copy.deepcopy(iterator.state_dict())
        return {
            **state,
            "taken": self.taken,
            "ended": self.ended,
            "random_state_at_start": self.at_start,
        }


def dataset_state(dataset: Any) -> State:
    """A copy of the state of a dataset that keeps one, under the key ``dataset_state``."""
    return {"dataset_state": copy.deepcopy(dataset.state_dict())} if keeps_state(dataset) else {}


def load_dataset_state(dataset: Any, state: Mapping[str, Any]) -> None:
    """Set what :func:`dataset_state` returned.

    Raises:
        ValueError: the dataset keeps no state, and there is one.
    """
    if ("dataset_state" in state) != keeps_state(dataset):
        raise ValueError(
            f"the loader's state has {'a' if 'dataset_state' in state else 'no'} state of its "
            f"dataset, but this loader's {type(dataset).__name__} has "
            f"{'' if keeps_state(dataset) else 'no '}methods state_dict and load_state_dict"
        )
    if "dataset_state" in state:
        dataset.load_state_dict(state["dataset_state"])


def make_fetcher(
    dataset: Any,
    batched: bool,
    collate_fn: Callable[[Any], Any],
    drop_last: bool,
    resumed: Mapping[str, Any] | None = None,
) -> MapFetcher | IterableFetcher:
    """The fetcher for the kind of ``dataset``, from the start or from what its ``state_dict()``
    returned."""
    kind = IterableFetcher if isinstance(dataset, IterableDataset) else MapFetcher
    return kind(dataset, batched, collate_fn, drop_last, resumed)
