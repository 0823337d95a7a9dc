"""Neural networks: modules, functions on tensors, initial values and tools."""

from lamella_nn import functional, init, modules, utils
from lamella_nn.modules import *
from lamella_nn.modules import __all__ as _modules
from lamella_nn.parameter import Buffer, Parameter

__all__ = ["Buffer", "Parameter", "functional", "init", "modules", "utils"]
__all__ += _modules
