"""What ``save`` writes, looked at from outside with zipfile and pickletools."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import stat
import zipfile
from collections import Counter, OrderedDict
from importlib import import_module
from mmap import ACCESS_READ, mmap
from pathlib import Path

import numpy as np
import pytest

import lamella_core
from lamella_core.serialization import load, save
from lamella_core.serialization.storages import TypedStorage


def saved(obj: object, **options: object) -> io.BytesIO:
    out = io.BytesIO()
    save(obj, out, **options)
    out.seek(0)
    return out


def test_layout_of_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "model.v1.pt"
    save({"a": lamella_core.arange(5), "b": lamella_core.ones(3)}, path)
    raw = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert [name.partition("/")[2] for name in names] == [
            "data.pkl", ".format_version", ".storage_alignment", "byteorder", "data/0", "data/1",
            "version",
        ]  # fmt: skip
        assert {name.partition("/")[0] for name in names} == {"model.v1"}
        assert archive.read("model.v1/.format_version") == b"1"
        assert archive.read("model.v1/.storage_alignment") == b"64"
        assert archive.read("model.v1/byteorder") == b"little"
        assert archive.read("model.v1/version") == b"3\n"
        assert archive.read("model.v1/data/0") == np.arange(5).tobytes()
        for info in archive.infolist():
            assert info.compress_type == zipfile.ZIP_STORED
            sizes = raw[info.header_offset + 26 : info.header_offset + 30]
            start = info.header_offset + 30
            start += int.from_bytes(sizes[:2], "little") + int.from_bytes(sizes[2:], "little")
            assert start % 64 == 0


def test_the_pickle_has_the_names_of_pytorch() -> None:
    obj = {
        "t": lamella_core.ones(2, dtype=lamella_core.bfloat16),
        "d": lamella_core.device("cuda", 1),
        "s": lamella_core.Size([1]),
        "dt": lamella_core.int8,
        "l": lamella_core.strided,
        "g": lamella_core.Generator(),
    }
    with zipfile.ZipFile(saved(obj)) as archive:
        contents = archive.read("archive/data.pkl")
    globals_ = {arg for op, arg, _ in pickletools.genops(contents) if op.name == "GLOBAL"}
    assert globals_ == {
        "torch._utils _rebuild_tensor_v2",
        "torch BFloat16Storage",
        "torch ByteStorage",
        "collections OrderedDict",
        "torch device",
        "torch Size",
        "torch int8",
        "torch.serialization _get_layout",
        "torch._C Generator",
    }
    assert contents[:2] == b"\x80\x02"


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("weights_only", [True, False])
def test_values_come_back(protocol: int, weights_only: bool) -> None:
    obj = {
        "numbers": [0, -1, 2**31, -(2**70), 1.5, float("inf"), 1j, True, None],
        "texts": ["", "ü", "\ud800", b"", b"\x80", bytearray(b"xy"), "y" * 70000, b"z" * 300],
        "sets": [set(), {1, "a"}, Counter("abba"), OrderedDict(z=1, a=2)],
        ("a", (1, 2)): [(), (1,), (1, 2, 3), (1, 2, 3, 4)],
        "many": list(range(2500)),
        "dict": {i: str(i) for i in range(2500)},
    }
    read = load(saved(obj, pickle_protocol=protocol), weights_only=weights_only)
    assert read == obj
    assert [type(each) for each in read["sets"]] == [set, set, Counter, OrderedDict]


def test_objects_that_are_one_stay_one_and_cycles_close() -> None:
    tensor = lamella_core.ones(2)
    inner: list = [tensor, tensor]
    inner.append(inner)
    read = load(saved(inner))
    assert read[0] is read[1]
    assert read[2] is read


@pytest.mark.parametrize("weights_only", [True, False])
def test_views_share_again(weights_only: bool) -> None:
    base = lamella_core.arange(24).reshape(2, 3, 4)
    views = [base, base.permute(2, 0, 1), base[:, 1], base.select(2, 3), base.data]
    read = load(saved(views), weights_only=weights_only)
    for got, view in zip(read, views, strict=True):
        assert got.tolist() == view.tolist()
        assert got.stride() == view.stride()
        assert got.storage_offset() == view.storage_offset()
        assert got.untyped_storage() is read[0].untyped_storage()
    read[2].fill_(0)
    assert read[0].sum().item() == sum(range(24)) - sum(range(4, 8)) - sum(range(16, 20))


def test_the_whole_storage_is_written_once() -> None:
    base = lamella_core.zeros(1000)
    with zipfile.ZipFile(saved([base[:1], base[5:7]])) as archive:
        assert [i.file_size for i in archive.infolist() if "/data/" in i.filename] == [4000]


def test_state_dict_metadata_and_attributes() -> None:
    state = OrderedDict(w=lamella_core.ones(1))
    state._metadata = OrderedDict({"": {"version": 1}})
    read = load(saved(state))
    assert read._metadata == {"": {"version": 1}}
    tensor = lamella_core.ones(1)
    tensor.origin = "x"
    assert load(saved(tensor)).origin == "x"


def test_generators_continue() -> None:
    generator = lamella_core.Generator().manual_seed(7)
    lamella_core.rand(5, generator=generator)
    for weights_only in (True, False):
        read = load(saved(generator), weights_only=weights_only)
        assert type(read) is lamella_core.Generator
        again = lamella_core.Generator()
        again.set_state(generator.get_state())
        expected = lamella_core.rand(5, generator=again).tolist()
        assert lamella_core.rand(5, generator=read).tolist() == expected


def test_storages() -> None:
    tensor = lamella_core.tensor([1.0, 2.0])
    read = load(saved([tensor.untyped_storage()]))
    assert read[0].nbytes() == 8
    read = load(saved([TypedStorage(tensor.untyped_storage(), lamella_core.float32), tensor]))
    assert read[0].tolist() == [1.0, 2.0]
    assert read[0].untyped() is read[1].untyped_storage()
    with pytest.raises(RuntimeError, match="view the same data as different types"):
        save([tensor, tensor.untyped_storage()], io.BytesIO())


def test_empty_tensors_are_not_one() -> None:
    read = load(saved([lamella_core.empty(0), lamella_core.empty(0, 3, dtype=lamella_core.int8)]))
    assert [tuple(each.shape) for each in read] == [(0,), (0, 3)]
    assert read[1].dtype is lamella_core.int8


@pytest.mark.parametrize("library", ["gzip", "bz2", "lzma"])
def test_files_that_compress(library: str, tmp_path: Path) -> None:
    opener = import_module(library).open
    with opener(tmp_path / "x", "wb") as file:
        save({"a": lamella_core.arange(3)}, file)
    with opener(tmp_path / "x", "rb") as file:
        assert load(file)["a"].tolist() == [0, 1, 2]


def test_a_map_is_a_file_object(tmp_path: Path) -> None:
    save({"a": lamella_core.arange(3)}, tmp_path / "x")
    with open(tmp_path / "x", "rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as mapped:
        assert load(mapped)["a"].tolist() == [0, 1, 2]


def test_an_unseekable_file_object() -> None:
    parts: list[bytes] = []

    class Pipe:
        def write(self, data: object) -> int:
            parts.append(bytes(data))
            return len(parts[-1])

        def flush(self) -> None:
            pass

    save({"a": lamella_core.arange(3)}, Pipe())
    assert load(io.BytesIO(b"".join(parts)))["a"].tolist() == [0, 1, 2]


def test_a_new_archive_behind_other_bytes() -> None:
    out = io.BytesIO()
    save(lamella_core.ones(1), out)
    first = out.tell()
    save(lamella_core.zeros(2), out)
    out.seek(first)
    assert load(out).tolist() == [0, 0]


def test_errors_of_arguments(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Parent directory .*none does not exist"):
        save(1, tmp_path / "none" / "a.pt")
    with pytest.raises(AttributeError, match="'write'"):
        save(1, 5)
    with pytest.raises(ValueError, match="pickle_protocol"):
        save(1, io.BytesIO(), pickle_protocol=1)
    with pytest.raises(ValueError, match="legacy"):
        save(1, io.BytesIO(), _use_new_zipfile_serialization=False)
    with pytest.raises(ValueError, match="pickle_module"):
        save(1, io.BytesIO(), pickle_module=io)
    with pytest.raises((AttributeError, pickle.PicklingError)):
        save(lambda: 1, io.BytesIO())


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    save(1, path)
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    path.chmod(0o640)
    link = tmp_path / "latest.pt"
    link.symlink_to(path)
    save(2, link)
    assert link.is_symlink()
    assert load(path) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["uint16", "uint32", "uint64"])
def test_wide_unsigned_tensors_are_over_untyped_storages(name: str) -> None:
    base = lamella_core.from_numpy(np.arange(6).astype(name))
    file = saved([base, base[2:5]])
    with zipfile.ZipFile(file) as archive:
        (path,) = [n for n in archive.namelist() if n.endswith("data.pkl")]
        names = {
            arg for op, arg, _ in pickletools.genops(archive.read(path)) if op.name == "GLOBAL"
        }
    assert {"torch._utils _rebuild_tensor_v3", "torch.storage UntypedStorage"} <= names
    assert f"torch {name}" in names
    whole, part = load(file)
    part[0] = 9
    assert whole.tolist() == [0, 1, 9, 3, 4, 5] and whole.dtype is base.dtype
