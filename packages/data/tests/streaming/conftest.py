from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest


def _write_tar(path, samples, mode: str = "w") -> dict[str, int]:
    data = io.BytesIO()
    offsets = {}
    with tarfile.open(fileobj=data, mode=mode) as archive:
        for name, content in samples.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            offsets[name] = archive.offset
            archive.addfile(member, io.BytesIO(content))
    Path(path).write_bytes(data.getvalue())
    return offsets


def _numbered(first: int, count: int) -> dict[str, bytes]:
    files = {}
    for number in range(first, first + count):
        files[f"{number:05}.cls"] = str(number).encode()
        files[f"{number:05}.bin"] = bytes(100 * number)
    return files


@pytest.fixture
def write_tar():
    """Writes ``{name: bytes}`` as an archive; returns the offset of each member."""
    return _write_tar


@pytest.fixture
def numbered():
    """Samples of two files each: a number, and a hundred times as many bytes."""
    return _numbered


@pytest.fixture
def shards(tmp_path) -> str:
    """Five archives of ten samples each, numbered from 0 to 49."""
    for shard in range(5):
        _write_tar(tmp_path / f"part-{shard:03}.tar", _numbered(10 * shard, 10))
    return str(tmp_path / "part-{000..004}.tar")
