from __future__ import annotations

import io
import json
import operator

import numpy as np
import pytest

import lamella_core as core
from lamella_data.streaming import CorruptShardError, TarDataset

number = operator.itemgetter("cls")


def array_bytes(array) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def saved_bytes(value) -> bytes:
    file = io.BytesIO()
    core.save(value, file)
    return file.getvalue()


def test_fields_are_decoded_by_their_names(tmp_path, write_tar) -> None:
    fields = {
        "a.cls": b"7",
        "a.json": json.dumps({"x": [1, None]}).encode(),
        "a.txt": "ü".encode(),
        "a.image.npy": array_bytes(np.arange(6).reshape(2, 3)),
        "a.pt": saved_bytes({"t": core.ones(2)}),
        "a.jpg": b"\xff\xd8",
    }
    write_tar(tmp_path / "a.tar", fields)
    (sample,) = TarDataset(f"{tmp_path}/a.tar")
    assert sample["cls"] == 7
    assert sample["json"] == {"x": [1, None]}
    assert sample["txt"] == "ü"
    assert sample["image.npy"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert sample["pt"]["t"].tolist() == [1, 1]
    assert sample["jpg"] == b"\xff\xd8"
    (sample,) = TarDataset(f"{tmp_path}/a.tar", decoders={"jpg": len})
    assert (sample["jpg"], sample["cls"]) == (2, b"7")


def test_a_field_that_cannot_be_decoded_is_named(tmp_path, write_tar) -> None:
    offsets = write_tar(tmp_path / "a.tar", {"1.cls": b"1", "2.cls": b"two", "3.cls": b"3"})
    stream = iter(TarDataset(f"{tmp_path}/a.tar"))
    next(stream)
    message = rf"a\.tar at byte {offsets['2.cls']}: 2\.cls: invalid literal"
    with pytest.raises(CorruptShardError, match=message):
        next(stream)
    dataset = TarDataset(f"{tmp_path}/a.tar", skip_corrupt=True, transform=number)
    with pytest.warns(UserWarning, match="a sample is left out: corrupt shard"):
        assert list(dataset) == [1, 3]
    assert [one.offset for one in dataset.skipped] == [offsets["2.cls"]]
