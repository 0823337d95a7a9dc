"""Archives that were damaged or made to harm: refused before memory is taken."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest

import lamella_core
from lamella_core.serialization import load, save
from lamella_core.serialization.archive import ArchiveReader, ArchiveWriter
from lamella_core.serialization.source import Source


def tensor_file() -> bytes:
    out = io.BytesIO()
    save({"a": lamella_core.arange(100)}, out)
    return out.getvalue()


def rebuilt(change: object, compression: int = zipfile.ZIP_STORED) -> io.BytesIO:
    """The file with each record passed through ``change(name, contents)``."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(tensor_file())) as old,
        zipfile.ZipFile(out, "w", compression) as new,
    ):
        for info in old.infolist():
            for name, contents in change(info.filename, old.read(info)):
                new.writestr(name, contents)
    out.seek(0)
    return out


def test_write_and_read() -> None:
    out = io.BytesIO()
    writer = ArchiveWriter(out, "top")
    writer.write("a", b"123")
    writer.write("b/c", b"")
    writer.close()
    reader = ArchiveReader(Source(out))
    assert reader.folder == "top"
    assert reader.names() == ["a", "b/c"]
    assert reader.read("a") == b"123"
    assert reader.read("b/c") == b""
    assert "d" not in reader
    with pytest.raises(RuntimeError, match="record 'd' is not in it"):
        reader.read("d")
    assert reader.find("a").start % 64 == 0


@pytest.mark.parametrize(
    "name", ["archive/../x", "../x", "/x", "archive//x", "other/x", "archive/a\\b", "x"]
)
def test_names_that_leave_the_folder(name: str) -> None:
    file = rebuilt(lambda own, contents: [(name if own.endswith("/version") else own, contents)])
    with pytest.raises(RuntimeError, match="not a record in its folder"):
        load(file)


def test_compressed_records_are_refused() -> None:
    file = rebuilt(lambda name, contents: [(name, contents)], zipfile.ZIP_DEFLATED)
    with pytest.raises(RuntimeError, match="compressed"):
        load(file)


def test_a_bomb_is_not_unpacked() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("archive/data.pkl", b"\0" * (64 << 20))
    out.seek(0)
    assert len(out.getvalue()) < 100_000
    with pytest.raises(RuntimeError, match="compressed"):
        load(out)


def test_a_record_twice() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        file = rebuilt(lambda name, contents: [(name, contents)] * (1 + name.endswith("/version")))
    with pytest.raises(RuntimeError, match="twice"):
        load(file)


def test_sizes_that_lie() -> None:
    contents = tensor_file()
    place = contents.rindex(b"archive/data/0") - 46
    assert contents[place : place + 4] == b"PK\x01\x02"
    for size in (801, 10**6, 2**32 - 2):
        lying = bytearray(contents)
        struct.pack_into("<II", lying, place + 20, size, size)
        with pytest.raises(RuntimeError, match="claim|says"):
            load(io.BytesIO(lying))
    lying = bytearray(contents)
    struct.pack_into("<I", lying, place + 20, 8)
    with pytest.raises(RuntimeError, match="two sizes"):
        load(io.BytesIO(lying))


def test_records_over_one_another() -> None:
    # Many names for one run of bytes would take many times the file's memory.
    contents = bytearray(tensor_file())
    place = contents.rindex(b"archive/version") - 46
    other = contents.rindex(b"archive/data/0") - 46
    contents[place + 16 : place + 28] = contents[other + 16 : other + 28]
    start = struct.unpack_from("<I", contents, other + 42)[0]
    struct.pack_into("<I", contents, place + 42, start)
    with pytest.raises(RuntimeError):
        ArchiveReader(Source(io.BytesIO(contents))).read("version")


def test_files_without_checksums_load() -> None:
    """As PyTorch's after ``set_crc32_options(False)``: all checksums are 0."""
    contents = bytearray(tensor_file())
    with zipfile.ZipFile(io.BytesIO(contents)) as archive:
        checksums = [struct.pack("<I", info.CRC) for info in archive.infolist()]
    for checksum in checksums:
        contents = contents.replace(checksum, bytes(4))
    assert load(io.BytesIO(contents))["a"].tolist() == list(range(100))


def test_checksums() -> None:
    contents = bytearray(tensor_file())
    place = contents.index(struct.pack("<qq", 7, 8))
    contents[place] ^= 1
    with pytest.raises(RuntimeError, match="checksum of its record 'data/0'"):
        load(io.BytesIO(contents))
    contents = bytearray(tensor_file())
    contents[contents.index(b"ctorch._utils") + 20] ^= 1
    with pytest.raises(RuntimeError, match=r"checksum of its record 'data.pkl'"):
        load(io.BytesIO(contents))


def test_encrypted_records_are_refused() -> None:
    contents = bytearray(tensor_file())
    place = contents.rindex(b"archive/data/0") - 46
    contents[place + 8] |= 1
    with pytest.raises(RuntimeError, match="encrypted"):
        load(io.BytesIO(contents))


def test_torchscript_and_foreign_archives() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("model/constants.pkl", b"")
    out.seek(0)
    with pytest.raises(RuntimeError, match="TorchScript"):
        load(out)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a/b.txt", b"")
    out.seek(0)
    with pytest.raises(RuntimeError, match=r"record 'data.pkl' is not in it"):
        load(out)


def test_records_above_four_gigabytes_have_zip64_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    from lamella_core.serialization import archive

    monkeypatch.setattr(archive, "_ZIP64_FROM", 10)
    out = io.BytesIO()
    writer = ArchiveWriter(out, "a")
    writer.write("long", b"x" * 11)
    writer.write("short", b"y")
    writer.close()
    assert struct.pack("<HHQQ", 1, 16, 11, 11) in out.getvalue()
    reader = ArchiveReader(Source(out))
    assert reader.read("long") == b"x" * 11
    assert all(reader.find(name).start % 64 == 0 for name in reader.names())
    assert reader.find("long").crc == zlib.crc32(b"x" * 11)
