"""Choices of saving and loading for the whole process."""

from __future__ import annotations

import io
import mmap
import sys
import zipfile

import pytest

import lamella as torch
from lamella import serialization
from lamella.utils.dlpack import DLDeviceType
from lamella_core.serialization import location


def _without_order(values: torch.Tensor, contents: bytes) -> io.BytesIO:
    file, out = io.BytesIO(), io.BytesIO()
    torch.save(values, file)
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            if not name.endswith("byteorder"):
                new.writestr(name, contents if name.endswith("data/0") else old.read(name))
    out.seek(0)
    return out


def test_the_byte_order_of_files_that_do_not_tell_theirs() -> None:
    order = serialization.LoadEndianness
    file = _without_order(torch.tensor([0, 0], dtype=torch.int16), b"\0\1\0\2")
    assert serialization.get_default_load_endianness() is None
    assert torch.load(file).tolist() == [256, 512]
    native = [256, 512] if sys.byteorder == "little" else [1, 2]
    for wanted, values in ((order.BIG, [1, 2]), (order.LITTLE, [256, 512]), (order.NATIVE, native)):
        serialization.set_default_load_endianness(wanted)
        try:
            file.seek(0)
            assert serialization.get_default_load_endianness() is wanted
            assert torch.load(file).tolist() == values
        finally:
            serialization.set_default_load_endianness(None)
    with pytest.raises(TypeError, match="expects a LoadEndianness or None, got str"):
        serialization.set_default_load_endianness("big")


def test_checksums_and_maps_stay_as_they_are() -> None:
    serialization.set_crc32_options(True)
    assert serialization.get_crc32_options() is True
    with pytest.raises(NotImplementedError, match="always writes checksums"):
        serialization.set_crc32_options(False)
    with serialization.set_default_mmap_options(mmap.MAP_PRIVATE):
        assert serialization.get_default_mmap_options() == mmap.MAP_PRIVATE
    with pytest.raises(NotImplementedError, match="from_file"):
        serialization.set_default_mmap_options(mmap.MAP_SHARED)
    with pytest.raises(ValueError, match="got 77"):
        serialization.set_default_mmap_options(77)


def test_a_package_says_where_storages_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(location, "packages", [])
    asked = []

    def move(storage: torch.UntypedStorage, place: str) -> torch.UntypedStorage | None:
        asked.append(place)
        return storage.clone().fill_(0) if place == "zoo" else None

    serialization.register_package(
        7, lambda storage: "zoo" if storage.nbytes() == 12 else None, move
    )
    serialization.register_package(3, lambda storage: None, lambda storage, place: None)
    assert [priority for priority, _, _ in location.packages] == [3, 7]
    three, two = torch.ones(3), torch.ones(2)
    assert serialization.location_tag(three.untyped_storage()) == "zoo"
    assert serialization.location_tag(two.untyped_storage()) == "cpu"
    file = io.BytesIO()
    torch.save([three, two], file)
    file.seek(0)
    read = torch.load(file)
    assert [each.tolist() for each in read] == [[0.0, 0.0, 0.0], [1.0, 1.0]]
    assert asked == ["zoo", "cpu"]
    monkeypatch.setattr(location, "packages", [])
    file.seek(0)
    with pytest.raises(RuntimeError, match="'zoo'"):
        torch.load(file)
    storage = two.untyped_storage()
    assert serialization.default_restore_location(storage, "cpu") is storage


def test_types_of_devices_in_dlpack() -> None:
    assert torch.ones(2).__dlpack_device__() == (DLDeviceType.kDLCPU, 0)
    assert DLDeviceType(2) is DLDeviceType.kDLCUDA
    assert issubclass(serialization.SourceChangeWarning, Warning)
