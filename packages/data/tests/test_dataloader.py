from __future__ import annotations

import multiprocessing

import numpy as np
import pytest

import lamella_core as core
from lamella_data import DataLoader, Dataset, IterableDataset, TensorDataset

pytestmark = pytest.mark.usefixtures("nothing_left")


class Keys(Dataset):
    def __init__(self, length: int = 10) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index):
        return index


class Stream(IterableDataset):
    def __init__(self, length: int = 3) -> None:
        self.length = length

    def __iter__(self):
        return iter(range(5))

    def __len__(self) -> int:
        return self.length


class Images(Dataset):
    def __len__(self) -> int:
        return 6

    def __getitem__(self, index):
        return np.full((3, 64, 64), index, np.float32), index


BAD_OPTIONS = [
    ({"num_workers": -1}, "num_workers option should be non-negative"),
    ({"timeout": -1}, "timeout option should be non-negative"),
    ({"prefetch_factor": 2}, "prefetch_factor option could only be specified"),
    ({"num_workers": 1, "prefetch_factor": -1}, "prefetch_factor option should be non-negative"),
    ({"persistent_workers": True}, "persistent_workers option needs num_workers > 0"),
    ({"shuffle": True, "sampler": [1]}, "sampler option is mutually exclusive with shuffle"),
    ({"batch_sampler": [[1]], "batch_size": 2}, "batch_sampler option is mutually exclusive"),
    ({"batch_sampler": [[1]], "shuffle": True}, "batch_sampler option is mutually exclusive"),
    ({"batch_sampler": [[1]], "sampler": [1]}, "batch_sampler option is mutually exclusive"),
    ({"batch_sampler": [[1]], "drop_last": True}, "batch_sampler option is mutually exclusive"),
    ({"batch_size": None, "drop_last": True}, "disables auto-batching"),
    ({"batch_size": 0}, "batch_size should be a positive integer value, but got batch_size=0"),
    ({"batch_size": 1.5}, "but got batch_size=1.5"),
    ({"multiprocessing_context": "fork"}, "but got num_workers=0"),
    ({"num_workers": 1, "multiprocessing_context": "bad"}, "valid start method"),
]


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS, ids=str)
def test_bad_options(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        DataLoader(Keys(), **options)


@pytest.mark.parametrize(
    "options", [{"shuffle": True}, {"sampler": [1]}, {"batch_sampler": [[1]]}], ids=str
)
def test_a_stream_has_its_own_order(options) -> None:
    with pytest.raises(ValueError, match=f"expected unspecified {next(iter(options))} option"):
        DataLoader(Stream(), **options)


def test_context_of_another_type() -> None:
    with pytest.raises(TypeError, match="multiprocessing_context option should be a valid"):
        DataLoader(Keys(), num_workers=1, multiprocessing_context=3)


def test_a_timeout_needs_workers() -> None:
    with pytest.raises(AssertionError, match="requires timeout == 0, got timeout=3"):
        iter(DataLoader(Keys(), timeout=3))


def test_what_decides_the_order_is_fixed() -> None:
    loader = DataLoader(Keys())
    for name in ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset"):
        with pytest.raises(ValueError, match=f"{name} attribute should not be set"):
            setattr(loader, name, None)
    loader.timeout = 3


def test_too_many_workers_are_advised_against() -> None:
    with pytest.warns(UserWarning, match="1000 worker processes"):
        DataLoader(Keys(), num_workers=1000)


# Recorded from PyTorch 2.13: torch.manual_seed(3), DataLoader(range(10) dataset, batch_size=4,
# shuffle=True), two epochs; then torch.randint(1000, ()). The same for 0 and 2 workers.
SHUFFLED = [
    [[6, 2, 0, 1], [8, 3, 5, 4], [7, 9]],
    [[3, 4, 0, 9], [6, 7, 1, 2], [5, 8]],
]
AFTER = 981


@pytest.mark.parametrize("num_workers", [0, 2])
def test_order_is_pytorchs(num_workers) -> None:
    core.manual_seed(3)
    loader = DataLoader(Keys(), batch_size=4, shuffle=True, num_workers=num_workers)
    assert [[batch.tolist() for batch in loader] for _ in range(2)] == SHUFFLED
    assert core.randint(1000, ()).item() == AFTER


@pytest.mark.parametrize("num_workers", [0, 2])
def test_options_that_shape_batches(num_workers) -> None:
    def load(dataset, **options):
        return list(DataLoader(dataset, num_workers=num_workers, **options))

    assert load(Keys(3), batch_size=None) == [0, 1, 2]
    assert [batch.tolist() for batch in load(Keys(5), batch_size=2)] == [[0, 1], [2, 3], [4]]
    assert [batch.tolist() for batch in load(Keys(5), batch_size=2, drop_last=True)] == [
        [0, 1],
        [2, 3],
    ]
    assert [batch.tolist() for batch in load(Keys(), batch_sampler=[[7, 1], [2]])] == [[7, 1], [2]]
    assert load(Keys(3), sampler="ab", collate_fn=list, batch_size=2) == [["a", "b"]]
    assert load(Keys(0)) == []


@pytest.mark.parametrize("num_workers", [0, 2])
def test_batches_of_tensors(num_workers) -> None:
    images, labels = zip(*DataLoader(Images(), 4, num_workers=num_workers), strict=True)
    assert [tuple(batch.shape) for batch in images] == [(4, 3, 64, 64), (2, 3, 64, 64)]
    assert [batch[:, 0, 5, 5].tolist() for batch in images] == [[0, 1, 2, 3], [4, 5]]
    assert [batch.tolist() for batch in labels] == [[0, 1, 2, 3], [4, 5]]


def test_length() -> None:
    assert len(DataLoader(Keys(10), 4)) == 3
    assert len(DataLoader(Keys(10), 4, drop_last=True)) == 2
    assert len(DataLoader(Keys(10), batch_size=None)) == 10
    assert len(DataLoader(Stream(5), 2)) == 3
    assert len(DataLoader(Stream(5), 2, drop_last=True)) == 2
    assert len(iter(DataLoader(Keys(10), 4))) == 3


@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_stream_longer_than_it_said(num_workers) -> None:
    loader = DataLoader(Stream(4), batch_size=None, num_workers=num_workers)
    assert list(iter(loader)) == [0, 1, 2, 3, 4]
    len(loader)
    with pytest.warns(UserWarning, match="reported to be 4.*but 5 samples"):
        list(loader)


def test_prefetching_is_bounded() -> None:
    asked = []

    def order():
        for index in range(100):
            asked.append(index)
            yield index

    iterator = iter(
        DataLoader(Keys(100), batch_size=None, sampler=order(), num_workers=2, prefetch_factor=3)
    )
    assert len(asked) == 6
    next(iterator)
    assert len(asked) == 7


def test_persistent_workers_stay() -> None:
    loader = DataLoader(Keys(), 4, num_workers=2, persistent_workers=True)
    first = [batch.tolist() for batch in loader]
    pids = {child.pid for child in multiprocessing.active_children()}
    assert len(pids) == 2
    iterator = iter(loader)
    next(iterator)
    # The abandoned half of an epoch does not leak into the next one.
    assert [batch.tolist() for batch in loader] == first
    assert {child.pid for child in multiprocessing.active_children()} == pids


def test_persistent_workers_iterate_streams_anew() -> None:
    loader = DataLoader(Stream(5), batch_size=None, num_workers=1, persistent_workers=True)
    assert [list(loader), list(loader)] == [[0, 1, 2, 3, 4]] * 2


def test_without_order_every_batch_comes_once() -> None:
    loader = DataLoader(Keys(50), batch_size=None, num_workers=2, in_order=False)
    assert sorted(loader) == list(range(50))


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_other_start_methods(method) -> None:
    dataset = TensorDataset(core.arange(6), core.arange(12).reshape(6, 2))
    loader = DataLoader(dataset, 4, num_workers=1, multiprocessing_context=method)
    assert loader.multiprocessing_context.get_start_method() == method
    assert [x.tolist() for x, _ in loader] == [[0, 1, 2, 3], [4, 5]]


def test_two_loaders_at_once() -> None:
    first = DataLoader(Keys(6), batch_size=None, num_workers=1)
    second = DataLoader(Keys(6), batch_size=None, num_workers=1)
    assert list(zip(first, second, strict=True)) == [(i, i) for i in range(6)]
