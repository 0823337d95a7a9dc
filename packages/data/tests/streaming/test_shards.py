from __future__ import annotations

import io
import itertools
import operator
import os
import random

import numpy as np
import pytest

import lamella_core as core
from lamella_data import DataLoader, get_worker_info
from lamella_data.streaming import CorruptShardError, ShardDataset, TarDataset

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")


# A function of this module could not be pickled for a spawned worker.
number = operator.itemgetter("cls")


def numbers(dataset, **options) -> list[int]:
    return list(DataLoader(dataset, None, **options))


def test_every_sample_comes_once_in_the_shards_order(shards) -> None:
    assert [sample["cls"] for sample in TarDataset(shards)] == list(range(50))


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("ranks", [1, 2])
def test_ranks_and_workers_share_the_shards(shards, ranks, num_workers, shuffle) -> None:
    shares = [
        numbers(
            TarDataset(shards, num_replicas=ranks, rank=rank, shuffle=shuffle, transform=number),
            num_workers=num_workers,
        )
        for rank in range(ranks)
    ]
    assert sorted(itertools.chain(*shares)) == list(range(50))
    assert all(shares)


def test_more_readers_than_shards_are_warned_of(shards) -> None:
    with pytest.warns(UserWarning, match="rank 5 has nothing to read: there are 5 shards for 6"):
        assert list(TarDataset(shards, num_replicas=6, rank=5)) == []


def test_the_order_depends_on_seed_and_epoch(shards) -> None:
    def order(seed: int, epoch: int, **options) -> list[int]:
        dataset = TarDataset(shards, shuffle=True, seed=seed, transform=number, **options)
        dataset.set_epoch(epoch)
        return list(dataset)

    orders = [order(0, 0), order(1, 0), order(0, 1), order(1, 1)]
    assert all(sorted(one) == list(range(50)) for one in orders)
    assert len({tuple(one) for one in orders}) == 4
    assert order(0, 1) == orders[2]
    # With a buffer of one the shards alone are shuffled.
    blocks = order(0, 0, buffer_size=1)
    assert blocks != list(range(50))
    assert [one % 10 for one in blocks] == 5 * list(range(10))


def test_every_sample_is_as_likely_to_come_first(shards) -> None:
    firsts = [
        next(iter(TarDataset(shards, shuffle=True, seed=seed, transform=number)))
        for seed in range(400)
    ]
    counts = np.bincount(firsts, minlength=50)
    # Chi-squared with 49 degrees of freedom is above 98 once in 25,000 times.
    assert ((counts - 8) ** 2 / 8).sum() < 98


def test_persistent_workers_hear_of_the_epoch(shards) -> None:
    def make():
        return TarDataset(shards, shuffle=True, transform=number)

    dataset = make()
    loader = DataLoader(dataset, None, num_workers=2, persistent_workers=True)
    orders = []
    for epoch in range(2):
        dataset.set_epoch(epoch)
        orders.append(list(loader))
    fresh = make()
    fresh.set_epoch(1)
    assert orders[0] != orders[1]
    assert numbers(fresh, num_workers=2) == orders[1]


@pytest.mark.parametrize("options", [{}, {"shuffle": True, "buffer_size": 7}], ids=str)
@pytest.mark.parametrize("stop", [0, 1, 9, 10, 33, 47, 50])
def test_resuming_goes_on_exactly(shards, options, stop) -> None:
    def make():
        return TarDataset(shards, seed=3, **options)

    dataset = make()
    stream = iter(dataset)
    for _ in range(stop):
        next(stream)
    state = dataset.state_dict()
    undisturbed = [list(stream), list(dataset)]
    resumed = make()
    resumed.load_state_dict(state)
    assert [list(resumed), list(resumed)] == undisturbed


