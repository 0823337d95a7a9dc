"""The array kernels of the ops on networks, by family: written over the array namespace ``xp``."""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
