"""The sampler that gives each process of a distributed run its share of the dataset."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from lamella_core import Generator, randperm
from lamella_data.resume import State, check_state
from lamella_data.sampler import _BlockSampler


class DistributedSampler(_BlockSampler):
    """Every ``num_replicas``-th index of the dataset, from the ``rank``-th on.

    With ``shuffle`` the order is a permutation that depends on ``seed`` plus the epoch alone, so
    that all processes draw the same one. Call :meth:`set_epoch` before each epoch, or every epoch
    has the same order. All processes get the same number of indices: the first ones are repeated
    at the end, or, with ``drop_last``, the last ones are left out.

    Args:
        dataset: what to sample from; anything with a length.
        num_replicas: number of processes.
        rank: number of this process, from 0.
        shuffle: whether to draw a new order for each epoch.
        seed: seed of the order, the same in all processes.
        drop_last: whether to leave out indices rather than to repeat some.

    Raises:
        ValueError: ``num_replicas`` or ``rank`` is None, which asks for the process group, or
            ``rank`` is outside ``[0, num_replicas - 1]``.
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            missing = "num_replicas" if num_replicas is None else "rank"
            raise ValueError(
                f"Default process group has not been initialized: DistributedSampler without "
                f"{missing} asks it, and lamella has none yet, so pass num_replicas and rank"
            )
        if rank >= num_replicas or rank < 0:
            raise ValueError(
                f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]"
            )
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        share = len(dataset) / num_replicas
        self.num_samples = math.floor(share) if drop_last else math.ceil(share)
        self.total_size = self.num_samples * num_replicas
        self.shuffle = shuffle
        self.seed = seed

    _lazy = False

    def _source(self) -> None:
        return None

    def _draw(self, number: int, source: Any) -> Iterable[int] | None:
        if number:
            return None
        count = len(self.dataset)
        if self.shuffle:
            generator = Generator().manual_seed(self.seed + self.epoch)
            order = randperm(count, generator=generator).tolist()
        else:
            order = list(range(count))
        if len(order) < self.total_size:
            order *= math.ceil(self.total_size / count)
        return order[self.rank : self.total_size : self.num_replicas]

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next iteration."""
        self.epoch = epoch

    def state_dict(self) -> State:
        """The epoch, and how far into it the iteration that was started last is."""
        return {**super().state_dict(), "epoch": self.epoch}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Let the next iteration go on where ``state_dict()`` was called, in the same epoch."""
        check_state(state_dict, self, ("epoch",))
        super().load_state_dict(state_dict)
        self.epoch = state_dict["epoch"]
