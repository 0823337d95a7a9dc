"""Packed and padded sequences against plain Python."""

import numpy as np
import pytest

import lamella_core as core
from lamella_nn.utils.rnn import (
    PackedSequence,
    invert_permutation,
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
    pad_sequence,
    unpack_sequence,
    unpad_sequence,
)

LENGTHS = [2, 4, 1]


def sequences():
    random = np.random.default_rng(0)
    return [core.tensor(random.standard_normal((length, 2))) for length in LENGTHS]


def step_by_step(lists):
    """The elements of sequences, longest first, step by step, and how many there are a step."""
    ordered = sorted(lists, key=len, reverse=True)
    steps = [[s[t] for s in ordered if t < len(s)] for t in range(len(ordered[0]))]
    return [element for step in steps for element in step], [len(step) for step in steps]


def test_packing_puts_elements_step_by_step_the_longest_first():
    packed = pack_sequence(sequences(), enforce_sorted=False)
    elements, sizes = step_by_step([each.tolist() for each in sequences()])
    assert packed.data.tolist() == elements
    assert packed.batch_sizes.tolist() == sizes
    assert packed.sorted_indices.tolist() == [1, 0, 2]
    assert packed.unsorted_indices.tolist() == [1, 0, 2]


@pytest.mark.parametrize("lengths", [[3, 3], [3, 1]])
@pytest.mark.parametrize("batch_first", [False, True])
def test_sorted_batches_are_packed_as_they_stand(batch_first, lengths):
    padded = core.arange(8).reshape(4, 2)
    rows = padded.t().tolist()
    packed = pack_padded_sequence(padded.t() if batch_first else padded, lengths, batch_first)
    elements, sizes = step_by_step([r[:n] for r, n in zip(rows, lengths, strict=True)])
    assert packed.data.tolist() == elements
    assert packed.batch_sizes.tolist() == sizes
    assert packed.sorted_indices is None


@pytest.mark.parametrize("batch_first", [False, True])
def test_padding_undoes_packing(batch_first):
    packed = pack_sequence(sequences(), enforce_sorted=False)
    padded, lengths = pad_packed_sequence(packed, batch_first, -1.0, total_length=5)
    assert lengths.tolist() == LENGTHS
    batch = padded if batch_first else padded.transpose(0, 1)
    assert batch.shape == (3, 5, 2)
    for row, each in zip(batch, sequences(), strict=True):
        np.testing.assert_array_equal(row[: len(each)].numpy(), each.numpy())
        assert (row[len(each) :] == -1).all()
    for found, each in zip(unpack_sequence(packed), sequences(), strict=True):
        np.testing.assert_array_equal(found.numpy(), each.numpy())


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("batch_first", [False, True])
def test_pad_sequence_fills_one_side(batch_first, side):
    padded = pad_sequence(sequences(), batch_first, 9.0, side)
    batch = padded if batch_first else padded.transpose(0, 1)
    for row, each in zip(batch.numpy(), sequences(), strict=True):
        filling = np.full((4 - len(each), 2), 9.0)
        parts = [filling, each.numpy()] if side == "left" else [each.numpy(), filling]
        np.testing.assert_array_equal(row, np.concatenate(parts))


def test_unpad_sequence_leaves_its_argument_alone():
    padded = pad_sequence(sequences())
    for found, each in zip(unpad_sequence(padded, core.tensor(LENGTHS)), sequences(), strict=True):
        np.testing.assert_array_equal(found.numpy(), each.numpy())
    assert padded.shape == (4, 3, 2)


def test_gradients_reach_the_elements_and_not_the_padding():
    padded = core.randn(4, 3, requires_grad=True)
    packed = pack_padded_sequence(padded, LENGTHS, enforce_sorted=False)
    weights = core.arange(7.0) + 1
    (packed.data * weights).sum().backward()
    expected, _ = pad_packed_sequence(packed._replace(data=weights))
    assert padded.grad.tolist() == expected.tolist()


def test_invert_permutation():
    order = core.tensor([2, 0, 3, 1])
    assert order[invert_permutation(order)].tolist() == [0, 1, 2, 3]
    assert invert_permutation(None) is None


def test_a_packed_sequence_is_a_tuple_with_conversions():
    packed = pack_sequence(sequences(), enforce_sorted=False)
    data, sizes, order, back = packed
    assert (data, sizes, order, back) == (packed[0], packed[1], packed[2], packed[3])
    assert packed.to("cpu") is packed
    assert packed.double() is packed
    half = packed.half()
    assert half.data.dtype is core.float16
    assert half.sorted_indices.dtype is core.int64
    assert half.batch_sizes is packed.batch_sizes
    assert isinstance(half, PackedSequence)
    assert PackedSequence((data, sizes)).batch_sizes is sizes


@pytest.mark.parametrize(
    ("lengths", "words"),
    [
        ([1, 2], "sorted in decreasing order"),
        ([2, 0], "has to be greater than 0"),
        ([2], r"got 1 \(batch_size=2\)"),
        ([5, 1], "more than the 4 steps"),
        (core.tensor([[2, 1]]), "1D CPU int64 tensor, but got 2D"),
    ],
)
def test_wrong_lengths(lengths, words):
    with pytest.raises(RuntimeError, match=words):
        pack_padded_sequence(core.zeros(4, 2), lengths)


def test_wrong_sequences():
    with pytest.raises(RuntimeError, match="empty list"):
        pad_sequence([])
    with pytest.raises(RuntimeError, match="left or right, but got up"):
        pad_sequence(sequences(), padding_side="up")
    with pytest.raises(RuntimeError, match="must match the existing size"):
        pad_sequence([core.zeros(2, 3), core.zeros(2, 4)])
    with pytest.raises(RuntimeError, match="0-dim"):
        pad_sequence([core.tensor(1.0)])
    with pytest.raises(ValueError, match="total_length=3 and max sequence length being 4"):
        pad_packed_sequence(pack_sequence(sequences(), False), total_length=3)
    with pytest.raises(AssertionError, match="length 2"):
        PackedSequence(core.zeros(2))


def test_padded_batches_lie_in_memory_as_pytorchs() -> None:
    x = core.arange(20.0).view(2, 5, 2)
    for lengths, ordered, strides in (([5, 3], True, (2, 4, 1)), ([3, 5], False, (14, 2, 1))):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=ordered)
        padded, _ = pad_packed_sequence(packed, batch_first=True, total_length=7)
        assert padded.stride() == strides
        for row, length in zip(range(2), lengths, strict=True):
            assert padded[row, :length].tolist() == x[row, :length].tolist()
            assert padded[row, length:].abs().sum() == 0
