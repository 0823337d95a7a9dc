from __future__ import annotations

import io
import itertools
import os
import tarfile

import pytest

from lamella_data.streaming import CorruptShardError, TarDataset
from lamella_data.streaming.files import ShardFile
from lamella_data.streaming.tar_reader import TarReader, split_name


def read(path, position: int = 0):
    with ShardFile(str(path), 0, 0, {}) as file:
        return list(TarReader(file).read(position))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("0001.jpg", ("0001", "jpg")),
        ("a/b.c/0001.seg.png", ("a/b.c/0001", "seg.png")),
        ("./0001.jpg", ("./0001", "jpg")),
        ("readme", ("readme", "")),
    ],
)
def test_a_name_is_cut_at_its_first_dot(name, parts) -> None:
    assert split_name(name) == parts


def test_files_of_one_base_name_are_one_sample(tmp_path, write_tar) -> None:
    path = tmp_path / "a.tar"
    write_tar(path, {"x/1.a": b"A", "x/1.b.c": b"B", "y/1.a": b"C", "2.a": b""})
    samples = [sample for sample, _, _ in read(path)]
    url = str(path)
    assert samples == [
        {"__key__": "x/1", "__url__": url, "a": b"A", "b.c": b"B"},
        {"__key__": "y/1", "__url__": url, "a": b"C"},
        {"__key__": "2", "__url__": url, "a": b""},
    ]


def test_a_position_is_where_a_sample_can_be_read_from(tmp_path, write_tar, numbered) -> None:
    path = tmp_path / "a.tar"
    offsets = write_tar(path, numbered(0, 12))
    found = read(path)
    assert [start for _, start, _ in found] == [
        offset for name, offset in offsets.items() if name.endswith("cls")
    ]
    for number, (_, start, following) in enumerate(found):
        assert read(path, start) == found[number:]
        assert read(path, following) == found[number + 1 :]


@pytest.mark.parametrize("tar_format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_names_folders_and_links(tmp_path, tar_format) -> None:
    path = tmp_path / "a.tar"
    name = "folder/" + 40 * "long name " + ".txt"
    with tarfile.open(path, "w", format=tar_format) as archive:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for each in (name, "ü.txt"):
            member = tarfile.TarInfo(each)
            member.size = 3
            archive.addfile(member, io.BytesIO(b"abc"))
        link = tarfile.TarInfo("link.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    found = read(path)
    assert [sample["__key__"] for sample, _, _ in found] == [name.removesuffix(".txt"), "ü"]
    assert [sample for sample, *_ in read(path, found[1][1])] == [found[1][0]]


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz"])
def test_compressed_archives(tmp_path, write_tar, numbered, compression) -> None:
    plain, path = tmp_path / "a.tar", tmp_path / f"a.tar.{compression}"
    write_tar(plain, numbered(0, 6))
    write_tar(path, numbered(0, 6), f"w:{compression}")
    found = read(path)
    assert [sample["cls"] for sample, _, _ in found] == [b"0", b"1", b"2", b"3", b"4", b"5"]
    assert read(path, found[3][1]) == found[3:]
    damaged = bytearray(path.read_bytes())
    path.write_bytes(damaged[: len(damaged) // 2])
    with pytest.raises(CorruptShardError, match=rf"a\.tar\.{compression} at byte \d+"):
        read(path)


def test_names_that_lead_elsewhere_are_only_names(tmp_path, write_tar) -> None:
    path = tmp_path / "inner" / "a.tar"
    path.parent.mkdir()
    write_tar(path, {"../../evil.txt": b"x", "/etc/evil.txt": b"y"})
    before = sorted(os.walk(tmp_path))
    assert [sample["__key__"] for sample, _, _ in read(path)] == ["../../evil", "/etc/evil"]
    assert sorted(os.walk(tmp_path)) == before


def damaged_header(data: bytearray, offset: int) -> bytes:
    data[offset + 2] ^= 0xFF
    return bytes(data)


def damaged_checksum(data: bytearray, offset: int) -> bytes:
    data[offset + 150] = ord("9")
    return bytes(data)


def cut_in_data(data: bytearray, offset: int) -> bytes:
    return bytes(data[: offset + 700])


def cut_in_header(data: bytearray, offset: int) -> bytes:
    return bytes(data[: offset + 100])


def cut_between_members(data: bytearray, offset: int) -> bytes:
    return bytes(data[:offset])


@pytest.mark.parametrize(
    "damage", [damaged_header, damaged_checksum, cut_in_data, cut_in_header, cut_between_members]
)
def test_damage_is_named_by_file_and_offset(tmp_path, write_tar, numbered, damage) -> None:
    path = tmp_path / "a.tar"
    offset = write_tar(path, numbered(5, 9))["00010.bin"]
    path.write_bytes(damage(bytearray(path.read_bytes()), offset))
    stream = iter(TarDataset(str(path)))
    assert [sample["cls"] for sample in itertools.islice(stream, 5)] == [5, 6, 7, 8, 9]
    with pytest.raises(CorruptShardError, match=f"corrupt shard {path} at byte {offset}: ") as info:
        next(stream)
    assert (info.value.url, info.value.offset) == (str(path), offset)


@pytest.mark.parametrize("content", [b"", b"no archive" * 200], ids=["empty", "text"])
def test_what_is_no_archive(tmp_path, content) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(content)
    with pytest.raises(CorruptShardError, match="at byte 0"):
        read(path)


def test_a_field_that_comes_twice(tmp_path, write_tar) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for _ in range(2):
            archive.addfile(tarfile.TarInfo("1.txt"), io.BytesIO())
    with pytest.raises(CorruptShardError, match=r"at byte 512: a second '1\.txt' in one sample"):
        read(path)


def test_an_archive_without_members(tmp_path, write_tar) -> None:
    write_tar(tmp_path / "a.tar", {})
    assert read(tmp_path / "a.tar") == []
