"""Fetching: from a list of indices, or the next few of a stream, to one batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamella_data.collate import default_collate, is_plain_stack
from lamella_data.dataset import IterableDataset, collated_of, samples_at


class MapFetcher:
    """Fetches from a map-style dataset.

    Args:
        dataset: the dataset.
        batched: whether an index is a list of keys, or a single key.
        collate_fn: from samples to a batch (from a sample to the result, where not batched).
        drop_last: not used here; a short batch is the batch sampler's affair.
    """

    def __init__(
        self, dataset: Any, batched: bool, collate_fn: Callable[[Any], Any], drop_last: bool
    ) -> None:
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


class IterableFetcher:
    """Fetches from an iterable dataset: the index only says how many samples to take.

    Args:
        dataset: the dataset.
        batched: whether to take a list of samples, or a single one.
        collate_fn: from samples to a batch (from a sample to the result, where not batched).
        drop_last: whether a shorter batch at the end is left out.
    """

    def __init__(
        self, dataset: Any, batched: bool, collate_fn: Callable[[Any], Any], drop_last: bool
    ) -> None:
        self.stream = iter(dataset)
        self.batched = batched
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.ended = False

    def fetch(self, index: Any) -> Any:
        """The next batch, or sample. Raises StopIteration at the end of the stream."""
        if self.ended:
            raise StopIteration
        if not self.batched:
            return self.collate_fn(next(self.stream))
        samples: list[Any] = []
        for _ in index:
            try:
                samples.append(next(self.stream))
            except StopIteration:
                self.ended = True
                break
        if not samples or (self.drop_last and len(samples) < len(index)):
            raise StopIteration
        return self.collate_fn(samples)


def make_fetcher(
    dataset: Any, batched: bool, collate_fn: Callable[[Any], Any], drop_last: bool
) -> MapFetcher | IterableFetcher:
    """The fetcher for the kind of ``dataset``."""
    kind = IterableFetcher if isinstance(dataset, IterableDataset) else MapFetcher
    return kind(dataset, batched, collate_fn, drop_last)
