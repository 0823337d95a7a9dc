from __future__ import annotations

import collections

import pytest

import lamella_core
from lamella_data import DataLoader
from lamella_data.pinning import pin_memory, pins

Pair = collections.namedtuple("Pair", ["a", "b"])


class Batch:
    def __init__(self) -> None:
        self.pinned = False

    def pin_memory(self) -> Batch:
        copy = Batch()
        copy.pinned = True
        return copy


def test_containers_keep_their_types() -> None:
    data = {"a": [Batch(), "x"], "b": Pair(Batch(), 1), "c": (Batch(),), "d": None}
    pinned = pin_memory(data)
    assert pinned["a"][0].pinned
    assert pinned["a"][1] == "x"
    assert isinstance(pinned["b"], Pair)
    assert pinned["b"].a.pinned
    assert isinstance(pinned["c"], tuple)
    assert pinned["d"] is None
    assert not data["a"][0].pinned


class Fixed(collections.abc.Mapping):
    """Cannot be made from a dict."""

    def __init__(self) -> None:
        self.items_of = {"a": Batch()}

    def __getitem__(self, key):
        return self.items_of[key]

    def __iter__(self):
        return iter(self.items_of)

    def __len__(self) -> int:
        return len(self.items_of)


class Uncopied(dict):
    def __copy__(self):
        raise TypeError("no copies")


class Row(tuple):
    __slots__ = ()


# As PyTorch 2.13 does with these.
def test_containers_of_ones_own() -> None:
    for mapping in (Fixed(), Uncopied(a=Batch())):
        pinned = pin_memory(mapping)
        assert type(pinned) is dict
        assert pinned["a"].pinned
    row = pin_memory(Row((Batch(), 1)))
    assert type(row) is Row
    assert row[0].pinned
    assert pin_memory(range(3)) == [0, 1, 2]


def test_without_the_option_nothing_is_asked() -> None:
    assert pins(False, "") is False


def test_without_an_accelerator_it_warns(monkeypatch) -> None:
    monkeypatch.setattr(lamella_core, "backends", {"cpu": None})
    with pytest.warns(UserWarning, match="no accelerator is found"):
        assert pins(True, "") is False


def test_with_an_accelerator_batches_are_pinned(monkeypatch) -> None:
    monkeypatch.setattr(lamella_core, "backends", {"cpu": None, "cuda": None})
    assert pins(True, "") is True
    loader = DataLoader([Batch(), Batch()], None, pin_memory=True)
    assert [batch.pinned for batch in loader] == [True, True]


def test_a_device_by_name_is_deprecated(monkeypatch) -> None:
    monkeypatch.setattr(lamella_core, "backends", {"cpu": None})
    with pytest.warns(UserWarning) as warned:
        pins(True, "cuda")
    assert "pin_memory_device is deprecated" in str(warned[0].message)
