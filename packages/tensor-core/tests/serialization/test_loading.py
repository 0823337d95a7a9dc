"""Files that PyTorch 2.13 wrote (``data/README.md`` says how) and the ways to load them."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

import lamella_core
from lamella_core.serialization import load, save

DATA = Path(__file__).parent / "data"
ZIPS = ["shared", "every_dtype", "state_dict", "checkpoint", "parameter", "values"]


@pytest.mark.parametrize("options", [{}, {"weights_only": False}, {"mmap": True}])
def test_shared_storages_strides_and_offsets(options: dict) -> None:
    read = load(DATA / "shared.pt", **options)
    base = np.arange(12.0).reshape(3, 4)
    assert read["base"].tolist() == base.tolist()
    assert read["transposed"].tolist() == base.T.tolist()
    assert read["column"].tolist() == [1, 5, 9]
    assert read["tail"].tolist() == [7, 8, 9, 10, 11]
    assert read["repeated"].tolist() == [[5] * 3] * 2
    assert [read[k].stride() for k in read] == [(4, 1), (1, 4), (4,), (1,), (0, 0)]
    assert [read[k].storage_offset() for k in read] == [0, 0, 1, 7, 0]
    blocks = [read[k].untyped_storage() for k in read]
    assert all(block is blocks[0] for block in blocks[:4])
    assert blocks[4] is not blocks[0]
    read["base"].fill_(3)
    assert read["tail"].tolist() == [3] * 5


def test_every_dtype() -> None:
    read = load(DATA / "every_dtype.pt")
    assert len(read) == 12
    for name, tensor in read.items():
        assert tensor.dtype is getattr(lamella_core, name)
        assert tensor.tolist() == [0, 1, 1]


def test_state_dict_keeps_its_metadata() -> None:
    read = load(DATA / "state_dict.pt")
    assert type(read) is OrderedDict
    assert read["0.weight"].tolist() == [[0, 1], [2, 3]]
    assert read["1.bias"].tolist() == [30, 31]
    assert read["1.num_batches_tracked"].dtype is lamella_core.int64
    assert read._metadata == {"": {"version": 1}, "0": {"version": 1}, "1": {"version": 2}}


def test_checkpoint_of_an_optimizer_and_a_generator() -> None:
    read = load(DATA / "checkpoint.pt")
    state = read["optimizer"]["state"][0]
    # Adam's first step: (1 - 0.9) g and (1 - 0.999) g².
    np.testing.assert_allclose(state["exp_avg"].numpy(), [0.025, 0.05], rtol=1e-6)
    np.testing.assert_allclose(state["exp_avg_sq"].numpy(), [6.25e-5, 2.5e-4], rtol=1e-4)
    assert read["optimizer"]["param_groups"][0]["betas"] == (0.9, 0.999)
    assert read["epoch"] == 3
    fresh = lamella_core.Generator().get_state()
    assert read["rng"].tolist() == fresh.tolist()


def test_parameters_and_attributes() -> None:
    read = load(DATA / "parameter.pt")
    assert read["frozen"].tolist() == [1, 2]
    assert read["marked"].tolist() == [3]
    assert read["marked"].origin == "here"
    assert read["tensor"].note == ["a", 1]


@pytest.mark.parametrize("weights_only", [True, False])
def test_values(weights_only: bool) -> None:
    read = load(DATA / "values.pt", weights_only=weights_only)
    assert read["numbers"] == [1, -1, 255, 65536, -(2**40), 10**30, 2.5, 1 + 2j, True, None]
    assert read["text"] == ["", "é", "x" * 300]
    assert read["bytes"] == [b"", b"\x00\xff", bytearray(b"ab")]
    assert read["containers"] == ((), (1,), (1, 2), (1, 2, 3, 4), [], {}, {3: {4}}, {1, 2})
    size, device, dtype, layout = read["torch"]
    assert type(size) is lamella_core.Size and size == (2, 3)
    assert str(device) == "cuda:1"
    assert dtype is lamella_core.float16
    assert layout is lamella_core.strided
    assert read["empty"].shape == (0, 3)
    assert read["scalar"].shape == () and read["scalar"].item() == 7
    assert read["lazy"].tolist() == [1 - 2j]
    assert read["untyped"].nbytes() == 2


def test_what_requires_grad_says_what_it_needs() -> None:
    if lamella_core.Tensor.requires_grad_.__module__ != "lamella_core.tensor":
        pytest.skip("lamella_autograd is imported")
    file = _with_requires_grad((DATA / "shared.pt").read_bytes())
    with pytest.raises(RuntimeError, match="lamella-autograd"):
        load(io.BytesIO(file))


def _with_requires_grad(contents: bytes) -> bytes:
    # The first tensor's flag: NEWFALSE before the first OrderedDict becomes NEWTRUE.
    read = io.BytesIO(contents)
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(read) as old, zipfile.ZipFile(out, "w") as new:
        for info in old.infolist():
            record = old.read(info)
            if info.filename.endswith("data.pkl"):
                record = record.replace(b"\x89ccollections", b"\x88ccollections", 1)
            new.writestr(info.filename, record)
    return out.getvalue()


def test_file_objects_without_readinto(tmp_path: Path) -> None:
    class Plain:
        def __init__(self, contents: bytes) -> None:
            inner = io.BytesIO(contents)
            self.read, self.seek, self.tell = inner.read, inner.seek, inner.tell

    contents = (DATA / "shared.pt").read_bytes()
    assert load(Plain(contents))["tail"].tolist() == [7, 8, 9, 10, 11]
    assert load(io.BytesIO(contents))["tail"].tolist() == [7, 8, 9, 10, 11]
    with open(DATA / "shared.pt", "rb") as file:
        assert load(file)["tail"].tolist() == [7, 8, 9, 10, 11]


def test_mapped_storages_are_private_to_the_process(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    save({"a": lamella_core.zeros(1000), "e": lamella_core.empty(0)}, path)
    before = path.read_bytes()
    read = load(str(path), mmap=True)
    read["a"].fill_(1)
    assert read["a"].sum().item() == 1000
    assert path.read_bytes() == before
    save(read, path)
    assert load(path)["a"].sum().item() == 1000


def test_mapping_needs_a_path() -> None:
    with pytest.raises(ValueError, match="f must be a file path in order to use the mmap argument"):
        load(io.BytesIO((DATA / "shared.pt").read_bytes()), mmap=True)


def test_the_other_byte_order_is_swapped() -> None:
    out = io.BytesIO()
    save(lamella_core.tensor([1, 256], dtype=lamella_core.int16), out)
    swapped = _rewritten(out.getvalue(), {"byteorder": b"big", "data/0": b"\x00\x01\x01\x00"})
    assert load(io.BytesIO(swapped)).tolist() == [1, 256]


def _rewritten(contents: bytes, records: dict[str, bytes]) -> bytes:
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(contents)) as old, zipfile.ZipFile(out, "w") as new:
        for info in old.infolist():
            name = info.filename.partition("/")[2]
            new.writestr(info.filename, records.get(name, old.read(info)))
    return out.getvalue()


def test_errors_of_arguments() -> None:
    with pytest.raises(AttributeError, match="seek"):
        load(5)
    with pytest.raises(FileNotFoundError):
        load("there/is/none.pt")
    with pytest.raises(EOFError, match="empty"):
        load(io.BytesIO(b""))
    with pytest.raises(RuntimeError, match="pickle_module"):
        load(DATA / "shared.pt", pickle_module=pickle, weights_only=True)
    with pytest.raises(TypeError, match="fix_imports"):
        load(DATA / "shared.pt", fix_imports=True)


def test_another_pickle_module_means_trust() -> None:
    read = load(DATA / "shared.pt", pickle_module=pickle)
    assert read["column"].tolist() == [1, 5, 9]


@pytest.mark.parametrize("name", ZIPS)
@pytest.mark.parametrize("weights_only", [True, False])
def test_no_cut_file_loads(name: str, weights_only: bool, tmp_path: Path) -> None:
    contents = (DATA / f"{name}.pt").read_bytes()
    for kept in range(0, len(contents) - 1, max(1, len(contents) // 60)):
        with pytest.raises((RuntimeError, EOFError, pickle.UnpicklingError)):
            load(io.BytesIO(contents[:kept]), weights_only=weights_only)


def test_files_that_are_none() -> None:
    for contents in (b"abc", b"\x80\x02]q\x00.", b"PK\x03\x04" + b"0" * 100, b"\x93NUMPY" * 100):
        with pytest.raises((RuntimeError, pickle.UnpicklingError), match="file"):
            load(io.BytesIO(contents))
