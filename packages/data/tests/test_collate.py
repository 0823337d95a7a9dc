from __future__ import annotations

import collections

import numpy as np
import pytest

import lamella_core as core
import lamella_data
from lamella_data import default_collate, default_convert
from lamella_data.collate import collate, default_collate_fn_map

Point = collections.namedtuple("Point", ["x", "y"])


@pytest.mark.parametrize(
    ("batch", "dtype"),
    [
        ([1, 2], "torch.int64"),
        ([1.0, 2.0], "torch.float64"),
        ([True, False], "torch.bool"),
        ([np.float32(1), np.float32(2)], "torch.float32"),
        ([np.int8(1), np.int8(2)], "torch.int8"),
        ([np.array([1, 2], np.int16), np.array([3, 4], np.int16)], "torch.int16"),
        ([np.array(1.5), np.array(2.5)], "torch.float64"),
    ],
)
def test_numbers_and_arrays(batch, dtype) -> None:
    merged = default_collate(batch)
    assert str(merged.dtype) == dtype
    assert merged.tolist() == np.array(batch).tolist()


def test_tensors_are_stacked() -> None:
    merged = default_collate([core.arange(3), core.arange(3) + 10])
    assert merged.tolist() == [[0, 1, 2], [10, 11, 12]]
    with pytest.raises(RuntimeError, match="equal size"):
        default_collate([core.arange(3), core.arange(2)])


def test_text_stays() -> None:
    assert default_collate(["a", "b"]) == ["a", "b"]
    assert default_collate([b"a"]) == [b"a"]


def test_containers() -> None:
    merged = default_collate([{"a": 1, "b": (1.0, "x")}, {"a": 2, "b": (2.0, "y")}])
    assert merged["a"].tolist() == [1, 2]
    assert merged["b"][0].tolist() == [1.0, 2.0]
    assert merged["b"][1] == ("x", "y")
    assert isinstance(default_collate([(1, 2)]), list)
    point = default_collate([Point(1, 2), Point(3, 4)])
    assert isinstance(point, Point)
    assert point.y.tolist() == [2, 4]
    ordered = default_collate([collections.OrderedDict(a=1)])
    assert type(ordered) is collections.OrderedDict
    assert default_collate([[], []]) == []


@pytest.mark.parametrize(
    "batch", [[None], [object()], [{1, 2}], [1j], [np.array(["a"])], [np.datetime64("2020-01-01")]]
)
def test_other_types_are_named(batch) -> None:
    with pytest.raises(TypeError, match="default_collate: batch must contain"):
        default_collate(batch)


def test_unequal_structures() -> None:
    with pytest.raises(RuntimeError, match=r"equal size, got lengths \[2, 1\]"):
        default_collate([[1, 2], [3]])
    with pytest.raises(KeyError):
        default_collate([{"a": 1}, {"b": 2}])
    with pytest.raises(IndexError):
        default_collate([])


def test_the_map_can_be_extended() -> None:
    def join(batch, *, collate_fn_map=None):
        return sorted(set().union(*batch))

    assert collate([{1}, {2}], collate_fn_map={set: join}) == [1, 2]
    default_collate_fn_map[set] = join
    try:
        assert default_collate([({1}, 0), ({2}, 0)])[0] == [1, 2]
    finally:
        del default_collate_fn_map[set]


def test_convert() -> None:
    converted = default_convert({"a": np.array([1, 2]), "b": [np.float32(1), "x"], "c": None})
    assert isinstance(converted["a"], core.Tensor)
    assert converted["b"][0].item() == 1.0
    assert converted["b"][1] == "x"
    assert converted["c"] is None
    assert default_convert(Point(np.array(1), 2)).x.item() == 1
    text = np.array(["a"])
    assert default_convert(text) is text
    assert default_convert((1, 2)) == [1, 2]


def test_a_worker_makes_large_batches_of_like_tensors_in_shared_memory(monkeypatch) -> None:
    made = []

    def allocate(size: int) -> np.ndarray:
        made.append(np.empty(size, np.uint8))
        return made[-1]

    monkeypatch.setattr("lamella_data.collate.allocate", allocate)
    large = [core.full((50, 50), 0.5), core.full((50, 50), 1.5)]
    batch = default_collate(large)
    assert batch.dtype == core.float32
    assert batch[:, 0, 0].tolist() == [0.5, 1.5]
    assert np.shares_memory(batch.numpy(), made[0])
    # What cannot lie there is made as ever: small, of different dtypes, with a gradient to record.
    assert default_collate([core.ones(3), core.zeros(3)]).tolist() == [[1, 1, 1], [0, 0, 0]]
    mixed = default_collate([core.ones(5000), core.ones(5000, dtype=core.float64)])
    assert mixed.dtype == core.float64
    with pytest.raises(RuntimeError):
        default_collate([core.ones(5000), core.ones(5001)])
    assert len(made) == 1


def test_the_map_is_the_same_in_pytorchs_place() -> None:
    place = lamella_data._utils.collate
    assert place.default_collate_fn_map is default_collate_fn_map
    assert place.collate is collate
