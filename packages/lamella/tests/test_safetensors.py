"""The safetensors format: written by us and read by NumPy's side of the library, and back."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import lamella
import lamella_core

library = pytest.importorskip("safetensors.numpy")
from lamella import safetensors  # noqa: E402

NAMES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")


def test_every_dtype_both_ways(tmp_path: Path) -> None:
    tensors = {
        n: lamella_core.tensor([[0, 1], [1, 1]], dtype=getattr(lamella_core, n)) for n in NAMES
    }
    read = library.load(safetensors.save(tensors))
    for name, tensor in tensors.items():
        assert read[name].dtype == np.dtype(name)
        assert read[name].tolist() == tensor.tolist()
    arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
    library.save_file(arrays, tmp_path / "a.safetensors")
    for again in (
        safetensors.load(library.save(arrays)),
        safetensors.load_file(tmp_path / "a.safetensors"),
    ):
        assert set(again) == set(NAMES)
        for name, tensor in tensors.items():
            assert again[name].dtype is tensor.dtype
            assert again[name].tolist() == tensor.tolist()


def test_bfloat16_scalars_and_empty_tensors(tmp_path: Path) -> None:
    tensors = {
        "half": lamella_core.tensor([1.5, -2.0], dtype=lamella_core.bfloat16),
        "scalar": lamella_core.tensor(3.0),
        "empty": lamella_core.empty(0, 4),
    }
    path = tmp_path / "a.safetensors"
    safetensors.save_file(tensors, path, {"kept": "beside"})
    assert os.listdir(tmp_path) == ["a.safetensors"]
    assert b'"kept":"beside"' in path.read_bytes()
    for read in (safetensors.load_file(path), safetensors.load(path.read_bytes())):
        assert read["half"].dtype is lamella_core.bfloat16
        assert read["half"].tolist() == [1.5, -2.0]
        assert read["scalar"].shape == () and read["scalar"].item() == 3
        assert read["empty"].shape == (0, 4)
        read["half"].fill_(1)


def test_what_the_format_cannot_say() -> None:
    tensor = lamella_core.ones(2, 3)
    with pytest.raises(ValueError, match="not contiguous"):
        safetensors.save({"a": tensor.t()})
    with pytest.raises(RuntimeError, match="'a' and 'b' share memory"):
        safetensors.save({"a": tensor, "b": tensor.view(6)})
    parts = safetensors.load(safetensors.save({"a": tensor[:1], "b": tensor[1:], "c": tensor[:0]}))
    assert [tuple(parts[name].shape) for name in "abc"] == [(1, 3), (1, 3), (0, 3)]
    with pytest.raises(RuntimeError, match="'a' and 'c' share memory"):
        safetensors.save({"a": tensor, "b": tensor[:0], "c": tensor[1]})
    with pytest.raises(ValueError, match="layout torch.sparse_coo"):
        safetensors.save({"a": lamella.eye(2).to_sparse()})
    with pytest.raises(ValueError, match="dict"):
        safetensors.save([tensor])
    with pytest.raises(ValueError, match="Key `a` is invalid"):
        safetensors.save({"a": 1})


def test_damaged_files(tmp_path: Path) -> None:
    from safetensors import SafetensorError

    contents = safetensors.save({"a": lamella_core.ones(10)})
    for damaged in (b"", contents[:20], contents[:-1], b"\xff" * 30):
        with pytest.raises(SafetensorError):
            safetensors.load(damaged)
    with pytest.raises(FileNotFoundError):
        safetensors.load_file(tmp_path / "none")
    with pytest.raises(RuntimeError, match="Parent directory"):
        safetensors.save_file({}, tmp_path / "none" / "a")
