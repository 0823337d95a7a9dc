"""A loader that is stopped and resumed gives what the undisturbed one gives."""

from __future__ import annotations

import copy
import io
import itertools
import random

import numpy as np
import pytest

import lamella_core as core
from lamella_data import (
    BatchSampler,
    BufferedShuffleDataset,
    DataLoader,
    Dataset,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    Sampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
    get_worker_info,
)
from lamella_data.resume import random_state, set_random_state

pytestmark = [
    pytest.mark.usefixtures("nothing_left"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),
]

LENGTH = 23


class Augmented(Dataset):
    """Samples that draw from all three generators, as random augmentation does."""

    def __len__(self) -> int:
        return LENGTH

    def __getitem__(self, index):
        return index, random.random(), np.random.randn(), core.rand(()).item()


class Plain(Dataset):
    def __len__(self) -> int:
        return LENGTH

    def __getitem__(self, index):
        return index


class Stream(IterableDataset):
    """A stream without a state, in an order of its own, shared out over the workers."""

    def __init__(self, length: int = LENGTH) -> None:
        self.length = length

    def __iter__(self):
        info = get_worker_info()
        first, step = (0, 1) if info is None else (info.id, info.num_workers)
        order = list(range(first, self.length, step))
        random.shuffle(order)
        return iter(order)


class Counting(IterableDataset):
    """A stream whose position is its state."""

    def __init__(self) -> None:
        self.position = 0
        self.read = 0

    def __iter__(self):
        # Counts what this process reads.
        while self.position < LENGTH:
            self.position += 1
            self.read += 1
            yield self.position, self.read
        self.position = 0

    def state_dict(self):
        return {"position": self.position}

    def load_state_dict(self, state):
        self.position = state["position"]


class CountingIterator:
    def __init__(self) -> None:
        self.position = 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.position == LENGTH:
            raise StopIteration
        self.position += 1
        return self.position

    def state_dict(self):
        return {"position": self.position}

    def load_state_dict(self, state):
        self.position = state["position"]


class OverIterator(IterableDataset):
    def __iter__(self):
        return CountingIterator()


class Backwards(Sampler):
    """An order without a state, drawn from the default generator."""

    def __iter__(self):
        return iter(core.randperm(LENGTH).tolist())

    def __len__(self) -> int:
        return LENGTH


def generator():
    return core.Generator().manual_seed(5)


LOADERS = {
    "sequential": lambda **o: DataLoader(Plain(), 4, **o),
    "shuffled": lambda **o: DataLoader(Plain(), 4, shuffle=True, **o),
    "shuffled, drop_last": lambda **o: DataLoader(Plain(), 4, shuffle=True, drop_last=True, **o),
    "unbatched": lambda **o: DataLoader(Plain(), None, shuffle=True, **o),
    "own generator": lambda **o: DataLoader(Plain(), 4, shuffle=True, generator=generator(), **o),
    "sampler with generator": lambda **o: DataLoader(
        Plain(), 4, sampler=RandomSampler(Plain(), generator=generator()), **o
    ),
    "replacement": lambda **o: DataLoader(
        Plain(), 4, sampler=RandomSampler(Plain(), True, 75, generator()), **o
    ),
    "several permutations": lambda **o: DataLoader(
        Plain(), 4, sampler=RandomSampler(Plain(), False, 60, generator()), **o
    ),
    "subset": lambda **o: DataLoader(Plain(), 4, sampler=SubsetRandomSampler(range(17)), **o),
    "weighted": lambda **o: DataLoader(
        Plain(), 4, sampler=WeightedRandomSampler(range(1, 18), 30), **o
    ),
    "distributed": lambda **o: DataLoader(
        Plain(), 2, sampler=DistributedSampler(Plain(), 2, 1), **o
    ),
    "sampler without state": lambda **o: DataLoader(Plain(), 4, sampler=Backwards(), **o),
    "sampler of NumPy's numbers": lambda **o: DataLoader(
        Plain(), 4, sampler=np.arange(LENGTH)[::-1].copy(), **o
    ),
    "batch sampler": lambda **o: DataLoader(
        Plain(), batch_sampler=BatchSampler(RandomSampler(Plain()), 5, True), **o
    ),
    "list of batches": lambda **o: DataLoader(
        Plain(), batch_sampler=[[i, i + 1] for i in range(12)], **o
    ),
    "stream": lambda **o: DataLoader(Stream(), 3, **o),
    "unbatched stream": lambda **o: DataLoader(Stream(), None, **o),
    "stream, drop_last": lambda **o: DataLoader(Stream(), 4, drop_last=True, **o),
    "stream in a buffer": lambda **o: DataLoader(BufferedShuffleDataset(Stream(), 4), 3, **o),
    "stream with state": lambda **o: DataLoader(
        Counting(), 3, collate_fn=lambda batch: [position for position, _ in batch], **o
    ),
    "iterator with state": lambda **o: DataLoader(OverIterator(), 3, **o),
}


def plain(batch):
    if isinstance(batch, core.Tensor):
        return batch.tolist()
    return [plain(one) for one in batch] if isinstance(batch, (list, tuple)) else batch


