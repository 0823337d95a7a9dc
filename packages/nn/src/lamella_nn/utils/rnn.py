"""Sequences of several lengths: padded to one length, or packed without padding.

A packed sequence holds all elements step by step: the first elements of all sequences, the longest
sequence first, then the second elements of those that have one, and so on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import lamella_core as core
from lamella_autograd import rename
from lamella_core import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

__all__ = [
    "PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence",
    "pad_packed_sequence", "pad_sequence", "unpack_sequence", "unpad_sequence",
]  # fmt: skip


class PackedSequence_(NamedTuple):
    """The fields of a :class:`PackedSequence`."""

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(PackedSequence_):
    """Sequences of several lengths without padding; made by the functions of this module.

    Attributes:
        data: the elements, (elements, *).
        batch_sizes: how many of them belong to each step: int64, on the CPU.
        sorted_indices: the order in which the sequences stand, the longest first; None where they
            came so.
        unsorted_indices: the order that undoes it.

    Raises:
        ValueError: ``batch_sizes`` is not on the CPU.
    """

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        if batch_sizes is None:
            # The older form: a pair for both.
            if not isinstance(data, (list, tuple)) or len(data) != 2:
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        if batch_sizes.device.type != "cpu":
            raise ValueError(
                "batch_sizes should always be on CPU, but it is on "
                f"{batch_sizes.device}; let pack_padded_sequence and pack_sequence make packed "
                "sequences"
            )
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """The sequence with ``data.to(...)``; itself where that changes nothing."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        place: dict[str, Any] = {"device": data.device}
        if "non_blocking" in kwargs:
            place["non_blocking"] = kwargs["non_blocking"]
        order, back = self.sorted_indices, self.unsorted_indices
        return type(self)(
            data,
            self.batch_sizes,
            None if order is None else order.to(**place),
            None if back is None else back.to(**place),
        )

    def cuda(self, *args: Any, **kwargs: Any) -> Self:
        """The sequence on a CUDA device, the current one where none is named."""
        if self.is_cuda and not args and not kwargs:
            return self
        data = self.data.cuda(*args, **kwargs)
        return self.to(data.device)

    def cpu(self, *args: Any, **kwargs: Any) -> Self:
        """The sequence on the CPU."""
        return self.to(*args, device="cpu", **kwargs)

    def pin_memory(self) -> Self:
        """The sequence in pinned memory."""
        order, back = self.sorted_indices, self.unsorted_indices
        return type(self)(
            self.data.pin_memory(),
            self.batch_sizes,
            None if order is None else order.pin_memory(),
            None if back is None else back.pin_memory(),
        )

    def double(self) -> Self:
        """The sequence in float64."""
        return self.to(dtype=core.float64)

    def float(self) -> Self:
        """The sequence in float32."""
        return self.to(dtype=core.float32)

    def half(self) -> Self:
        """The sequence in float16."""
        return self.to(dtype=core.float16)

    def long(self) -> Self:
        """The sequence in int64."""
        return self.to(dtype=core.int64)

    def int(self) -> Self:
        """The sequence in int32."""
        return self.to(dtype=core.int32)

    def short(self) -> Self:
        """The sequence in int16."""
        return self.to(dtype=core.int16)

    def char(self) -> Self:
        """The sequence in int8."""
        return self.to(dtype=core.int8)

    def byte(self) -> Self:
        """The sequence in uint8."""
        return self.to(dtype=core.uint8)

    @property
    def is_cuda(self) -> bool:
        """Whether the data is on a CUDA device."""
        return self.data.is_cuda

    def is_pinned(self) -> bool:
        """Whether the data is in pinned memory."""
        return self.data.is_pinned()


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The order that undoes a permutation; None for None."""
    return None if permutation is None else _inverse(permutation)


def _inverse(permutation: Tensor) -> Tensor:
    places = core.arange(permutation.numel(), device=permutation.device)
    return core.empty_like(permutation).scatter_(0, permutation, places.to(permutation.dtype))


def pack_padded_sequence(
    input: Tensor,
    lengths: Tensor | Sequence[int],
    batch_first: bool = False,
    enforce_sorted: bool = True,
) -> PackedSequence:
    """Pack a padded batch of sequences.

    Args:
        input: (steps, batch, *), or with ``batch_first`` (batch, steps, *).
        lengths: of each sequence; a tensor on the CPU.
        enforce_sorted: whether the longest sequence has to come first; otherwise they are sorted.

    Raises:
        RuntimeError: ``lengths`` is empty, of another number than the batch, not sorted though it
            has to be, or holds a length below 1 or above the number of steps.
    """
    counts = lengths if isinstance(lengths, Tensor) else core.tensor(list(lengths))
    if counts.ndim != 1 or counts.device.type != "cpu":
        raise RuntimeError(
            "'lengths' argument should be a 1D CPU int64 tensor, but got "
            f"{counts.ndim}D {counts.device.type} {counts._dtype.class_name} tensor"
        )
    counts = counts.to(core.int64)
    order = None
    if not enforce_sorted:
        counts, order = core.sort(counts, descending=True)
    if batch_first:
        input = input.transpose(0, 1)
    rows, batch_sizes = _packed(input, counts.tolist(), order)
    rename(rows, "PackPaddedSequenceBackward0")
    return PackedSequence(
        rows, core.tensor(batch_sizes), None if order is None else order.to(input.device), None
    )


def _packed(input: Tensor, lengths: list[int], order: Tensor | None) -> tuple[Tensor, list[int]]:
    """The elements of (steps, batch, *) within the falling lengths, and how many each step has."""
    steps, batch = input.size(0), input.size(1)
    if not input._array.size:
        raise RuntimeError("Cannot pack empty tensors.")
    if len(lengths) != batch:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(lengths)} "
            f"(batch_size={batch})"
        )
    if min(lengths) < 1:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' "
            f"that is <= 0: {min(lengths)}"
        )
    if any(later > earlier for earlier, later in zip(lengths, lengths[1:], strict=False)):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. "
            "You can pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to "
            f"sidestep this requirement; got {lengths}"
        )
    if lengths[0] > steps:
        raise RuntimeError(
            f"a length of {lengths[0]} is more than the {steps} steps of the padded sequences"
        )
    longest = lengths[0]
    if lengths[-1] == longest and order is None:
        return input[:longest].flatten(0, 1), [batch] * longest
    places = core.arange(longest).unsqueeze(1) * batch
    columns = core.arange(batch) if order is None else order
    within = _within(longest, core.tensor(lengths))
    index = (places + columns)[within].to(input.device)
    return input.flatten(0, 1).index_select(0, index), within.sum(1).tolist()


def _within(steps: int, lengths: Tensor) -> Tensor:
    """(steps, sequences): whether a sequence has an element at a step."""
    return core.arange(steps).unsqueeze(1) < lengths


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Undo :func:`pack_padded_sequence`.

    Args:
        batch_first: whether the result is (batch, steps, *) and not (steps, batch, *).
        padding_value: what stands behind the end of a sequence.
        total_length: the number of steps of the result; by default the longest sequence's.

    Returns:
        The padded batch in its first order, and the lengths.

    Raises:
        ValueError: ``total_length`` is less than the longest sequence.
    """
    data, batch_sizes, _, unsorted_indices = sequence
    steps, batch = batch_sizes.numel(), int(batch_sizes[0])
    total = steps
    if total_length is not None:
        if total_length < steps:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in "
                f"input, but got total_length={total_length} and max sequence length being {steps}"
            )
        total = total_length
    lengths = (batch_sizes > core.arange(batch).unsqueeze(1)).sum(1)
    rows, columns = core.arange(steps).unsqueeze(1), core.arange(batch)
    # As in PyTorch, batches that are put back in order lie in memory as they are indexed, and
    # others by steps: random numbers, of a dropout for one, are drawn in that order.
    by_batch = batch_first and unsorted_indices is not None
    if unsorted_indices is not None:
        lengths = lengths[unsorted_indices.cpu()]
        columns = _inverse(unsorted_indices.cpu())
    shape = (batch, total) if by_batch else (total, batch)
    places = columns * total + rows if by_batch else rows * batch + columns
    index = places[core.arange(batch) < batch_sizes.unsqueeze(1)].to(data.device)
    padded = data.new_full((total * batch, *data.shape[1:]), padding_value)
    padded = padded.index_copy(0, index, data).view(*shape, *data.shape[1:])
    rename(
        padded,
        "torch::autograd::CopySlices" if unsorted_indices is None else "IndexSelectBackward0",
    )
    return (padded.transpose(0, 1) if batch_first and not by_batch else padded), lengths


