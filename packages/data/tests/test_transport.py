from __future__ import annotations

import multiprocessing
import os

import numpy as np
import pytest

import lamella_core as core
from lamella_data import transport
from lamella_data.segments import Borrower, Lender


class Channel:
    """A worker's end and the loader's end, in one process."""

    def __init__(self) -> None:
        self.ours, self.theirs = multiprocessing.Pipe(duplex=True)
        self.lender, self.borrower = Lender(), Borrower()

    def send(self, obj) -> None:
        transport.send(self.theirs, obj, self.lender)

    def receive(self):
        return transport.receive(self.ours, self.borrower)

    def pass_on(self, obj):
        self.send(obj)
        return self.receive()


@pytest.fixture
def channel():
    made = Channel()
    yield made
    made.ours.close()
    made.theirs.close()


def test_plain_objects(channel) -> None:
    assert channel.pass_on({"a": [1, "x", None]}) == {"a": [1, "x", None]}


def test_without_shared_memory(channel) -> None:
    transport.send(channel.ours, np.arange(10_000))
    assert (transport.receive(channel.theirs) == np.arange(10_000)).all()


@pytest.mark.parametrize("size", [3, 100_000])
def test_tensors_and_arrays(channel, size) -> None:
    tensor = core.arange(2 * size).reshape(2, size)
    array = np.arange(size, dtype=np.float32)
    received, numbers, strided = channel.pass_on([tensor, array, array[::2]])
    assert isinstance(received, core.Tensor)
    assert received.dtype == core.int64
    assert (received.numpy() == tensor.numpy()).all()
    assert (numbers == array).all()
    assert (strided == array[::2]).all()
    received += 1
    numbers += 1
    assert received[0, 0].item() == 1


def test_views_and_zero_dimensions(channel) -> None:
    base = core.arange(40_000).reshape(200, 200)
    sent = (base[::2, 1:], base[0, 3], base[:, :0], base[0, :1].expand(9000))
    rows, scalar, empty, expanded = channel.pass_on(sent)
    assert (rows.numpy() == base.numpy()[::2, 1:]).all()
    assert scalar.item() == 3
    assert tuple(scalar.shape) == ()
    assert tuple(empty.shape) == (200, 0)
    assert set(expanded.tolist()) == {0}


def test_what_was_made_in_shared_memory_is_not_copied(channel) -> None:
    array = channel.lender.allocate(80_000).view(np.float64)
    array[:] = 1
    received, part = channel.pass_on([array, array[5000:]])
    array[7000] = 5
    assert received[7000] == part[2000] == 5
    assert received.sum() == 10_004


def test_kept_batches_cost_no_descriptors(channel) -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = descriptors()
    kept = [channel.pass_on(np.full(10_000, number)) for number in range(150)]
    assert descriptors() == before
    assert [array[0] for array in kept] == list(range(150))
    assert [array[-1] for array in kept] == list(range(150))


def test_what_cannot_be_pickled_raises_and_sends_nothing(channel) -> None:
    with pytest.raises(Exception, match="lambda|pickle"):
        channel.send([np.zeros(10_000), lambda: 0])
    assert channel.pass_on(7) == 7


def test_the_end_of_the_sender_is_seen(channel) -> None:
    channel.theirs.close()
    with pytest.raises(EOFError):
        channel.receive()