def seed_all(seed: int) -> None:
    core.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)


def stored(state):
    """What is left of a state after it was saved and loaded, safely."""
    file = io.BytesIO()
    core.save(state, file)
    file.seek(0)
    return core.load(file)


def stop_and_resume(make, stop: int, epochs: int = 3):
    """What follows after ``stop`` batches of the second epoch, undisturbed and resumed."""

    def run(loader, epoch: int):
        seen = []
        for _ in range(epoch, epochs):
            if isinstance(loader.sampler, DistributedSampler):
                loader.sampler.set_epoch(_)
            seen.append([(plain(batch), core.rand(()).item()) for batch in loader])
        return seen, core.randint(2**31, ()).item()

    seed_all(3)
    loader = make()
    list(loader)
    if isinstance(loader.sampler, DistributedSampler):
        loader.sampler.set_epoch(1)
    state = state_of_python = state_of_core = None
    rest = []
    for number, batch in enumerate(loader, start=1):
        draw = core.rand(()).item()
        if number > stop:
            rest.append((plain(batch), draw))
        if number == stop:
            state = loader.state_dict()
            state_of_python, state_of_core = random.getstate(), core.get_rng_state()
    undisturbed = [rest, run(loader, 2)]

    seed_all(99)
    resumed = make()
    resumed.load_state_dict(stored(state))
    random.setstate(state_of_python)
    if loader.generator is not None:
        core.set_rng_state(state_of_core)
    if isinstance(resumed.sampler, DistributedSampler):
        resumed.sampler.set_epoch(1)
    rest = [(plain(batch), core.rand(()).item()) for batch in resumed]
    return undisturbed, [rest, run(resumed, 2)]


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("name", LOADERS)
def test_the_rest_of_the_epoch_follows_and_the_next_epochs(name, num_workers) -> None:
    undisturbed, resumed = stop_and_resume(lambda: LOADERS[name](num_workers=num_workers), 3)
    assert undisturbed[0]
    assert resumed == undisturbed


@pytest.mark.parametrize("options", [{}, {"persistent_workers": True}], ids=str)
@pytest.mark.parametrize("stop", [1, 5, 6])
def test_draws_in_workers_follow_too(options, stop) -> None:
    def make():
        return DataLoader(Augmented(), 4, shuffle=True, num_workers=2, **options)

    undisturbed, resumed = stop_and_resume(make, stop)
    assert resumed == undisturbed


def test_streams_of_unequal_length_end_in_the_same_order() -> None:
    def make():
        return DataLoader(
            Stream(), 2, num_workers=3, worker_init_fn=shorten, persistent_workers=True
        )

    for stop in (2, 4, 6, 7):
        undisturbed, resumed = stop_and_resume(make, stop)
        assert resumed == undisturbed


def shorten(worker_id: int) -> None:
    if worker_id == 1:
        get_worker_info().dataset.length = 5


@pytest.mark.parametrize("dataset", [Plain(), Stream(), Counting()], ids=["map", "stream", "state"])
def test_without_order_the_remaining_samples_come_once(dataset) -> None:
    def first(sample):
        return sample[0] if isinstance(sample, tuple) else sample

    def make():
        return DataLoader(dataset, None, num_workers=2, in_order=False, collate_fn=first)

    whole = sorted(make())

    loader = make()
    iterator = iter(loader)
    seen = [next(iterator) for _ in range(9)]
    state = stored(loader.state_dict())
    other = make()
    other.load_state_dict(state)
    assert sorted(seen + list(other)) == whole


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_loop_that_was_left_is_resumed(num_workers) -> None:
    def make():
        return DataLoader(Plain(), 4, shuffle=True, num_workers=num_workers)

    core.manual_seed(1)
    whole = [batch.tolist() for batch in make()]
    core.manual_seed(1)
    loader = make()
    for _ in itertools.islice(loader, 2):
        pass
    other = make()
    other.load_state_dict(stored(loader.state_dict()))
    assert [batch.tolist() for batch in other] == whole[2:]


def test_a_running_loader_can_go_back() -> None:
    loader = DataLoader(Plain(), 4, shuffle=True, num_workers=2, persistent_workers=True)
    iterator = iter(loader)
    next(iterator)
    state = loader.state_dict()
    rest = [batch.tolist() for batch in iterator]
    following = [batch.tolist() for batch in loader]
    loader.load_state_dict(state)
    assert [batch.tolist() for batch in loader] == rest
    assert [batch.tolist() for batch in loader] == following


def test_a_copy_of_a_loader_has_no_iteration_in_progress() -> None:
    loader = DataLoader(Plain(), 4, num_workers=1)
    iterator = iter(loader)
    next(iterator)
    clone = copy.deepcopy(loader)
    assert clone.state_dict()["epoch"] is None
    assert len(list(clone)) == 6


