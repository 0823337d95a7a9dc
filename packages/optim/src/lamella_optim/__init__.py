"""Optimizers of PyTorch's API."""

from lamella_optim.adam import Adam
from lamella_optim.adamw import AdamW
from lamella_optim.optimizer import Optimizer
from lamella_optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer"]
