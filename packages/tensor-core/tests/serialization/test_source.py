"""Reading in parts by several threads gives the bytes of the file and their CRC-32, by zlib."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import lamella_core
from lamella_core import parallel
from lamella_core.serialization import load, save
from lamella_core.serialization.source import PART, PIECE, Source


@pytest.fixture(params=[1, 3], autouse=True)
def threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = parallel.thread_count()
    parallel.set_thread_count(request.param)
    yield
    parallel.set_thread_count(before)


@pytest.mark.parametrize("size", [0, 1, PIECE + 1, PART, PART + 1, 3 * PART - 1, 3 * PART])
def test_bytes_and_checksum_are_those_of_the_file(size: int, tmp_path: Path) -> None:
    contents = np.random.default_rng(size).integers(0, 256, size + 10, np.uint8).tobytes()
    path = tmp_path / "a.bin"
    path.write_bytes(contents)
    expected = contents[7 : 7 + size]
    with path.open("rb", buffering=0) as file:
        for source in (Source(file, str(path)), Source(file)):
            target = bytearray(size)
            assert source.read_into(7, memoryview(target)) == zlib.crc32(expected)
            assert target == expected


def test_a_file_that_ends_in_any_part_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    for size in (PART // 2, PART, 3 * PART - 1):
        path.write_bytes(bytes(size))
        with path.open("rb", buffering=0) as file, pytest.raises(RuntimeError, match="was cut off"):
            Source(file, str(path)).read_into(0, memoryview(bytearray(3 * PART)))


def test_a_wrong_byte_in_any_part_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    save(lamella_core.zeros(3 * PART // 4 + 5), path)
    contents = path.read_bytes()
    for place in (PART // 2, PART + PART // 2, 3 * PART):
        path.write_bytes(contents[:place] + b"\x01" + contents[place + 1 :])
        with pytest.raises(RuntimeError, match="checksum"):
            load(path)
