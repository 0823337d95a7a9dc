"""The dataset over Parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamella_data.streaming.files import ShardFile, Urls
from lamella_data.streaming.parquet_reader import ParquetReader
from lamella_data.streaming.shards import ShardDataset


class ParquetDataset(ShardDataset):
    """Rows of Parquet files: a sample is the dict of its row, in Python's own types.

    Args:
        urls: the files.
        columns: the columns to read; None for all.
        **options: see :class:`ShardDataset`.

    Raises:
        KeyError: a file lacks a column.
        CorruptShardError: a file, or a row group of it, that pyarrow refuses.
    """

    def __init__(self, urls: Urls, *, columns: Sequence[str] | None = None, **options: Any) -> None:
        super().__init__(urls, **options)
        self.columns = columns

    def _reader(self, file: ShardFile) -> ParquetReader:
        return ParquetReader(file, self.columns)
