from __future__ import annotations

import pytest

from lamella_data import DistributedSampler
from lamella_data.distributed import DistributedSampler as InItsPlace

# Recorded from PyTorch 2.13: DistributedSampler(range(10), 3, rank, **options) for each rank, in
# epochs 0 and 2.
ORDERS = [
    (
        {},
        [[4, 5, 0, 2], [1, 3, 8, 4], [7, 9, 6, 1]],
        [[8, 5, 0, 3], [7, 6, 4, 8], [1, 9, 2, 7]],
    ),
    ({"shuffle": False}, [[0, 3, 6, 9], [1, 4, 7, 0], [2, 5, 8, 1]], None),
    (
        {"drop_last": True},
        [[4, 5, 0], [1, 3, 8], [7, 9, 6]],
        [[8, 5, 0], [7, 6, 4], [1, 9, 2]],
    ),
    (
        {"seed": 5},
        [[1, 6, 0, 7], [4, 3, 2, 1], [9, 5, 8, 4]],
        [[5, 4, 9, 2], [0, 1, 6, 5], [3, 7, 8, 0]],
    ),
]


@pytest.mark.parametrize(("options", "first", "third"), ORDERS, ids=str)
def test_orders_are_pytorchs(options, first, third) -> None:
    samplers = [DistributedSampler(range(10), 3, rank, **options) for rank in range(3)]
    assert [list(sampler) for sampler in samplers] == first
    assert {len(sampler) for sampler in samplers} == {len(first[0])}
    for sampler in samplers:
        sampler.set_epoch(2)
    assert [list(sampler) for sampler in samplers] == (third or first)


def test_a_dataset_smaller_than_the_number_of_processes() -> None:
    shares = [list(DistributedSampler(range(2), 5, rank, shuffle=False)) for rank in range(5)]
    assert shares == [[0], [1], [0], [1], [0]]
    assert list(DistributedSampler(range(2), 5, 4, drop_last=True)) == []


def test_it_is_in_pytorchs_place() -> None:
    assert InItsPlace is DistributedSampler


@pytest.mark.parametrize("rank", [-1, 2])
def test_invalid_rank(rank) -> None:
    message = rf"Invalid rank {rank}, rank should be in the interval \[0, 1\]"
    with pytest.raises(ValueError, match=message):
        DistributedSampler(range(3), 2, rank)


@pytest.mark.parametrize("given", [{}, {"num_replicas": 2}, {"rank": 1}], ids=str)
def test_without_a_process_group_both_numbers_are_needed(given) -> None:
    with pytest.raises(ValueError, match="pass num_replicas and rank"):
        DistributedSampler(range(3), **given)


def test_the_epoch_is_part_of_the_state() -> None:
    sampler = DistributedSampler(range(10), 3, 0)
    sampler.set_epoch(2)
    iterator = iter(sampler)
    next(iterator)
    other = DistributedSampler(range(10), 3, 0)
    other.load_state_dict(sampler.state_dict())
    assert list(other) == [5, 0, 3]
