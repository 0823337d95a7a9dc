"""Optimizers of PyTorch's API."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from lamella_core.serialization import register_module, register_place
from lamella_optim.adadelta import Adadelta
from lamella_optim.adafactor import Adafactor
from lamella_optim.adagrad import Adagrad
from lamella_optim.adam import Adam
from lamella_optim.adamax import Adamax
from lamella_optim.adamw import AdamW
from lamella_optim.asgd import ASGD
from lamella_optim.lbfgs import LBFGS
from lamella_optim.muon import Muon
from lamella_optim.nadam import NAdam
from lamella_optim.optimizer import Optimizer
from lamella_optim.radam import RAdam
from lamella_optim.rmsprop import RMSprop
from lamella_optim.rprop import Rprop
from lamella_optim.sgd import SGD
from lamella_optim.sparse_adam import SparseAdam
from lamella_optim.swapping import swap_in_optimizer_params_and_state

if TYPE_CHECKING:
    from lamella_optim import lr_scheduler, swa_utils

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SparseAdam",
    "lr_scheduler",
    "swa_utils",
    "swap_in_optimizer_params_and_state",
]


# Files of whole optimizers have PyTorch's names.
register_module("torch.optim", "lamella_optim")
for _cls in (Adafactor, Muon):
    register_place("torch.optim", _cls)


def __getattr__(name: str) -> object:
    if name in ("lr_scheduler", "swa_utils"):
        return import_module(f"lamella_optim.{name}")
    raise AttributeError(f"module 'lamella_optim' has no attribute {name!r}")
