from __future__ import annotations

import ctypes
import mmap
import os
import sys
import threading
import time

import pytest

from lamella_data import DataLoader, get_worker_info
from lamella_data.streaming import TarDataset, ahead
from lamella_data.streaming.ahead import ReadAhead

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reading ahead needs Linux")

STEP = 1 << 16


@pytest.fixture
def sent(monkeypatch) -> list[tuple[str, int]]:
    """Makes steps of 64 KB, three of them ahead; lists them as name and offset."""
    found = []
    sendfile = os.sendfile

    def record(null, file, offset, count):
        assert os.readlink(f"/proc/self/fd/{null}") == os.devnull
        name = os.path.basename(os.readlink(f"/proc/self/fd/{file}"))
        done = sendfile(null, file, offset, count)
        if done:
            found.append((name, offset))
        return done

    monkeypatch.setattr(ahead.os, "sendfile", record)
    monkeypatch.setattr(ahead, "_STEP", STEP)
    monkeypatch.setattr(ahead, "_STEPS", 3)
    return found


@pytest.fixture
def files(tmp_path) -> list[tuple[int, str]]:
    """A file of four steps, one of half a step, and one of two steps."""
    found = []
    for number, size in enumerate((4 * STEP, STEP // 2, 2 * STEP)):
        path = tmp_path / f"{number}"
        path.write_bytes(bytes(size))
        found.append((number, str(path)))
    return found


def first(count: int, sent) -> list[tuple[str, int]]:
    """What was sent, with so many steps of it there and time for one too many."""
    deadline = time.monotonic() + 10
    while len(sent) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    return list(sent)


def test_it_is_some_steps_ahead_of_the_reader_over_the_ends_of_files(sent, files) -> None:
    steps = [("0", 0), ("0", STEP), ("0", 2 * STEP), ("0", 3 * STEP), ("1", 0), ("2", 0)]
    with ReadAhead(files) as reader:
        assert first(3, sent) == steps[:3]
        reader.passed(0, STEP - 1)
        assert first(3, sent) == steps[:3]
        reader.passed(0, 2 * STEP)
        assert first(5, sent) == steps[:5]
        reader.passed(1, 0)
        assert first(7, sent) == [*steps, ("2", STEP)]


def test_it_does_not_bring_what_the_reader_has_passed(sent, files) -> None:
    with ReadAhead(files) as reader:
        first(3, sent)
        reader.passed(2, STEP)
        assert first(4, sent)[3:] == [("2", STEP)]


def test_it_ends_with_the_reader(sent, files) -> None:
    threads, descriptors = threading.active_count(), len(os.listdir("/proc/self/fd"))
    with ReadAhead(files):
        first(3, sent)
        assert threading.active_count() == threads + 1
    wait_for(threads)
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert len(sent) == 3


def test_what_cannot_be_read_ends_it(sent, files, tmp_path) -> None:
    threads = threading.active_count()
    with ReadAhead([(0, str(tmp_path / "none")), *files]):
        wait_for(threads)
    assert sent == []


def wait_for(threads: int) -> None:
    deadline = time.monotonic() + 10
    while threading.active_count() > threads and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == threads


def pages_in_cache(path) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    with open(path, "rb") as file:
        block = mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
    found = (ctypes.c_ubyte * -(-len(block) // mmap.PAGESIZE))()
    address = ctypes.addressof(ctypes.c_char.from_buffer(block))
    assert libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(len(block)), found) == 0
    return sum(one & 1 for one in found)


def test_workers_bring_the_next_shard_into_the_cache(tmp_path, write_tar) -> None:
    paths = [tmp_path / f"{number}.tar" for number in range(2)]
    for number, path in enumerate(paths):
        write_tar(path, {f"{number}.bin": bytes(1 << 20)})
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if pages_in_cache(paths[1]):
        pytest.skip("the system does not drop this file from its cache")

    def wait(sample):
        assert get_worker_info() is not None
        deadline = time.monotonic() + 10
        while not pages_in_cache(paths[1]) and time.monotonic() < deadline:
            time.sleep(0.01)
        return sample["__key__"], pages_in_cache(paths[1]) > 0

    dataset = TarDataset(map(str, paths), transform=wait)
    assert list(DataLoader(dataset, None, num_workers=1))[0] == ["0", True]
