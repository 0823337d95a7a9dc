"""Datasets, samplers and loaders: the names of ``torch.utils.data`` on lamella tensors."""

from __future__ import annotations

from importlib import import_module

from lamella_data import _utils
from lamella_data.collate import default_collate, default_convert
from lamella_data.dataloader import DataLoader
from lamella_data.dataset import (
    BufferedShuffleDataset,
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from lamella_data.distributed import DistributedSampler
from lamella_data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from lamella_data.worker import get_worker_info

__all__ = [
    "BatchSampler",
    "BufferedShuffleDataset",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "DistributedSampler",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "default_collate",
    "default_convert",
    "get_worker_info",
    "random_split",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    # Loaded when it is first used, since most programs do without.
    if name == "streaming":
        return import_module("lamella_data.streaming")
    raise AttributeError(f"module 'lamella_data' has no attribute {name!r}")
