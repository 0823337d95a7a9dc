"""Schedules of learning rates: how the rates of an optimizer change from epoch to epoch."""

from lamella_core.serialization import register_place
from lamella_optim.lr_scheduler.combined import ChainedScheduler, SequentialLR
from lamella_optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from lamella_optim.lr_scheduler.cyclic import CyclicLR
from lamella_optim.lr_scheduler.decay import ExponentialLR, MultiStepLR, StepLR
from lamella_optim.lr_scheduler.lambda_lr import LambdaLR, MultiplicativeLR
from lamella_optim.lr_scheduler.one_cycle import OneCycleLR
from lamella_optim.lr_scheduler.plateau import ReduceLROnPlateau
from lamella_optim.lr_scheduler.ramps import ConstantLR, LinearLR, PolynomialLR
from lamella_optim.lr_scheduler.scheduler import LRScheduler
from lamella_optim.lr_scheduler.scheduler import _LRScheduler as _LRScheduler

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]

for _name in __all__:
    register_place("torch.optim.lr_scheduler", globals()[_name])
