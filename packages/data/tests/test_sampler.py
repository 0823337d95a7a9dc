from __future__ import annotations

import pytest

import lamella_core as core
from lamella_data import (
    BatchSampler,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)


def seeded(seed: int = 3) -> core.Generator:
    return core.Generator().manual_seed(seed)


def test_sequential() -> None:
    assert list(SequentialSampler("abc")) == [0, 1, 2]
    assert len(SequentialSampler("abc")) == 3


# Recorded from PyTorch 2.13: list(RandomSampler(range(10), replacement, num_samples,
# torch.Generator().manual_seed(3))), then torch.randint(1000, ()) from the same generator.
@pytest.mark.parametrize(
    ("replacement", "num_samples", "indices", "after"),
    [
        (False, None, [6, 0, 3, 7, 8, 5, 1, 9, 2, 4], 840),
        (True, None, [6, 8, 7, 7, 0, 0, 0, 5, 1, 9], 514),
        (
            False,
            25,
            [6, 0, 3, 7, 8, 5, 1, 9, 2, 4, 9, 8, 5, 3, 0, 6, 7, 2, 1, 4, 0, 9, 6, 1, 7],
            714,
        ),
        (
            True,
            25,
            [6, 8, 7, 7, 0, 0, 0, 5, 1, 9, 4, 1, 5, 9, 6, 9, 5, 4, 0, 4, 6, 9, 1, 6, 2],
            218,
        ),
        (False, 20, [6, 0, 3, 7, 8, 5, 1, 9, 2, 4, 9, 8, 5, 3, 0, 6, 7, 2, 1, 4], 714),
    ],
)
def test_random_follows_pytorch(replacement, num_samples, indices, after) -> None:
    generator = seeded()
    sampler = RandomSampler(range(10), replacement, num_samples, generator)
    assert list(sampler) == indices
    assert len(sampler) == len(indices)
    assert core.randint(1000, (), generator=generator).item() == after


def test_random_takes_its_seed_from_the_default_generator() -> None:
    core.manual_seed(3)
    # Recorded from PyTorch 2.13 with torch.manual_seed(3).
    assert list(RandomSampler(range(10))) == [7, 0, 9, 1, 6, 4, 5, 3, 2, 8]


def test_random_bad_arguments() -> None:
    with pytest.raises(TypeError, match="replacement"):
        RandomSampler(range(3), 1)
    for num_samples in (0, -1, 1.5):
        with pytest.raises(ValueError, match=f"num_samples={num_samples}"):
            RandomSampler(range(3), True, num_samples)
    with pytest.raises(ValueError, match="num_samples=0"):
        RandomSampler([])


# The next three lists were recorded from PyTorch 2.13.
def test_subset_random() -> None:
    sampler = SubsetRandomSampler([5, 6, 7, 8], seeded())
    assert list(sampler) == [7, 8, 6, 5]
    assert len(sampler) == 4
    assert list(SubsetRandomSampler([])) == []


def test_weighted() -> None:
    core.manual_seed(3)
    assert list(SubsetRandomSampler([5, 6, 7, 8])) == [7, 8, 6, 5]
    assert list(WeightedRandomSampler([0.1, 0.9, 0.4], 8)) == [1, 1, 2, 1, 1, 1, 1, 1]
    assert list(WeightedRandomSampler([0.1, 0.9, 0.4], 3, False)) == [2, 1, 0]


def test_weighted_never_draws_weight_zero() -> None:
    assert set(WeightedRandomSampler([0.0, 1.0, 0.0, 2.0], 200, generator=seeded())) == {1, 3}


def test_weighted_bad_arguments() -> None:
    for num_samples in (0, -1, True, 1.5):
        with pytest.raises(ValueError, match="num_samples"):
            WeightedRandomSampler([1.0], num_samples)
    with pytest.raises(ValueError, match="replacement"):
        WeightedRandomSampler([1.0], 1, 1)
    with pytest.raises(ValueError, match=r"shape \(1, 2\)"):
        WeightedRandomSampler([[1.0, 2.0]], 1)
    with pytest.raises(RuntimeError):
        list(WeightedRandomSampler([1.0, 2.0], 3, False))


@pytest.mark.parametrize(
    ("drop_last", "batches"), [(False, [[0, 1, 2], [3, 4, 5], [6]]), (True, [[0, 1, 2], [3, 4, 5]])]
)
def test_batch(drop_last, batches) -> None:
    sampler = BatchSampler(range(7), 3, drop_last)
    assert list(sampler) == batches
    assert len(sampler) == len(batches)


def test_batch_of_an_iterator() -> None:
    assert list(BatchSampler(iter("abc"), 2, False)) == [["a", "b"], ["c"]]


def test_batch_bad_arguments() -> None:
    for batch_size in (0, -1, True, 1.0, "2"):
        with pytest.raises(ValueError, match=f"batch_size={batch_size}"):
            BatchSampler(range(3), batch_size, False)
    with pytest.raises(ValueError, match="drop_last=1"):
        BatchSampler(range(3), 1, 1)


def test_base_class_has_no_order() -> None:
    with pytest.raises(NotImplementedError):
        iter(Sampler())
    with pytest.raises(TypeError):
        len(Sampler())


SAMPLERS = {
    "sequential": lambda: SequentialSampler(range(12)),
    "random": lambda: RandomSampler(range(12)),
    "random, own generator": lambda: RandomSampler(range(12), generator=seeded()),
    "replacement, default generator": lambda: RandomSampler(range(12), True, 2100),
    "replacement": lambda: RandomSampler(range(12), True, 70, seeded()),
    "permutations": lambda: RandomSampler(range(12), num_samples=30, generator=seeded()),
    "subset": lambda: SubsetRandomSampler(range(5, 17), seeded()),
    "weighted": lambda: WeightedRandomSampler(range(1, 8), 20, generator=seeded()),
    "batches": lambda: BatchSampler(RandomSampler(range(12), generator=seeded()), 5, False),
    "batches, drop_last": lambda: BatchSampler(SequentialSampler(range(12)), 5, True),
    "batches of a list": lambda: BatchSampler(list(range(12)), 5, False),
    "distributed": lambda: DistributedSampler(range(40), 3, 1),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_an_order_is_resumed_where_it_was_stopped(name) -> None:
    whole = list(SAMPLERS[name]())
    for stop in range(0, len(whole) + 1, 1 + len(whole) // 70):
        sampler = SAMPLERS[name]()
        iterator = iter(sampler)
        for _ in range(stop):
            next(iterator)
        state, default_state = sampler.state_dict(), core.get_rng_state()
        undisturbed = [list(iterator), list(sampler)]
        other = SAMPLERS[name]()
        assert list(other)
        core.set_rng_state(default_state)
        other.load_state_dict(state)
        assert [list(other), list(other)] == undisturbed


def test_states_of_other_samplers_are_refused() -> None:
    state = SequentialSampler(range(3)).state_dict()
    with pytest.raises(ValueError, match="of length 3, this one's is 4"):
        SequentialSampler(range(4)).load_state_dict(state)
    with pytest.raises(ValueError, match="without a generator of its own"):
        RandomSampler(range(3), generator=seeded()).load_state_dict(state)
    with pytest.raises(ValueError, match="no state of a DistributedSampler: it lacks .'epoch'"):
        DistributedSampler(range(3), 1, 0).load_state_dict(state)
    with pytest.raises(TypeError, match="expects the dict"):
        BatchSampler(range(3), 2, False).load_state_dict(None)
