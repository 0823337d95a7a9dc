from __future__ import annotations

import pytest

import lamella_core as core
from lamella_data import Dataset, IterableDataset, Subset, TensorDataset, default_collate
from lamella_data.collate import default_collate_fn_map
from lamella_data.fetch import IterableFetcher, MapFetcher, make_fetcher


class Counting(TensorDataset):
    gathered = 0

    def collated(self, indices):
        self.gathered += 1
        return super().collated(indices)


def test_batches_are_gathered_where_collation_is_the_default() -> None:
    dataset = Counting(core.arange(5), core.arange(10).reshape(5, 2))
    batch = MapFetcher(dataset, True, default_collate, False).fetch([3, 0])
    assert dataset.gathered == 1
    assert isinstance(batch, list)
    assert [part.tolist() for part in batch] == [[3, 0], [[6, 7], [0, 1]]]
    MapFetcher(Subset(dataset, [4, 2]), True, default_collate, False).fetch([1])
    assert dataset.gathered == 2


def test_another_collation_sees_samples() -> None:
    dataset = Counting(core.arange(5))
    assert MapFetcher(dataset, True, len, False).fetch([3, 0]) == 2
    assert dataset.gathered == 0


def test_a_changed_map_is_honoured() -> None:
    dataset = Counting(core.arange(5))
    stack = default_collate_fn_map[core.Tensor]
    default_collate_fn_map[core.Tensor] = lambda batch, *, collate_fn_map=None: "changed"
    try:
        assert MapFetcher(dataset, True, default_collate, False).fetch([0]) == ["changed"]
    finally:
        default_collate_fn_map[core.Tensor] = stack


def test_gathered_and_collated_batches_are_equal() -> None:
    dataset = TensorDataset(core.arange(12).reshape(6, 2), core.arange(6))
    gathered = dataset.collated([5, -1, 0])
    collated = default_collate([dataset[i] for i in (5, -1, 0)])
    assert [part.tolist() for part in gathered] == [part.tolist() for part in collated]
    assert dataset.collated([True, False]) is NotImplemented


def test_getitems() -> None:
    class Batches(Dataset):
        def __getitems__(self, keys):
            return [key * 10 for key in keys]

        def __getitem__(self, key):
            return key

    assert MapFetcher(Batches(), True, list, False).fetch([1, 2]) == [10, 20]
    assert MapFetcher(Batches(), False, int, False).fetch(3) == 3


class Stream(IterableDataset):
    def __iter__(self):
        return iter(range(5))


@pytest.mark.parametrize(("drop_last", "last"), [(False, [4]), (True, None)])
def test_streams(drop_last, last) -> None:
    fetcher = make_fetcher(Stream(), True, list, drop_last)
    assert isinstance(fetcher, IterableFetcher)
    assert fetcher.fetch([None] * 2) == [0, 1]
    assert fetcher.fetch([None] * 2) == [2, 3]
    if last is not None:
        assert fetcher.fetch([None] * 2) == last
    with pytest.raises(StopIteration):
        fetcher.fetch([None] * 2)
