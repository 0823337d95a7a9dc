"""The dataset over tar archives, and what it makes of their fields."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lamella_core import as_tensor, load
from lamella_data.streaming.errors import corrupt
from lamella_data.streaming.files import ShardFile, Urls
from lamella_data.streaming.shards import ShardDataset
from lamella_data.streaming.tar_reader import TarReader


def _whole_number(data: bytes) -> int:
    return int(data)


def _text(data: bytes) -> str:
    return data.decode()


def _array(data: bytes) -> Any:
    return as_tensor(np.load(io.BytesIO(data), allow_pickle=False))


def _saved(data: bytes) -> Any:
    return load(io.BytesIO(data))


#: What :class:`TarDataset` makes of a field whose name ends so, unless it is told otherwise.
DECODERS: dict[str, Callable[[bytes], Any]] = {
    "cls": _whole_number,
    "json": json.loads,
    "npy": _array,
    "pt": _saved,
    "txt": _text,
}


class TarDataset(ShardDataset):
    """Samples from tar archives, as WebDataset lays them out.

    Files that follow one another and have the same name up to its first dot are one sample:
    ``0001.jpg``, ``0001.cls`` give ``{"__key__": "0001", "__url__": ..., "jpg": ..., "cls": ...}``.
    Archives may be compressed (.gz, .tgz, .bz2, .xz); to resume in the middle of such a one, it is
    decompressed up to there.

    Args:
        urls: the archives.
        decoders: from the last part of a field's name, after a dot, to a function of its bytes;
            :data:`DECODERS` by default, which turns ``cls`` into an int, ``txt`` into a string,
            ``json`` into what it says, ``npy`` and ``pt`` into tensors. Other fields stay bytes.
        **options: see :class:`ShardDataset`.

    Raises:
        CorruptShardError: an archive that is damaged or cut short, or a field that its decoder
            refuses.
    """

    _reads_all = True

    def __init__(
        self,
        urls: Urls,
        *,
        decoders: Mapping[str, Callable[[bytes], Any]] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(urls, **options)
        self.decoders = dict(DECODERS if decoders is None else decoders)

    def _reader(self, file: ShardFile) -> TarReader:
        return TarReader(file)

    def _finish(self, sample: dict[str, Any], position: int) -> dict[str, Any]:
        for field, data in sample.items():
            decode = self.decoders.get(field.rpartition(".")[2])
            if decode is None or not isinstance(data, bytes):
                continue
            try:
                sample[field] = decode(data)
            except Exception as error:
                name = f"{sample['__key__']}.{field}"
                raise corrupt(sample["__url__"], position, f"{name}: {error}") from error
        return sample
