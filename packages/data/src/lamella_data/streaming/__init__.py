"""Streams over shards: tar archives or Parquet files, on this machine or on any filesystem that
fsspec knows, dealt out to ranks and workers, shuffled by a buffer, and resumable.

Local paths need nothing more; other filesystems need the extra ``streaming``, Parquet needs the
extra ``parquet``.
"""

from __future__ import annotations

from lamella_data.streaming.errors import CorruptShardError
from lamella_data.streaming.parquet import ParquetDataset
from lamella_data.streaming.shards import ShardDataset, Skipped
from lamella_data.streaming.tar import DECODERS, TarDataset

__all__ = [
    "DECODERS",
    "CorruptShardError",
    "ParquetDataset",
    "ShardDataset",
    "Skipped",
    "TarDataset",
]
