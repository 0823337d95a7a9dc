"""Memory that processes share: what one writes, the others see."""

from __future__ import annotations

import os

import pytest

import lamella_core as core
from lamella_core.shared_memory import map_shared, mapping_of

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")


def in_child(function):
    """Runs a function in a forked process and waits for it to end."""
    child = os.fork()
    if not child:
        try:
            function()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


@needs_fork
def test_children_write_to_the_same_tensor():
    tensor = core.arange(6.0).reshape(2, 3)
    view, data = tensor[1], tensor.data
    assert tensor.share_memory_() is tensor
    in_child(lambda: view.fill_(-1))
    assert tensor.tolist() == [[0.0, 1.0, 2.0], [-1.0, -1.0, -1.0]]
    assert view.tolist() == [-1.0] * 3 and data[1, 0] == -1
    assert view.is_shared() and data.is_shared() and tensor.data.is_shared()
    assert view.data_ptr() == tensor.data_ptr() + 12


@needs_fork
def test_other_memory_is_each_process_own():
    tensor = core.ones(2)
    in_child(lambda: tensor.fill_(-1))
    assert tensor.tolist() == [1.0, 1.0] and not tensor.is_shared()


@needs_fork
def test_typed_storages_are_shared():
    storage = core.IntStorage([1, 2]).share_memory_()
    in_child(lambda: storage.fill_(5))
    assert storage.tolist() == [5, 5] and storage.is_shared() and storage.filename is None


def test_shared_memory_stays_and_does_not_grow():
    storage = core.ones(3).untyped_storage().share_memory_()
    address = storage.data_ptr()
    assert storage.share_memory_().data_ptr() == address
    assert not storage.resizable()
    with pytest.raises(RuntimeError, match="not resizable"):
        storage.resize_(100)


def test_an_array_knows_its_map():
    array = map_shared(8)
    assert array.tolist() == [0] * 8
    assert mapping_of(array[2:]) is mapping_of(array) is not None
    assert mapping_of(array.copy()) is None and mapping_of(None) is None


def test_empty_storages_share_nothing():
    assert core.ones(0).share_memory_().tolist() == []
