from __future__ import annotations

import random

import pytest

import lamella_core as core
from lamella_data import (
    BufferedShuffleDataset,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from lamella_data.dataset import collated_of


class Stream(IterableDataset):
    def __init__(self, stop: int) -> None:
        self.stop = stop

    def __iter__(self):
        return iter(range(self.stop))

    def __len__(self) -> int:
        return self.stop


def test_dataset_without_getitem_says_so() -> None:
    with pytest.raises(NotImplementedError, match="__getitem__"):
        Dataset()[0]


def test_iterable_dataset_is_abstract() -> None:
    with pytest.raises(TypeError, match="abstract"):
        IterableDataset()


def test_plus_concatenates_or_chains() -> None:
    joined = TensorDataset(core.arange(2)) + TensorDataset(core.arange(3))
    assert isinstance(joined, ConcatDataset)
    assert len(joined) == 5
    assert list(Stream(2) + Stream(1)) == [0, 1, 0]


def test_tensor_dataset() -> None:
    dataset = TensorDataset(core.arange(6), core.arange(12).reshape(6, 2))
    assert len(dataset) == 6
    assert [part.tolist() for part in dataset[4]] == [4, [8, 9]]
    assert [part.tolist() for part in dataset[1:3]] == [[1, 2], [[2, 3], [4, 5]]]
    with pytest.raises(IndexError):
        dataset[6]


def test_tensor_dataset_refuses_unequal_sizes() -> None:
    with pytest.raises(AssertionError, match=r"Size mismatch between tensors.*\[6, 3\]"):
        TensorDataset(core.arange(6), core.arange(3))


def test_collated_is_not_used_past_an_override() -> None:
    class Doubled(TensorDataset):
        def __getitem__(self, index):
            return super().__getitem__(index)[0] * 2

    class Named(TensorDataset):
        pass

    assert collated_of(TensorDataset(core.arange(3))) is not None
    assert collated_of(Named(core.arange(3))) is not None
    assert collated_of(Doubled(core.arange(3))) is None
    assert collated_of([1, 2]) is None
    batches = list(DataLoader(Doubled(core.arange(3)), 2))
    assert [batch.tolist() for batch in batches] == [[0, 2], [4]]
    part = Subset(Doubled(core.arange(3)), [2, 0])
    assert [batch.tolist() for batch in DataLoader(part, 2)] == [[4, 0]]


def test_stack_dataset() -> None:
    assert StackDataset([1, 2], "ab")[1] == (2, "b")
    named = StackDataset(x=[1, 2], y="ab")
    assert named[0] == {"x": 1, "y": "a"}
    assert named.__getitems__([1, 0]) == [{"x": 2, "y": "b"}, {"x": 1, "y": "a"}]
    assert len(named) == 2


def test_stack_dataset_bad_arguments() -> None:
    with pytest.raises(ValueError, match="at least one"):
        StackDataset()
    with pytest.raises(ValueError, match="by position"):
        StackDataset([1], x=[1])
    with pytest.raises(ValueError, match=r"Size mismatch.*\[1, 2\]"):
        StackDataset([1], [1, 2])


def test_stack_dataset_checks_the_nested_batch() -> None:
    class Short(Dataset):
        def __len__(self) -> int:
            return 3

        def __getitems__(self, indices):
            return indices[:1]

    with pytest.raises(ValueError, match="Short.*1 samples for 2"):
        StackDataset([1, 2, 3], Short()).__getitems__([0, 1])


def test_concat_dataset() -> None:
    dataset = ConcatDataset(["ab", "", "cde"])
    assert dataset.cumulative_sizes == [2, 2, 5]
    assert "".join(dataset[i] for i in range(5)) == "abcde"
    assert dataset[-1] == "e"
    with pytest.raises(ValueError, match="should not exceed"):
        dataset[-6]
    with pytest.raises(IndexError, match="index 5"):
        dataset[5]
    with pytest.warns(FutureWarning, match="cumulative_sizes"):
        assert dataset.cummulative_sizes == [2, 2, 5]


def test_concat_dataset_bad_members() -> None:
    with pytest.raises(AssertionError, match="empty"):
        ConcatDataset([])
    with pytest.raises(AssertionError, match="IterableDataset"):
        ConcatDataset([Stream(2)])


def test_chain_dataset() -> None:
    chain = ChainDataset([Stream(2), Stream(3)])
    assert list(chain) == [0, 1, 0, 1, 2]
    assert len(chain) == 5
    with pytest.raises(AssertionError, match="got list"):
        list(ChainDataset([[1]]))


def test_subset() -> None:
    part = Subset("abcdef", [5, 0, 3])
    assert len(part) == 3
    assert [part[i] for i in range(3)] == ["f", "a", "d"]
    assert part.__getitems__([2, 0]) == ["d", "f"]
    with pytest.raises(IndexError):
        part[3]


def test_subset_refuses_half_an_override() -> None:
    class Half(Subset):
        def __getitem__(self, index):
            return 0

    with pytest.raises(NotImplementedError, match="__getitems__"):
        Half([1], [0])


# Recorded from PyTorch 2.13: random_split(range(10), ..., torch.Generator().manual_seed(3)).
@pytest.mark.parametrize(
    ("lengths", "parts"),
    [
        ([3, 7], [[6, 0, 3], [7, 8, 5, 1, 9, 2, 4]]),
        ([0.3, 0.3, 0.4], [[6, 0, 3], [7, 8, 5], [1, 9, 2, 4]]),
        ([0.33, 0.33, 0.34], [[6, 0, 3, 7], [8, 5, 1], [9, 2, 4]]),
    ],
)
def test_random_split(lengths, parts) -> None:
    split = random_split(range(10), lengths, core.Generator().manual_seed(3))
    assert [part.indices for part in split] == parts


def test_random_split_bad_lengths() -> None:
    with pytest.raises(ValueError, match="add up to 9, the length is 10"):
        random_split(range(10), [3, 6])
    with pytest.raises(ValueError, match="Fraction at index 1"):
        random_split(range(10), [0.5, -0.5, 1.0])
    with pytest.warns(UserWarning, match="split at index 1 is 0"):
        random_split(range(10), [1.0, 0.0])


class Numbers(IterableDataset):
    def __iter__(self):
        return iter(range(50))


def test_buffered_shuffle() -> None:
    random.seed(1)
    shuffled = list(BufferedShuffleDataset(Numbers(), 10))
    assert sorted(shuffled) == list(range(50))
    assert shuffled != sorted(shuffled)
    # A sample cannot come out before it has come into the buffer.
    assert all(sample <= place + 10 for place, sample in enumerate(shuffled))
    random.seed(1)
    assert list(BufferedShuffleDataset(Numbers(), 10)) == shuffled


def test_a_buffer_of_one_leaves_the_order_alone() -> None:
    assert list(BufferedShuffleDataset(Numbers(), 1)) == list(range(50))


def test_a_buffer_as_large_as_the_stream_shuffles_it_wholly() -> None:
    random.seed(0)
    firsts = {next(iter(BufferedShuffleDataset(Numbers(), 50))) for _ in range(400)}
    assert len(firsts) > 45


@pytest.mark.parametrize("size", [0, -1])
def test_buffered_shuffle_needs_a_buffer(size) -> None:
    with pytest.raises(AssertionError, match="buffer_size should be larger than 0"):
        BufferedShuffleDataset(Numbers(), size)