def pad_sequence(
    sequences: Any,
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Sequences of several lengths as one batch.

    Args:
        sequences: tensors (steps, *), or one tensor whose first dimension counts them.
        batch_first: whether the result is (batch, steps, *) and not (steps, batch, *).
        padding_value: what fills the shorter ones.
        padding_side: ``"right"`` for behind them, ``"left"`` for before.

    Raises:
        RuntimeError: there is no sequence, their other dimensions differ, or the side is unknown.
    """
    if not isinstance(sequences, (Tensor, Iterable)):
        raise RuntimeError(
            "pad_sequence: Expected iterable for input sequences, but got arg of type: "
            f"{type(sequences)}"
        )
    sequences = list(sequences)
    if padding_side not in ("left", "right"):
        raise RuntimeError(
            f"Expected padding_side to be one of left or right, but got {padding_side}."
        )
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    first = sequences[0]
    if any(not each.ndim for each in sequences):
        raise RuntimeError("pad_sequence: a sequence needs a dimension, but got a 0-dim tensor")
    trailing = first.shape[1:]
    rows = core.cat([each.expand(each.size(0), *trailing).to(first.dtype) for each in sequences])
    lengths = core.tensor([each.size(0) for each in sequences])
    steps, batch = int(lengths.max()), len(sequences)
    places = core.arange(steps)
    within = places < lengths.unsqueeze(1)
    if padding_side == "left":
        within = within.flip(1)
    # Where each element stands in the result, sequence by sequence.
    if batch_first:
        index = core.arange(batch).unsqueeze(1) * steps + places
    else:
        index = core.arange(batch).unsqueeze(1) + places * batch
    padded = first.new_full((steps * batch, *trailing), padding_value)
    padded = padded.index_copy(0, index[within].to(first.device), rows)
    padded = padded.view(*((batch, steps) if batch_first else (steps, batch)), *trailing)
    return rename(padded, "torch::autograd::CopySlices")


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
) -> list[Tensor]:
    """The sequences of a padded batch, each cut to its length.

    Args:
        padded_sequences: (steps, batch, *), or with ``batch_first`` (batch, steps, *).
        lengths: of each sequence.
    """
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    return [
        sequence[:length]
        for sequence, length in zip(padded_sequences, lengths.tolist(), strict=False)
    ]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack a list of sequences (steps, *).

    Args:
        enforce_sorted: whether the longest sequence has to come first; otherwise they are sorted.

    Raises:
        RuntimeError: as for :func:`pad_sequence` and :func:`pack_padded_sequence`.
    """
    lengths = [each.size(0) for each in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences of a packed sequence, in their first order."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
