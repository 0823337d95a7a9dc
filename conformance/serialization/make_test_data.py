"""Writes the small files of PyTorch that the tests of tensor-core and of lamella read.

Run with PyTorch 2.13: ``python make_test_data.py FOLDER [LEGACY_FOLDER]``. Files of the formats
from before PyTorch 1.6, which lamella reads, go to the second folder where there is one. The
contents are fixed, so the tests state them as constants. PyTorch does not write the tar format any
more; that file is put together here and read once by PyTorch before it is kept.
"""

from __future__ import annotations

import io
import pickle
import struct
import sys
import tarfile
import tempfile
import warnings
from collections import OrderedDict
from pathlib import Path

import torch


def shared() -> dict[str, torch.Tensor]:
    base = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    return {
        "base": base,
        "transposed": base.t(),
        "column": base[:, 1],
        "tail": base.flatten()[7:],
        "repeated": torch.tensor([5.0]).expand(2, 3),
    }


def every_dtype() -> dict[str, torch.Tensor]:
    names = (
        "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128"
    )
    return {name: torch.tensor([0, 1, 1], dtype=getattr(torch, name)) for name in names.split()}


def state_dict() -> OrderedDict[str, torch.Tensor]:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    with torch.no_grad():
        for place, parameter in enumerate(model.parameters()):
            parameter.copy_(torch.arange(parameter.numel()).reshape(parameter.shape) + 10 * place)
    return model.state_dict()


def checkpoint() -> dict[str, object]:
    weight = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    optimizer = torch.optim.Adam([weight], lr=0.5)
    weight.grad = torch.tensor([0.25, 0.5])
    optimizer.step()
    return {"optimizer": optimizer.state_dict(), "epoch": 3, "rng": torch.Generator().get_state()}


def parameter() -> OrderedDict[str, object]:
    frozen = torch.nn.Parameter(torch.tensor([1.0, 2.0]), requires_grad=False)
    marked = torch.nn.Parameter(torch.tensor([3.0]), requires_grad=False)
    marked.origin = "here"
    tensor = torch.tensor([4, 5])
    tensor.note = ["a", 1]
    return OrderedDict(frozen=frozen, marked=marked, tensor=tensor)


def values() -> dict[str, object]:
    return {
        "numbers": [1, -1, 255, 65536, -(2**40), 10**30, 2.5, 1 + 2j, True, None],
        "text": ["", "é", "x" * 300],
        "bytes": [b"", b"\x00\xff", bytearray(b"ab")],
        "containers": ((), (1,), (1, 2), (1, 2, 3, 4), [], {}, {3: {4}}, {1, 2}),
        "torch": [torch.Size([2, 3]), torch.device("cuda", 1), torch.float16, torch.strided],
        "empty": torch.empty(0, 3),
        "scalar": torch.tensor(7),
        "lazy": torch.tensor([1 + 2j]).conj(),
        "untyped": torch.tensor([1, 2], dtype=torch.uint8).untyped_storage(),
    }


def tar_file() -> bytes:
    members = {}
    storages = io.BytesIO()
    pickle.dump(1, storages, 2)
    pickle.dump((11, "cpu", torch.FloatStorage), storages, 2)
    storages.write(struct.pack("<q6f", 6, *range(6)))
    pickle.dump([], storages, 2)
    members["storages"] = storages.getvalue()
    tensors = io.BytesIO()
    pickle.dump(2, tensors, 2)
    for key, sizes, strides, offset in ((21, (2, 3), (3, 1), 0), (22, (2,), (3,), 1)):
        pickle.dump((key, 11, torch.FloatTensor), tensors, 2)
        tensors.write(struct.pack("<ii", len(sizes), 0))
        tensors.write(struct.pack(f"<{2 * len(sizes) + 1}q", *sizes, *strides, offset))
    members["tensors"] = tensors.getvalue()

    class Numbered(pickle.Pickler):
        def persistent_id(self, obj: object) -> str | None:
            return {"matrix": "21", "column": "22"}.get(obj) if isinstance(obj, str) else None

    objects = io.BytesIO()
    Numbered(objects, 2).dump({"a": "matrix", "b": "column", "n": 4})
    members["pickle"] = objects.getvalue()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:", format=tarfile.PAX_FORMAT) as tar:
        for name, contents in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(contents)
            tar.addfile(info, io.BytesIO(contents))
    with tempfile.NamedTemporaryFile() as file:
        file.write(packed.getvalue())
        file.seek(0)
        read = torch.load(file, weights_only=False)
    assert read["a"].tolist() == [[0, 1, 2], [3, 4, 5]] and read["b"].tolist() == [1, 4]
    return packed.getvalue()


def main(folder: Path, legacy: Path) -> None:
    warnings.simplefilter("ignore")
    for make in (shared, every_dtype, state_dict, checkpoint, parameter, values):
        torch.save(make(), folder / f"{make.__name__}.pt")
    torch.save(shared(), legacy / "legacy_sequence.pt", _use_new_zipfile_serialization=False)
    (legacy / "legacy_tar.pt").write_bytes(tar_file())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[-1]))
