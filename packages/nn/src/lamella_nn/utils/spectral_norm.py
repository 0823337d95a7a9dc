"""Spectral normalization, hook style: a weight divided by its largest singular value."""

from __future__ import annotations

from typing import Any

from lamella_autograd import no_grad
from lamella_core import Tensor, dot, linalg, mv
from lamella_nn.functional import normalize
from lamella_nn.modules.conv_transpose import (
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from lamella_nn.modules.module import Module
from lamella_nn.parameter import Parameter

__all__ = ["SpectralNorm", "remove_spectral_norm", "spectral_norm"]


def matrix_of(weight: Tensor, dim: int) -> Tensor:
    """The weight as a matrix, whose rows are the slices along ``dim``."""
    if dim not in (0, -weight.dim()):
        weight = weight.moveaxis(dim, 0)
    return weight.reshape(weight.shape[0], -1)


def output_dim(module: Module) -> int:
    """The dimension of a module's weight that belongs to its outputs."""
    return int(isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)))


class SpectralNorm:
    """The hook that computes the weight before each call of the module.

    Args:
        name: of the weight.
        n_power_iterations: steps of power iteration at each call in training.
        dim: the dimension of the weight that belongs to outputs.
        eps: the least length that vectors are divided by.

    Raises:
        ValueError: ``n_power_iterations`` is not positive.
    """

    _version = 1
    name: str
    dim: int
    n_power_iterations: int
    eps: float

    def __init__(
        self, name: str = "weight", n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        self.name = name
        self.dim = dim
        if n_power_iterations <= 0:
            raise ValueError(
                "Expected n_power_iterations to be positive, but got "
                f"n_power_iterations={n_power_iterations}"
            )
        self.n_power_iterations = n_power_iterations
        self.eps = eps

    def compute_weight(self, module: Module, do_power_iteration: bool) -> Tensor:
        """The weight over its largest singular value, as far as the vectors u and v know it.

        With ``do_power_iteration`` the buffers of u and v are improved in place first.
        """
        weight = getattr(module, f"{self.name}_orig")
        u, v = getattr(module, f"{self.name}_u"), getattr(module, f"{self.name}_v")
        matrix = matrix_of(weight, self.dim)
        if do_power_iteration:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(normalize(mv(matrix.t(), u), dim=0, eps=self.eps))
                    u.copy_(normalize(mv(matrix, v), dim=0, eps=self.eps))
                # The next call writes into the buffers; the graph of this one needs what they are.
                u, v = u.clone(), v.clone()
        return weight / dot(u, mv(matrix, v))

    @staticmethod
    def apply(
        module: Module, name: str, n_power_iterations: int, dim: int, eps: float
    ) -> SpectralNorm:
        """Rename the weight to ``name_orig``, add the buffers ``name_u`` and ``name_v`` and hooks.

        Raises:
            RuntimeError: it was done before.
            KeyError: there is no such parameter.
            ValueError: the parameter is None.
            IndexError: there is no such dimension.
        """
        for hook in module._forward_pre_hooks.values():
            if isinstance(hook, SpectralNorm) and hook.name == name:
                raise RuntimeError(
                    f"Cannot register two spectral_norm hooks on the same parameter {name}"
                )
        method = SpectralNorm(name, n_power_iterations, dim, eps)
        weight = module._parameters[name]
        if weight is None:
            raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
        with no_grad():
            matrix = matrix_of(weight, dim)
            rows, columns = matrix.shape
            u = normalize(matrix.new_empty(rows).normal_(0, 1), dim=0, eps=eps)
            v = normalize(matrix.new_empty(columns).normal_(0, 1), dim=0, eps=eps)
        del module._parameters[name]
        module.register_parameter(f"{name}_orig", weight)
        setattr(module, name, weight.data)
        module.register_buffer(f"{name}_u", u)
        module.register_buffer(f"{name}_v", v)
        module.register_forward_pre_hook(method)
        module._register_state_dict_hook(SpectralNormStateDictHook(method))
        module._register_load_state_dict_pre_hook(SpectralNormLoadStateDictPreHook(method))
        return method

    def remove(self, module: Module) -> None:
        """Make the weight a plain parameter again, with its present values."""
        with no_grad():
            weight = self.compute_weight(module, do_power_iteration=False)
        delattr(module, self.name)
        del module._buffers[f"{self.name}_u"]
        del module._buffers[f"{self.name}_v"]
        del module._parameters[f"{self.name}_orig"]
        module.register_parameter(self.name, Parameter(weight.detach()))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, do_power_iteration=module.training))