@pytest.mark.parametrize("num_workers", [0, 2])
def test_between_epochs(num_workers) -> None:
    def make():
        return DataLoader(Plain(), 4, shuffle=True, num_workers=num_workers)

    core.manual_seed(1)
    loader = make()
    list(loader)
    state = stored(loader.state_dict())
    following = [batch.tolist() for batch in loader]
    core.manual_seed(2)
    other = make()
    other.load_state_dict(state)
    assert [batch.tolist() for batch in other] == following


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_resumed_loader_can_be_stopped_again(num_workers) -> None:
    def make():
        return DataLoader(Plain(), 2, shuffle=True, num_workers=num_workers)

    core.manual_seed(1)
    whole = [batch.tolist() for batch in make()]
    core.manual_seed(1)
    seen = []
    loader = make()
    while len(seen) < len(whole):
        iterator = iter(loader)
        seen += [next(iterator).tolist() for _ in range(min(5, len(whole) - len(seen)))]
        state = stored(loader.state_dict())
        loader = make()
        loader.load_state_dict(state)
        # Told again before it is used, it says the same.
        state = stored(loader.state_dict())
        loader = make()
        loader.load_state_dict(state)
    assert seen == whole
    assert list(loader) == []


@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_dataset_with_a_state_is_not_read_again(num_workers) -> None:
    loader = DataLoader(Counting(), None, num_workers=num_workers)
    iterator = iter(loader)
    assert [next(iterator) for _ in range(3)] == [[1, 1], [2, 2], [3, 3]]
    state = stored(loader.state_dict())
    other = DataLoader(Counting(), None, num_workers=num_workers)
    other.load_state_dict(state)
    assert next(iter(other)) == [4, 1]


BAD_STATES = [
    (3, TypeError, "expects the dict that state_dict"),
    ({}, ValueError, "no state of a DataLoader: it lacks"),
    (DataLoader(Plain(), 4, num_workers=1).state_dict(), ValueError, "num_workers=1, this one"),
    (DataLoader(Plain(), 3).state_dict(), ValueError, "batch_size=3, this one has batch_size=4"),
    (DataLoader(range(7), 4).state_dict(), ValueError, "of length 7, this one's is 23"),
    (DataLoader(Plain(), batch_sampler=[[1]]).state_dict(), ValueError, "does not keep a state"),
    (
        DataLoader(Plain(), 4, sampler=RandomSampler(Plain(), generator=generator())).state_dict(),
        ValueError,
        "with a generator of its own",
    ),
]


@pytest.mark.parametrize(("state", "error", "message"), BAD_STATES)
def test_states_of_other_loaders_are_refused(state, error, message) -> None:
    with pytest.raises(error, match=message):
        DataLoader(Plain(), 4).load_state_dict(state)


class Stateless(IterableDataset):
    def __iter__(self):
        return iter(range(3))


def test_a_state_of_another_dataset_is_refused() -> None:
    other = DataLoader(Counting())
    with pytest.raises(ValueError, match="Stateless has no methods state_dict"):
        DataLoader(Stateless()).load_state_dict(other.state_dict())
    iterator = iter(other)
    next(iterator)
    loader = DataLoader(Stateless())
    loader.load_state_dict(other.state_dict())
    with pytest.raises(ValueError, match="Stateless has no methods state_dict"):
        iter(loader)


class Secretive(Plain):
    def state_dict(self):
        raise ValueError("the state is a secret")

    def load_state_dict(self, state):
        raise ValueError("no state can be loaded")


def test_errors_of_a_datasets_state_carry_the_workers_traceback() -> None:
    loader = DataLoader(Secretive(), num_workers=1)
    iterator = iter(loader)
    next(iterator)
    with pytest.raises(ValueError, match=r"(?s)worker process 0.*the state is a secret"):
        loader.state_dict()


def test_a_loader_whose_workers_died_has_no_state() -> None:
    loader = DataLoader(Plain(), num_workers=1, timeout=20)
    iterator = iter(loader)
    next(iterator)
    iterator._pool._processes[0].kill()
    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        list(iterator)
    with pytest.raises(RuntimeError, match="workers are gone"):
        loader.state_dict()


class Doubled(RandomSampler):
    """Inherits a state that says nothing about its order."""

    def __iter__(self):
        return iter([2 * index % LENGTH for index in core.randperm(LENGTH).tolist()])


def test_an_inherited_state_is_not_trusted() -> None:
    def make():
        return DataLoader(Plain(), 4, sampler=Doubled(Plain()))

    undisturbed, resumed = stop_and_resume(make, 3)
    assert resumed == undisturbed


@pytest.mark.parametrize("kind", [np.random.MT19937, np.random.PCG64, np.random.Philox])
def test_the_random_state_is_plain_and_whole(kind) -> None:
    def draws():
        return random.gauss(0, 1), np.random.randn(), core.randn(1).item()

    usual = np.random.get_bit_generator()
    try:
        np.random.set_bit_generator(kind(3))
        # Each keeps half of a pair of normal numbers for later.
        draws()
        state = stored(random_state())
        expected = [draws() for _ in range(5)]
        assert [draws() for _ in range(5)] != expected
        set_random_state(state)
        assert [draws() for _ in range(5)] == expected
    finally:
        np.random.set_bit_generator(usual)
