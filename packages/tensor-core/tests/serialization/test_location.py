"""``map_location`` in its four forms."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

import lamella_core
from lamella_core.serialization import load, save
from lamella_core.storage import Storage

DATA = Path(__file__).parent / "data"


def elsewhere() -> io.BytesIO:
    """A file of PyTorch's whose tensors claim to come from a device that is nowhere."""
    out = io.BytesIO()
    with zipfile.ZipFile(DATA / "shared.pt") as old, zipfile.ZipFile(out, "w") as new:
        for info in old.infolist():
            record = old.read(info)
            # The location is written once and referred to after that.
            cpu, nowhere = b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00nodev0"
            new.writestr(info.filename, record.replace(cpu, nowhere, 1))
    out.seek(0)
    return out


def test_none_and_the_device_of_the_file() -> None:
    assert str(load(DATA / "shared.pt")["base"].device) == "cpu"
    with pytest.raises(RuntimeError, match=r"don't know how to restore .* 'nodev0'.*map_location"):
        load(elsewhere())


@pytest.mark.parametrize(
    "place",
    [
        "cpu",
        b"cpu",
        lamella_core.device("cpu"),
        {"nodev0": "cpu"},
        {"nodev0": lamella_core.device("cpu")},
        lambda storage, location: storage,
    ],
    ids=["str", "bytes", "device", "dict", "dict of device", "function"],
)
def test_the_wanted_place(place: object) -> None:
    read = load(elsewhere(), map_location=place)
    assert read["column"].tolist() == [1, 5, 9]
    assert read["column"].untyped_storage() is read["base"].untyped_storage()


def test_a_function_is_given_storage_and_tag() -> None:
    seen = []

    def place(storage: object, location: str) -> None:
        seen.append((type(storage), storage.nbytes(), location))

    load(DATA / "shared.pt", map_location=place)
    assert seen == [(Storage, 48, "cpu"), (Storage, 4, "cpu")]


def test_wrong_places() -> None:
    with pytest.raises(RuntimeError, match="'nowhere'"):
        load(DATA / "shared.pt", map_location="nowhere")
    with pytest.raises(RuntimeError, match="restore"):
        load(DATA / "shared.pt", map_location="no such:x")
    with pytest.raises(TypeError, match="map_location"):
        load(DATA / "shared.pt", map_location=3)
    with pytest.raises(TypeError, match="returned int"):
        load(DATA / "shared.pt", map_location=lambda storage, location: 3, weights_only=False)


def test_the_place_of_a_saved_tensor() -> None:
    out = io.BytesIO()
    save(lamella_core.ones(2), out)
    out.seek(0)
    assert load(out, map_location={"cuda:0": "cpu"}).tolist() == [1, 1]