def test_draws_that_span_blocks_are_resumed(tmp_path, write_tar) -> None:
    write_tar(tmp_path / "a.tar", {f"{i}.cls": b"%d" % i for i in range(1500)})

    def make():
        return TarDataset(f"{tmp_path}/a.tar", shuffle=True, buffer_size=30, transform=number)

    dataset = make()
    stream = iter(dataset)
    for _ in range(1100):
        next(stream)
    resumed = make()
    resumed.load_state_dict(dataset.state_dict())
    assert list(resumed) == list(stream)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_loader_over_shards_is_resumed(shards, num_workers) -> None:
    def noisy(sample):
        return sample["cls"], random.random() if get_worker_info() else 0

    def make():
        dataset = TarDataset(shards, shuffle=True, buffer_size=6, transform=noisy)
        return DataLoader(dataset, 4, num_workers=num_workers)

    def plain(batches):
        return [[part.tolist() for part in batch] for batch in batches]

    core.manual_seed(0)
    loader = make()
    iterator = iter(loader)
    seen = [next(iterator) for _ in range(5)]
    file = io.BytesIO()
    core.save(loader.state_dict(), file)
    rest = plain(iterator)
    following = plain(loader)
    file.seek(0)
    resumed = make()
    resumed.load_state_dict(core.load(file))
    assert plain(resumed) == rest
    assert plain(resumed) == following
    indices = [index for batch in [*plain(seen), *rest] for index in batch[0]]
    assert sorted(indices) == list(range(50))


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_loader_is_resumed_between_epochs(shards, num_workers) -> None:
    def make():
        dataset = TarDataset(shards, shuffle=True, transform=number)
        return DataLoader(dataset, None, num_workers=num_workers)

    loader = make()
    loader.dataset.set_epoch(3)
    list(loader)
    resumed = make()
    resumed.load_state_dict(loader.state_dict())
    loader.dataset.set_epoch(4)
    resumed.dataset.set_epoch(4)
    assert list(resumed) == list(loader)


def test_states_of_others_are_refused(shards) -> None:
    dataset = TarDataset(shards)
    stream = iter(dataset)
    next(stream)
    state = dataset.state_dict()
    with pytest.raises(ValueError, match="over 5 shards, this one has 2"):
        TarDataset(shards.replace("004", "001")).load_state_dict(state)
    with pytest.raises(ValueError, match="no state of a TarDataset"):
        TarDataset(shards).load_state_dict({})
    other = TarDataset(shards, num_replicas=2, rank=1)
    other.load_state_dict(state)
    with pytest.raises(ValueError, match=r"the state is of the share .*'num_replicas': 1"):
        iter(other)
    shuffled = TarDataset(shards, shuffle=True)
    next(iter(shuffled))
    other = TarDataset(shards)
    other.load_state_dict(shuffled.state_dict())
    with pytest.raises(ValueError, match="shuffle and buffer_size must be what they were"):
        iter(other)


def test_errors_of_transform_say_where(shards) -> None:
    def fail(sample):
        raise KeyError("no label")

    with pytest.raises(KeyError) as info:
        next(iter(TarDataset(shards, transform=fail)))
    assert "part-000.tar" in info.value.__notes__[0]


@pytest.fixture
def with_damage(shards, tmp_path) -> str:
    """The archives, of which the one of 10 to 19 is cut after 13, which may lack files then."""
    path = tmp_path / "part-001.tar"
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"00014.cls")])
    return shards


@pytest.mark.parametrize("num_workers", [0, 2])
def test_corrupt_shards_are_an_error(with_damage, num_workers) -> None:
    with pytest.raises(CorruptShardError, match=r"part-001\.tar at byte \d+") as info:
        numbers(TarDataset(with_damage, transform=number), num_workers=num_workers)
    # The error of a worker has them too.
    assert info.value.url.endswith("part-001.tar")
    assert info.value.offset == os.path.getsize(info.value.url)


@pytest.mark.parametrize("context", [None, "fork", "spawn"])
def test_skipping_them_is_asked_for_and_counted(with_damage, context) -> None:
    dataset = TarDataset(with_damage, transform=number, skip_corrupt=True)
    if context is None:
        with pytest.warns(UserWarning, match="the rest of a shard is left out"):
            found = numbers(dataset)
    else:
        found = numbers(dataset, num_workers=2, multiprocessing_context=context)
    assert sorted(found) == [*range(13), *range(20, 50)]
    assert [skipped.url[-12:] for skipped in dataset.skipped] == ["part-001.tar"]
    assert "corrupt shard" in dataset.skipped[0].reason


BAD_OPTIONS = [
    ({"buffer_size": 0}, "buffer_size should be at least 1, but got buffer_size=0"),
    ({"seed": -1}, "seed should be at least 0"),
    ({"retries": -1}, "retries should be at least 0"),
    ({"backoff": -0.5}, "backoff should be at least 0"),
    ({"num_replicas": 0}, "num_replicas should be at least 1"),
    ({"num_replicas": 2, "rank": 2}, r"Invalid rank 2, rank should be in the interval \[0, 1\]"),
]


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS, ids=str)
def test_bad_options(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        TarDataset("a.tar", **options)


def test_no_shard() -> None:
    with pytest.raises(ValueError, match="urls should name at least one shard, got none"):
        TarDataset([])


def test_the_base_class_reads_nothing(shards) -> None:
    with pytest.raises(NotImplementedError, match="has no reader"):
        list(ShardDataset(shards))
