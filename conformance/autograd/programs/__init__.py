"""Small programs on aliasing, in-place writes and hooks, written once for PyTorch and lamella.

A program takes the framework's module and yields outcomes: tensors, numbers, strings, or None. An
exception ends it and is an outcome, too; a program that is to raise ends in ``yield NOT_REACHED``.
"""

from autograd.programs import (
    checkpoints,
    engine,
    functions,
    hooks,
    inplace,
    leaf_gradients,
    modes,
    saved_tensors,
    view_writes,
)
from autograd.programs.listing import NOT_REACHED, PROGRAMS

__all__ = [
    "NOT_REACHED",
    "PROGRAMS",
    "checkpoints",
    "engine",
    "functions",
    "hooks",
    "inplace",
    "leaf_gradients",
    "modes",
    "saved_tensors",
    "view_writes",
]
