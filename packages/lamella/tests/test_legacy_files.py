"""The formats from before PyTorch 1.6.

``conformance/serialization/make_test_data.py`` made the files: PyTorch 2.13.0 (CPU) wrote the one;
the other, whose format it does not write any more, it read before the file was kept.
"""

from __future__ import annotations

import io
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest

import lamella
from lamella import load

DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize("weights_only", [True, False])
def test_sequence(weights_only: bool) -> None:
    read = load(DATA / "legacy_sequence.pt", weights_only=weights_only)
    base = np.arange(12.0).reshape(3, 4)
    assert read["base"].tolist() == base.tolist()
    assert read["transposed"].tolist() == base.T.tolist()
    assert read["column"].storage_offset() == 1
    assert read["column"].untyped_storage() is read["tail"].untyped_storage()
    assert read["repeated"].stride() == (0, 0)


def test_several_on_end_in_one_file() -> None:
    contents = (DATA / "legacy_sequence.pt").read_bytes()
    file = io.BytesIO(contents * 2)
    for _ in range(2):
        assert load(file)["tail"].tolist() == [7, 8, 9, 10, 11]
    assert file.tell() == 2 * len(contents)


@pytest.mark.parametrize("weights_only", [True, False])
def test_tar(weights_only: bool) -> None:
    read = load(DATA / "legacy_tar.pt", weights_only=weights_only)
    assert read["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert read["b"].tolist() == [1, 4]
    assert read["b"].stride() == (3,)
    assert read["a"].untyped_storage() is read["b"].untyped_storage()
    assert read["n"] == 4


def test_claims_that_the_file_cannot_hold() -> None:
    contents = (DATA / "legacy_sequence.pt").read_bytes()
    size = struct.pack("<q", 12)
    assert contents.count(size) >= 1
    for lie in (13, -1, 2**60):
        with pytest.raises(RuntimeError, match="damaged"):
            load(io.BytesIO(contents.replace(size, struct.pack("<q", lie))))
    # In the pickle: the number of elements of the first storage, BININT1 12 before None.
    claim = b"K\x0cNt"
    assert contents.count(claim) >= 1
    for lie in (b"K\x0dNt", b"J\xff\xff\xff\x7fNt", b"\x8a\x06\xff\xff\xff\xff\xff\x00Nt"):
        with pytest.raises((RuntimeError, pickle.UnpicklingError)):
            load(io.BytesIO(contents.replace(claim, lie)))


def test_version_and_magic() -> None:
    contents = (DATA / "legacy_sequence.pt").read_bytes()
    with pytest.raises(RuntimeError, match="protocol version"):
        load(io.BytesIO(contents.replace(b"M\xe9\x03", b"M\xea\x03", 1)))
    with pytest.raises(pickle.UnpicklingError, match="Invalid magic number"):
        load(io.BytesIO(pickle.dumps(12345, 2)))


def test_no_code_runs_in_the_header_even_when_trusted(tmp_path: Path) -> None:
    class Call:
        def __reduce__(self) -> tuple:
            return open, (str(tmp_path / "was_here"), "w")

    with pytest.raises(pickle.UnpicklingError):
        load(io.BytesIO(pickle.dumps(Call(), 2)), weights_only=False)
    assert not (tmp_path / "was_here").exists()


def test_tar_members_are_never_unpacked(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:") as tar:
        for name in ("../storages", "/tensors"):
            info = tarfile.TarInfo(name)
            info.size = 3
            tar.addfile(info, io.BytesIO(b"abc"))
        link = tarfile.TarInfo("pickle")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    out.seek(0)
    with pytest.raises(RuntimeError, match="without the member 'storages'"):
        load(out)


def test_file_objects_without_readinto() -> None:
    contents = (DATA / "legacy_sequence.pt").read_bytes()

    class Plain:
        def __init__(self) -> None:
            inner = io.BytesIO(contents)
            self.read, self.seek, self.tell = inner.read, inner.seek, inner.tell

    assert load(Plain())["tail"].tolist() == [7, 8, 9, 10, 11]
    with open(DATA / "legacy_sequence.pt", "rb") as file:
        assert load(file)["tail"].tolist() == [7, 8, 9, 10, 11]


def test_mapping_needs_the_zip_format() -> None:
    with pytest.raises(RuntimeError, match="no zip archive"):
        load(DATA / "legacy_sequence.pt", mmap=True)


def test_places_of_other_machines() -> None:
    contents = (DATA / "legacy_sequence.pt").read_bytes()
    # The location is written once and referred to after that.
    cpu, elsewhere = b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00nodev0"
    contents = contents.replace(cpu, elsewhere, 1)
    with pytest.raises(RuntimeError, match=r"don't know how to restore .* 'nodev0'.*map_location"):
        load(io.BytesIO(contents))
    assert load(io.BytesIO(contents), lamella.device("cpu"))["tail"][0].item() == 7


@pytest.mark.parametrize("name", ["legacy_sequence", "legacy_tar"])
@pytest.mark.parametrize("weights_only", [True, False])
def test_no_cut_file_loads(name: str, weights_only: bool) -> None:
    contents = (DATA / f"{name}.pt").read_bytes()
    if name == "legacy_tar":
        contents = contents[: contents.rindex(b"pickle") + 600]
    for kept in range(0, len(contents) - 1, max(1, len(contents) // 60)):
        if name == "legacy_tar" and kept > contents.rindex(b"pickle") + 512:
            continue
        with pytest.raises((RuntimeError, EOFError, pickle.UnpicklingError)):
            load(io.BytesIO(contents[:kept]), weights_only=weights_only)
