"""Samples from Parquet files: each row is a dict of its columns. Read by pyarrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lamella_data.streaming.errors import corrupt
from lamella_data.streaming.files import ShardFile


def _pyarrow(url: str) -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            f"reading {url} needs pyarrow, which is not installed: "
            "pip install 'lamella-data[parquet]'"
        ) from error
    return pyarrow, pyarrow.parquet


class ParquetReader:
    """Reads rows from one file. A position is the number of a row.

    Args:
        file: the file.
        columns: the columns to read; None for all.

    Raises:
        KeyError: when the file lacks one of them.
        CorruptShardError: when it is no Parquet file, or a damaged one.
        ImportError: when pyarrow is not installed.
    """

    def __init__(self, file: ShardFile, columns: Sequence[str] | None = None) -> None:
        self._source = file
        self._columns = None if columns is None else list(columns)
        arrow, parquet = _pyarrow(file.url)
        self._damage = (arrow.ArrowException, OSError)
        try:
            # It seeks and reads through the file, which retries for it.
            self._parquet = parquet.ParquetFile(arrow.PythonFile(file, mode="r"))
        except self._damage as error:
            if error is file.failure:
                raise
            raise corrupt(file.url, max(file.size() - 8, 0), error) from error
        metadata = self._parquet.metadata
        self._sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        if self._columns is not None:
            missing = set(self._columns) - set(self._parquet.schema_arrow.names)
            if missing:
                raise KeyError(
                    f"{file.url} has no columns {sorted(missing)}; it has "
                    f"{self._parquet.schema_arrow.names}"
                )
        self._group: tuple[int, list[dict[str, Any]]] | None = None

    def read(self, position: int) -> Iterator[tuple[dict[str, Any], int, int]]:
        """The rows from ``position`` on: each with its own position and that of the next."""
        first = 0
        for group, size in enumerate(self._sizes):
            if position < first + size:
                rows = self._rows(group)
                for row in range(max(position, first), first + size):
                    yield dict(rows[row - first]), row, row + 1
            first += size

    def _rows(self, group: int) -> list[dict[str, Any]]:
        # Kept, as a shuffle buffer that is filled again asks for single rows.
        if self._group is None or self._group[0] != group:
            try:
                table = self._parquet.read_row_group(group, columns=self._columns)
            except self._damage as error:
                if error is self._source.failure:
                    raise
                column = self._parquet.metadata.row_group(group).column(0)
                offset = column.dictionary_page_offset or column.data_page_offset
                raise corrupt(self._source.url, offset, f"row group {group}: {error}") from error
            self._group = group, table.to_pylist()
        return self._group[1]
