"""Storages: views share one, with its version counter."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as core


@pytest.fixture
def x():
    return core.arange(12.0).reshape(3, 4)


def test_views_share_the_storage(x):
    storage = x.untyped_storage()
    for view in (x.t(), x[1], x.view(-1), x[None], x.expand(2, 3, 4), x.detach(), x.diagonal()):
        assert view.untyped_storage() is storage
    assert x.clone().untyped_storage() is not storage


def test_geometry(x):
    assert x.untyped_storage().nbytes() == len(x.untyped_storage()) == 48
    assert x[1:].storage_offset() == 4
    assert x[1:, 2].storage_offset() == 6
    assert x.t().stride() == (1, 4)
    assert x.stride(1) == 1
    assert x[1].data_ptr() == x.untyped_storage().data_ptr() + 16
    assert repr(x.untyped_storage()).endswith("of size 48]")


def test_writes_are_counted_for_all_views(x):
    view = x[1]
    before = x._version
    view.fill_(7)
    assert x._version == view._version == before + 1
    x.zero_()
    assert view._version == before + 2
    assert x.data._version == 0


def test_a_view_knows_its_base(x):
    assert x[1]._base is x._base if x._is_view() else x[1]._base is x
    y = x.clone()
    assert not y._is_view() and y._base is None
    assert y[1][2]._base is y and y[1]._is_view()


def test_the_storage_of_a_numpy_array_begins_at_its_first_element():
    array = np.arange(10)
    tensor = core.from_numpy(array[2:8:2])
    assert tensor.storage_offset() == 0
    assert tensor.stride() == (2,)
    assert tensor.untyped_storage().nbytes() == 5 * 8
    assert tensor.data_ptr() == array[2:].__array_interface__["data"][0]


def test_resize_keeps_the_elements():
    tensor = core.tensor([1.0, 2.0, 3.0])
    view = tensor[:2]
    tensor.resize_(2, 3)
    assert tensor.shape == (2, 3)
    assert tensor.view(-1)[:3].tolist() == [1.0, 2.0, 3.0]
    assert view.untyped_storage() is tensor.untyped_storage()
    tensor.resize_(2)
    assert tensor.tolist() == [1.0, 2.0]
    assert tensor.untyped_storage().nbytes() == 24
    assert tensor.resize_(size=(1, 3)).shape == (1, 3)


@pytest.mark.parametrize(
    "make",
    [lambda x: x[1:], lambda x: x.view(3, 4)[0, 1:], lambda x: x.detach()[1:]],
    ids=["slice", "view", "detached"],
)
@pytest.mark.parametrize("grown", ["base", "view"])
def test_views_follow_when_the_memory_grows(make, grown):
    x = core.arange(12.0)
    view = make(x)
    (x if grown == "base" else view).resize_(1000)
    x[1] = 70
    assert view[0] == 70 and view.untyped_storage() is x.untyped_storage()
    view[1] = 80
    assert x[:4].tolist() == [0.0, 70.0, 80.0, 3.0]


def test_a_result_that_outgrows_its_target_takes_the_views_along():
    x = core.arange(4.0)
    view = x[1:]
    core.add(core.ones(10), 1, out=x)
    assert view.tolist() == [2.0, 2.0, 2.0]


def test_tensors_return_to_a_storage_that_was_too_small_for_them():
    x = core.arange(6.0)
    view = x[2:4]
    storage = x.untyped_storage()
    storage.resize_(0)
    assert (view.storage_offset(), view.shape, storage.nbytes()) == (2, (2,), 0)
    storage.resize_(24)
    storage.copy_(core.arange(6.0).mul(10).untyped_storage())
    assert x.tolist() == [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    assert view.tolist() == [20.0, 30.0] and view.storage_offset() == 2
    assert x.data_ptr() == storage.data_ptr()


def test_memory_of_one_tensor_grows_without_a_search(monkeypatch):
    monkeypatch.setattr("lamella_core.storage._move", None)
    x = core.arange(4.0)
    for n in (10, 100, 1000):
        x.resize_(n)
        x[n - 1] = n
    assert x[:4].tolist() == [0.0, 1.0, 2.0, 3.0] and x[99] == 100


def test_borrowed_memory_does_not_grow():
    with pytest.raises(RuntimeError, match="not resizable"):
        core.from_numpy(np.zeros(2)).resize_(3)


def test_set_takes_over_memory():
    source = core.arange(6.0)
    tensor = core.zeros(1).set_(source)
    assert tensor.tolist() == source.tolist() and tensor.data_ptr() == source.data_ptr()
    tensor = core.zeros(1).set_(source.untyped_storage(), 1, (2, 2), (2, 1))
    assert tensor.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert core.ones(3).set_().numel() == 0
    with pytest.raises(RuntimeError, match=r"invalid storage offset 0, .*-1"):
        core.ones(2).set_(source.untyped_storage(), 0, (2,), (-1,))
    with pytest.raises(RuntimeError, match="Could not set tensor of type Long"):
        core.zeros(1).set_(core.zeros(1, dtype=core.int64))
