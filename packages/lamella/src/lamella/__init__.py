"""PyTorch's names over lamella's distributions: ``import lamella as torch``.

The core and autograd are imported at once; ``nn``, ``optim``, ``utils`` and the like when they are
first used.
"""

import os
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING

import lamella_autograd
import lamella_core
from lamella import (
    _alias,
    _determinism,
    _large_matrices,
    _old_orders,
    _overriding,
    _retired,
    _type_names,
    version,
)

if TYPE_CHECKING:
    from lamella_autograd import *
    from lamella_core import *

__version__ = version.__version__

# Looked for by name: to ask for all entry points takes longer than the whole import.
if os.environ.get("LAMELLA_CPU_KERNELS") != "0" and find_spec("lamella_cpu_kernels") is not None:
    import_module("lamella_cpu_kernels")

_alias.install()
_alias.register_file_names()
_overriding.install()
_old_orders.install()
_large_matrices.install()

_SUBMODULES = frozenset(
    [name.split(".")[1] for name in _alias.MODULES]
    + ["_C", "__config__", "accelerator", "backends", "cpu", "cuda", "functional"]
    + ["multiprocessing", "overrides", "safetensors", "testing", "types", "utils", "version"]
)

_GRAD_MODES = (
    "enable_grad",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "set_grad_enabled",
)

# PyTorch's top level is the core's, with autograd's switches, its own, and the names it retired.
_names = {
    name: value
    for name, value in vars(lamella_core).items()
    if not name.startswith("_") and not isinstance(value, ModuleType) and name not in _SUBMODULES
}
_names |= {name: getattr(lamella_autograd, name) for name in _GRAD_MODES}
for _module in (_determinism, _retired, _type_names):
    _names |= {name: getattr(_module, name) for name in _module.__all__}
_names["dtype"] = lamella_core.float32.__class__
globals().update(_names)

__all__ = sorted({*_names, *_SUBMODULES, *_alias.FUNCTIONS} - {"_C", "__config__"})


def __getattr__(name: str) -> object:
    if name in _SUBMODULES:
        return import_module(f"lamella.{name}")
    if name in _alias.FUNCTIONS:
        function = globals()[name] = getattr(import_module(_alias.FUNCTIONS[name]), name)
        _overriding.refresh()
        return function
    raise AttributeError(
        f"module 'lamella' has no attribute {name!r}; if PyTorch has it, it is not in lamella yet"
    )


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES, *_alias.FUNCTIONS})
