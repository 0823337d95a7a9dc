"""Neural networks: modules, functions on tensors, initial values and tools."""

from lamella_nn import attention, common_types, functional, grad, init, modules, parallel, utils
from lamella_nn.factories import factory_kwargs
from lamella_nn.modules import *
from lamella_nn.modules import __all__ as _modules
from lamella_nn.parallel import DataParallel
from lamella_nn.parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter

__all__ = [
    "Buffer",
    "DataParallel",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "attention",
    "common_types",
    "factory_kwargs",
    "functional",
    "grad",
    "init",
    "modules",
    "parallel",
    "utils",
]
__all__ += _modules