class SpectralNormStateDictHook:
    """The hook that writes the version of the state.

    Args:
        fn: the hook of the weight.
    """

    def __init__(self, fn: SpectralNorm) -> None:
        self.fn = fn

    def __call__(
        self, module: Module, state_dict: Any, prefix: str, local_metadata: dict[str, Any]
    ) -> None:
        versions = local_metadata.setdefault("spectral_norm", {})
        versions[f"{self.fn.name}.version"] = self.fn._version


class SpectralNormLoadStateDictPreHook:
    """The hook that gives states of version 0 a ``v``: they hold the weight itself in its place.

    There are many v with ``u W v`` equal to the singular value that the weight was divided by; the
    shortest one is taken.

    Args:
        fn: the hook of the weight.
    """

    def __init__(self, fn: SpectralNorm) -> None:
        self.fn = fn

    def __call__(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        version = local_metadata.get("spectral_norm", {}).get(f"{self.fn.name}.version")
        key = prefix + self.fn.name
        if (version is not None and version >= 1) or f"{key}_v" in state_dict:
            return
        needed = (f"{key}_orig", key, f"{key}_u")
        absent = [each for each in needed if each not in state_dict]
        if absent:
            missing_keys.extend(each for each in absent if each == key)
            return
        with no_grad():
            original, u = state_dict[needed[0]], state_dict[needed[2]]
            sigma = (original / state_dict.pop(key)).mean()
            matrix = matrix_of(original, self.fn.dim)
            v = mv(linalg.pinv(matrix), u)
            state_dict[f"{key}_v"] = v * (sigma / dot(u, mv(matrix, v)))


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """Divide a weight, as a matrix, by its largest singular value.

    From T. Miyato et al., "Spectral Normalization for Generative Adversarial Networks" (2018). The
    singular value is found by power iteration, which goes on at each call in training. The weight
    itself is kept as ``name_orig``. ``utils.parametrizations.spectral_norm`` is the newer form.

    Args:
        module: changed in place, and returned.
        name: of the weight.
        n_power_iterations: steps a call.
        eps: the least length that vectors are divided by.
        dim: the dimension of the weight that belongs to outputs; by default 1 for transposed
            convolutions and 0 for all others.

    Raises:
        RuntimeError: it was applied to this weight before.
        KeyError: there is no such parameter.
        ValueError: the parameter is None, or ``n_power_iterations`` not positive.
    """
    SpectralNorm.apply(
        module, name, n_power_iterations, output_dim(module) if dim is None else dim, eps
    )
    return module


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Make a weight under ``spectral_norm`` a plain parameter again, with its present values.

    Raises:
        ValueError: it is under none.
    """
    for number, hook in module._forward_pre_hooks.items():
        if isinstance(hook, SpectralNorm) and hook.name == name:
            hook.remove(module)
            del module._forward_pre_hooks[number]
            for hooks in (module._state_dict_hooks, module._load_state_dict_pre_hooks):
                for each in [n for n, h in hooks.items() if _belongs_to(h, hook)]:
                    del hooks[each]
            return module
    raise ValueError(f"spectral_norm of '{name}' not found in {module}")


def _belongs_to(hook: Any, method: SpectralNorm) -> bool:
    return getattr(getattr(hook, "hook", hook), "fn", None) is method
