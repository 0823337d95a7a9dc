"""Weight normalization, hook style: a weight as a length times a direction."""

from __future__ import annotations

import warnings
from typing import Any

from lamella_autograd import rename
from lamella_core import Tensor, norm
from lamella_nn.modules.module import Module
from lamella_nn.parameter import Parameter

__all__ = ["WeightNorm", "remove_weight_norm", "weight_norm"]


def norm_except_dim(v: Tensor, dim: int) -> Tensor:
    """The 2-norm over all dimensions but one, which are kept with size 1; over all for ``-1``.

    Raises:
        IndexError: there is no such dimension.
    """
    if dim == -1:
        return norm(v)
    if not -v.dim() <= dim < v.dim():
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-v.dim()}, {v.dim() - 1}], but "
            f"got {dim})"
        )
    others = [each for each in range(v.dim()) if each != dim % v.dim()]
    return norm(v, 2, others, True) if others else v.abs()


class WeightNorm:
    """The hook that computes the weight before each call of the module.

    Args:
        name: of the weight.
        dim: the dimension whose slices have a length each; one length for all when None or -1.
    """

    name: str
    dim: int

    def __init__(self, name: str, dim: int | None) -> None:
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Module) -> Tensor:
        """``g v / |v|``."""
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        return rename(v * (g / norm_except_dim(v, self.dim)), "WeightNormInterfaceBackward0")

    @staticmethod
    def apply(module: Module, name: str, dim: int | None) -> WeightNorm:
        """Split the weight into ``name_g`` and ``name_v``, and register the hook.

        Raises:
            RuntimeError: it is split already.
            TypeError: it is no tensor.
        """
        for hook in module._forward_pre_hooks.values():
            if isinstance(hook, WeightNorm) and hook.name == name:
                raise RuntimeError(
                    f"Cannot register two weight_norm hooks on the same parameter {name}"
                )
        method = WeightNorm(name, dim)
        weight = getattr(module, name)
        if not isinstance(weight, Tensor):
            raise TypeError(f"weight_norm: '{name}' of {module} is {weight}, expected a parameter")
        length = norm_except_dim(weight, method.dim).detach()
        del module._parameters[name]
        module.register_parameter(f"{name}_g", Parameter(length))
        module.register_parameter(f"{name}_v", Parameter(weight.data))
        setattr(module, name, method.compute_weight(module))
        module.register_forward_pre_hook(method)
        return method

    def remove(self, module: Module) -> None:
        """Make the weight a plain parameter again, with its present values."""
        weight = self.compute_weight(module)
        delattr(module, self.name)
        del module._parameters[f"{self.name}_g"]
        del module._parameters[f"{self.name}_v"]
        setattr(module, self.name, Parameter(weight.data))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Learn a weight as a length and a direction: ``w = g v / |v|``.

    From T. Salimans and D. Kingma, "Weight Normalization" (2016). The parameter ``name`` is
    replaced by ``name_g`` and ``name_v``; the weight is computed before each call of the module.
    ``utils.parametrizations.weight_norm`` is the newer form.

    Args:
        module: changed in place, and returned.
        name: of the weight.
        dim: the dimension whose slices have a length each; one length for all when None.

    Raises:
        RuntimeError: it was applied to this weight before.
        IndexError: there is no such dimension.
    """
    warnings.warn(
        "`torch.nn.utils.weight_norm` is deprecated in favor of "
        "`torch.nn.utils.parametrizations.weight_norm`.",
        FutureWarning,
        stacklevel=2,
    )
    WeightNorm.apply(module, name, dim)
    return module


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Make a weight under ``weight_norm`` a plain parameter again, with its present values.

    Raises:
        ValueError: it is under none.
    """
    for number, hook in module._forward_pre_hooks.items():
        if isinstance(hook, WeightNorm) and hook.name == name:
            hook.remove(module)
            del module._forward_pre_hooks[number]
            return module
    raise ValueError(f"weight_norm of '{name}' not found in {module}")
