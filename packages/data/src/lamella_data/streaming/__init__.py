"""Streams over shards: tar archives or Parquet files, on this machine or on any filesystem that
fsspec knows, dealt out to ranks and workers, shuffled by a buffer, and resumable.

Local paths need nothing more; other filesystems need the extra ``streaming``, Parquet needs the
extra ``parquet``.
"""

from __future__ import annotations

from lamella_data.streaming.dataset import (
    DECODERS,
    ParquetDataset,
    ShardDataset,
    Skipped,
    TarDataset,
)
from lamella_data.streaming.errors import CorruptShardError

__all__ = [
    "DECODERS",
    "CorruptShardError",
    "ParquetDataset",
    "ShardDataset",
    "Skipped",
    "TarDataset",
]
