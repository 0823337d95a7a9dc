"""One batch on several devices of one process."""

from typing import NoReturn

from lamella_nn.parallel.data_parallel import DataParallel, data_parallel
from lamella_nn.parallel.parallel_apply import parallel_apply
from lamella_nn.parallel.replicate import replicate
from lamella_nn.parallel.scatter_gather import gather, scatter

__all__ = [
    "DataParallel",
    "data_parallel",
    "gather",
    "parallel_apply",
    "replicate",
    "scatter",
]


def __getattr__(name: str) -> NoReturn:
    if name == "DistributedDataParallel":
        raise AttributeError(
            "nn.parallel.DistributedDataParallel comes with the distribution lamella-distributed, "
            "which is not there yet; nn.DataParallel uses several devices of one process"
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
