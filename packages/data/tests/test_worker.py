from __future__ import annotations

import random
import time

import numpy as np
import pytest

import lamella_core as core
from lamella_data import DataLoader, Dataset, IterableDataset, get_worker_info
from lamella_data.worker import seed_worker

pytestmark = pytest.mark.usefixtures("nothing_left")


class Draws(Dataset):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index):
        info = get_worker_info()
        return [index, info.seed, core.initial_seed(), random.random(), np.random.rand()]


# Recorded from PyTorch 2.13: torch.manual_seed(7), then the same loader with two workers.
DRAWN = [
    [0, 1407639518939636932, 1407639518939636932, 0.9290632898373887, 0.03541536592796235],
    [1, 1407639518939636933, 1407639518939636933, 0.5574193789609411, 0.240715442815568],
    [2, 1407639518939636932, 1407639518939636932, 0.10243784940911504, 0.2915959425421556],
    [3, 1407639518939636933, 1407639518939636933, 0.46183154346070987, 0.9137194064224758],
]


def test_seeds_are_pytorchs() -> None:
    core.manual_seed(7)
    assert list(DataLoader(Draws(), batch_size=None, num_workers=2)) == DRAWN


def test_seed_worker_covers_all_generators() -> None:
    state, numpy_state = random.getstate(), np.random.get_state()
    try:
        assert seed_worker(1407639518939636932, 1) == DRAWN[1][1]
        assert core.initial_seed() == DRAWN[1][1]
        assert random.random() == DRAWN[1][3]
        assert np.random.rand() == DRAWN[1][4]
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)


def test_there_is_no_info_outside_a_worker() -> None:
    assert get_worker_info() is None


class Shares(IterableDataset):
    def __init__(self, stop: int) -> None:
        self.stop = stop

    def __iter__(self):
        info = get_worker_info()
        return iter(range(info.id, self.stop, info.num_workers))


def shrink(worker_id: int) -> None:
    if worker_id == 1:
        get_worker_info().dataset.stop = 4


def test_streams_are_shared_out() -> None:
    loader = DataLoader(Shares(7), batch_size=None, num_workers=2)
    assert list(loader) == list(range(7))


# Recorded from PyTorch 2.13.
def test_batches_of_unequal_shares() -> None:
    def batches(**options):
        loader = DataLoader(Shares(7), 2, num_workers=2, worker_init_fn=shrink, **options)
        return [batch.tolist() for batch in loader]

    assert batches() == [[0, 2], [1, 3], [4, 6]]
    assert batches(drop_last=True) == [[0, 2], [1, 3], [4, 6]]


def test_init_function_errors_reach_the_loop() -> None:
    def fail(worker_id: int) -> None:
        raise ValueError(f"no resource for {worker_id}")

    with pytest.raises(ValueError, match="no resource for 0"):
        list(DataLoader(range(3), num_workers=1, worker_init_fn=fail))


class Fussy(Dataset):
    epoch = 0

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index):
        return index

    def set_epoch(self, epoch: int) -> None:
        if epoch == 1:
            raise ValueError("not this epoch")
        self.epoch = epoch


def test_errors_of_set_epoch_reach_the_loop() -> None:
    loader = DataLoader(Fussy(), None, num_workers=1, persistent_workers=True)
    assert list(loader) == [0, 1]
    loader.dataset.epoch = 1
    with pytest.raises(ValueError, match=r"(?s)worker process 0.*not this epoch"):
        list(loader)


def test_the_state_does_not_wait_for_slow_workers() -> None:
    def dawdle(worker_id: int) -> None:
        time.sleep(2)

    loader = DataLoader(range(8), num_workers=1, worker_init_fn=dawdle)
    iterator = iter(loader)
    start = time.monotonic()
    state = loader.state_dict()
    assert time.monotonic() - start < 1.5
    other = DataLoader(range(8), num_workers=1)
    other.load_state_dict(state)
    assert [batch.item() for batch in other] == list(range(8))
    del iterator
