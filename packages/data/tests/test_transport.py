from __future__ import annotations

import gc
import multiprocessing
import os

import numpy as np
import pytest

import lamella_core as core
from lamella_data import transport


@pytest.fixture
def pipe():
    ours, theirs = multiprocessing.Pipe(duplex=True)
    yield ours, theirs
    ours.close()
    theirs.close()


def test_plain_objects(pipe) -> None:
    transport.send(pipe[0], {"a": [1, "x", None]})
    assert transport.receive(pipe[1]) == {"a": [1, "x", None]}


@pytest.mark.parametrize("size", [3, 100_000])
def test_tensors_and_arrays(pipe, size) -> None:
    tensor = core.arange(2 * size).reshape(2, size)
    array = np.arange(size, dtype=np.float32)
    transport.send(pipe[0], [tensor, array, array[::2]])
    received, numbers, strided = transport.receive(pipe[1])
    assert isinstance(received, core.Tensor)
    assert received.dtype == core.int64
    assert (received.numpy() == tensor.numpy()).all()
    assert (numbers == array).all()
    assert (strided == array[::2]).all()
    received += 1
    numbers += 1
    assert received[0, 0].item() == 1


def test_views_and_zero_dimensions(pipe) -> None:
    base = core.arange(40_000).reshape(200, 200)
    transport.send(pipe[0], (base[::2, 1:], base[0, 3], base[:, :0], base[0, :1].expand(9000)))
    rows, scalar, empty, expanded = transport.receive(pipe[1])
    assert (rows.numpy() == base.numpy()[::2, 1:]).all()
    assert scalar.item() == 3
    assert tuple(scalar.shape) == ()
    assert tuple(empty.shape) == (200, 0)
    assert set(expanded.tolist()) == {0}


def test_kept_batches_cost_no_descriptors(pipe) -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = descriptors()
    kept = []
    for _ in range(50):
        transport.send(pipe[0], np.zeros(10_000))
        kept.append(transport.receive(pipe[1]))
    assert descriptors() == before
    assert all((array == 0).all() for array in kept)


def test_memory_is_unmapped_with_the_last_array(pipe) -> None:
    def maps() -> int:
        with open("/proc/self/maps") as file:
            return sum("lamella-batch" in line for line in file)

    transport.send(pipe[0], [np.zeros(10_000), np.zeros(20_000)])
    first, second = transport.receive(pipe[1])
    assert maps() == 1
    part = second[:5]
    del first, second
    gc.collect()
    assert maps() == 1
    del part
    gc.collect()
    assert maps() == 0


def test_what_cannot_be_pickled_raises_and_sends_nothing(pipe) -> None:
    with pytest.raises(Exception, match="lambda|pickle"):
        transport.send(pipe[0], [np.zeros(10_000), lambda: 0])
    transport.send(pipe[0], 7)
    assert transport.receive(pipe[1]) == 7


def test_the_end_of_the_sender_is_seen(pipe) -> None:
    pipe[0].close()
    with pytest.raises(EOFError):
        transport.receive(pipe[1])
