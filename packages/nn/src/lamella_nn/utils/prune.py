"""Pruning: entries or channels of a parameter that are held at zero by a mask.

A pruned parameter ``name`` is kept whole as the parameter ``name_orig``, its mask as the buffer
``name_mask``; their product is computed anew before each call of the module.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

from lamella_autograd import no_grad
from lamella_core import Tensor, cat, kthvalue, norm, ones_like, rand, rand_like, topk
from lamella_nn.modules.module import Module
from lamella_nn.parameter import Parameter
from lamella_nn.utils.prune_arguments import (
    check_amount,
    check_channels,
    count_of,
    of_channels,
    other_dims,
)

__all__ = [
    "BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured",
    "PruningContainer", "RandomStructured", "RandomUnstructured", "custom_from_mask",
    "global_unstructured", "identity", "is_pruned", "l1_unstructured", "ln_structured",
    "random_structured", "random_unstructured", "remove",
]  # fmt: skip


class BasePruningMethod(ABC):
    """What computes a mask, and is the module's hook that applies it.

    A method of one's own defines ``compute_mask`` and ``PRUNING_TYPE``: ``"unstructured"`` (chooses
    among entries), ``"structured"`` (among channels along its ``dim``) or ``"global"`` (sees the
    whole tensor, whatever was pruned before).
    """

    PRUNING_TYPE: str
    _tensor_name: str

    def __call__(self, module: Module, inputs: Any) -> None:
        """Before each call of the module: set the parameter to its masked values."""
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The new mask.

        Args:
            t: how important each entry is: the parameter, or scores of its shape.
            default_mask: the mask so far; what it holds at zero stays so.
        """

    def apply_mask(self, module: Module) -> Tensor:
        """The product of the whole parameter and its mask."""
        original = getattr(module, f"{self._tensor_name}_orig")
        mask = getattr(module, f"{self._tensor_name}_mask")
        return mask.to(dtype=original.dtype) * original

    @classmethod
    def apply(
        cls,
        module: Module,
        name: str,
        *args: Any,
        importance_scores: Tensor | None = None,
        **kwargs: Any,
    ) -> BasePruningMethod:
        """Prune the parameter ``name`` of ``module``, on top of earlier pruning if there is any.

        Args:
            module: the module, which gets this method as a hook before its calls.
            name: the parameter.
            *args, **kwargs: what the method is made with.
            importance_scores: what entries are chosen by, of the parameter's shape; by default
                the parameter itself.

        Returns:
            The hook: the method, or a container of all methods of this parameter.

        Raises:
            AttributeError: the module has no such parameter.
            AssertionError: the scores are of another shape.
        """
        earlier = _hook_of(module, name)
        method: BasePruningMethod = cls(*args, **kwargs)
        method._tensor_name = name
        if earlier is not None:
            container = PruningContainer()
            container._tensor_name = name
            before = earlier[1]
            for each in before if isinstance(before, PruningContainer) else (before,):
                container.add_pruning_method(each)
            container.add_pruning_method(method)
            method = container
        pruned = earlier is not None
        original = getattr(module, f"{name}_orig" if pruned else name)
        scores = getattr(module, name) if importance_scores is None else importance_scores
        if scores.shape != original.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}, "
                f"got {scores.shape} vs {original.shape}"
            )
        with no_grad():
            so_far = getattr(module, f"{name}_mask") if pruned else ones_like(original)
            mask = method.compute_mask(scores, so_far.to(dtype=original.dtype))
        if earlier is not None:
            del module._forward_pre_hooks[earlier[0]]
        else:
            if not isinstance(original, Parameter):
                raise TypeError(f"{name} of {module} is no parameter, so it cannot be pruned")
            del module._parameters[name]
            module.register_parameter(f"{name}_orig", original)
        module.register_buffer(f"{name}_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(
        self,
        t: Tensor,
        default_mask: Tensor | None = None,
        importance_scores: Tensor | None = None,
    ) -> Tensor:
        """``t`` times the mask that this method computes for it.

        Args:
            t: any tensor.
            default_mask: a mask to start from; all ones by default.
            importance_scores: what entries are chosen by; by default ``t``.

        Raises:
            AssertionError: the scores are of another shape.
        """
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError(
                "importance_scores should have the same shape as tensor t, got "
                f"{scores.shape} vs {t.shape}"
            )
        mask = ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, mask)

    def remove(self, module: Module) -> None:
        """Make the pruning of ``module`` permanent: a plain parameter again, with the zeros.

        The hook itself stays; the function ``remove`` takes it away too.
        """
        name = self._tensor_name
        masked = self.apply_mask(module)
        delattr(module, name)
        original: Any = module._parameters.pop(f"{name}_orig")
        del module._buffers[f"{name}_mask"]
        original.data = masked.detach()
        module.register_parameter(name, original)


class PruningContainer(BasePruningMethod):
    """The methods that prune one parameter, in the order in which they were applied.

    Args:
        *args: methods that have been applied to the parameter.
    """

    def __init__(self, *args: BasePruningMethod) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        if args:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod | None) -> None:
        """Append a method; None is left out.

        Raises:
            TypeError: it is no pruning method.
            ValueError: it prunes another parameter.
        """
        if method is None:
            return
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method._tensor_name != self._tensor_name:
            raise ValueError(
                "Can only add pruning methods acting on the parameter named "
                f"'{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: Any) -> Any:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask so far, and in it the last method's for what is not yet pruned.

        An unstructured method sees the entries that are left, in one row; a structured one the
        channels with entries left; a global one everything.

        Raises:
            ValueError: the method's type is another.
        """
        method: Any = self._pruning_methods[-1]
        mask = default_mask.clone().to(dtype=t.dtype)
        kind = method.PRUNING_TYPE
        left: Any
        if kind == "unstructured":
            left = mask == 1
        elif kind == "structured":
            channels = mask.sum(tuple(other_dims(mask, method.dim))) != 0
            left = [slice(None)] * mask.dim()
            left[method.dim] = channels
            left = tuple(left)
        elif kind == "global":
            left = slice(None)
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {kind}")
        mask[left] = method.compute_mask(t[left], mask[left]).to(dtype=mask.dtype)
        return mask


class Identity(BasePruningMethod):
    """Prunes nothing, but makes parameter and mask of the names that pruning gives them."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask


class RandomUnstructured(BasePruningMethod):
    """Prunes entries at random.

    Args:
        amount: how many, or which part of all (a float from 0 to 1).

    Raises:
        TypeError: it is no number.
        ValueError: it is negative, or a float above 1.
    """

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: float) -> None:
        check_amount(amount)
        self.amount = amount

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        count = count_of(self.amount, t.nelement())
        mask = default_mask.clone()
        if count:
            mask.view(-1)[topk(rand_like(t).view(-1), count).indices] = 0
        return mask


class L1Unstructured(BasePruningMethod):
    """Prunes the entries of least magnitude.

    Args:
        amount: how many, or which part of all (a float from 0 to 1).

    Raises:
        TypeError: it is no number.
        ValueError: it is negative, or a float above 1.
    """

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: float) -> None:
        check_amount(amount)
        self.amount = amount

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        count = count_of(self.amount, t.nelement())
        mask = default_mask.clone()
        if count:
            mask.view(-1)[topk(t.abs().reshape(-1), count, largest=False).indices] = 0
        return mask

    @classmethod
    def apply(  # type: ignore[override]
        cls, module: Module, name: str, amount: float, importance_scores: Tensor | None = None
    ) -> BasePruningMethod:
        """See ``l1_unstructured``."""
        return super().apply(module, name, amount=amount, importance_scores=importance_scores)


class RandomStructured(BasePruningMethod):
    """Prunes channels at random.

    Args:
        amount: how many channels, or which part of them (a float from 0 to 1).
        dim: the dimension whose indices are the channels.

    Raises:
        TypeError: the amount is no number.
        ValueError: it is negative, or a float above 1.
    """

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        check_amount(amount)
        self.amount = amount
        self.dim = dim

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        check_channels(t, self.dim)
        channels = t.shape[self.dim]
        count = count_of(self.amount, channels)
        if not count:
            return default_mask
        drawn = rand(channels)
        kept = drawn > kthvalue(drawn, count).values
        return of_channels(kept, default_mask, self.dim)


class LnStructured(BasePruningMethod):
    """Prunes the channels of least norm.

    Args:
        amount: how many channels, or which part of them (a float from 0 to 1).
        n: the p of the norm, as for ``torch.norm``: a number, ``inf``, ``-inf``, ``"fro"``.
        dim: the dimension whose indices are the channels.

    Raises:
        TypeError: the amount is no number.
        ValueError: it is negative, or a float above 1.
    """

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, n: float | str, dim: int = -1) -> None:
        check_amount(amount)
        self.amount = amount
        self.n = n
        self.dim = dim

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        check_channels(t, self.dim)
        channels = t.shape[self.dim]
        count = count_of(self.amount, channels)
        if not count:
            return default_mask
        lengths = norm(t, self.n, other_dims(t, self.dim))
        kept = lengths.new_zeros(channels)
        kept[topk(lengths, channels - count).indices] = 1
        return of_channels(kept, default_mask, self.dim)

    @classmethod
    def apply(  # type: ignore[override]
        cls,
        module: Module,
        name: str,
        amount: float,
        n: float | str,
        dim: int,
        importance_scores: Tensor | None = None,
    ) -> BasePruningMethod:
        """See ``ln_structured``."""
        return super().apply(
            module, name, amount=amount, n=n, dim=dim, importance_scores=importance_scores
        )


class CustomFromMask(BasePruningMethod):
    """Prunes what a given mask holds at zero.

    Args:
        mask: of the parameter's shape.
    """

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"default_mask shape {default_mask.shape} must match self.mask shape "
                f"{self.mask.shape}"
            )
        return default_mask * self.mask.to(dtype=default_mask.dtype)


def identity(module: Module, name: str) -> Module:
    """Give the parameter ``name`` a mask of ones, so that it has the names of a pruned one."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: float) -> Module:
    """Prune entries of the parameter ``name`` at random, among those that are left.

    Args:
        module: changed in place, and returned.
        name: the parameter.
        amount: how many, or which part of those that are left (a float from 0 to 1).
    """
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(
    module: Module, name: str, amount: float, importance_scores: Tensor | None = None
) -> Module:
    """Prune the entries of least magnitude of the parameter ``name``, among those that are left.

    Args:
        module: changed in place, and returned.
        name: the parameter.
        amount: how many, or which part of those that are left (a float from 0 to 1).
        importance_scores: numbers to choose by, in the place of the entries.
    """
    L1Unstructured.apply(module, name, amount, importance_scores)
    return module


def random_structured(module: Module, name: str, amount: float, dim: int) -> Module:
    """Prune channels of the parameter ``name`` at random, among those that are left.

    Args:
        module: changed in place, and returned.
        name: the parameter, of two or more dimensions.
        amount: how many channels, or which part of those that are left (a float from 0 to 1).
        dim: the dimension whose indices are the channels.
    """
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Module,
    name: str,
    amount: float,
    n: float | str,
    dim: int,
    importance_scores: Tensor | None = None,
) -> Module:
    """Prune the channels of least norm of the parameter ``name``, among those that are left.

    Args:
        module: changed in place, and returned.
        name: the parameter, of two or more dimensions.
        amount: how many channels, or which part of those that are left (a float from 0 to 1).
        n: the p of the norm.
        dim: the dimension whose indices are the channels.
        importance_scores: numbers to choose by, in the place of the entries.
    """
    LnStructured.apply(module, name, amount, n, dim, importance_scores)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: dict[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several parameters as if their entries were one vector.

    Args:
        parameters: pairs of a module, which is changed in place, and the name of a parameter.
        pruning_method: the class of an unstructured method.
        importance_scores: for some of the pairs, numbers to choose by in the place of the entries.
        **kwargs: what the method is made with, such as ``amount``.

    Raises:
        TypeError: the arguments are of other types, or the method is not unstructured.
        ValueError: there are no parameters, or scores are not of their parameter's shape.
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    scores = {} if importance_scores is None else importance_scores
    if not isinstance(scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    pairs = list(parameters)
    if not pairs:
        raise ValueError("global_unstructured(): expected at least one (module, name) pair")
    tensors = [getattr(module, name) for module, name in pairs]
    ranked = [scores.get(pair, tensor) for pair, tensor in zip(pairs, tensors, strict=True)]
    for (_, name), score, tensor in zip(pairs, ranked, tensors, strict=True):
        if score.shape != tensor.shape:
            raise ValueError(
                f"global_unstructured(): importance_scores of {name} should have its shape, got "
                f"{score.shape} vs {tensor.shape}"
            )
    masks = [getattr(module, f"{name}_mask", None) for module, name in pairs]
    so_far = [
        ones_like(tensor) if mask is None else mask
        for mask, tensor in zip(masks, tensors, strict=True)
    ]
    container = PruningContainer()
    container._tensor_name = "all"
    method = pruning_method(**kwargs)
    method._tensor_name = "all"
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {method.PRUNING_TYPE}"
        )
    container.add_pruning_method(method)
    with no_grad():
        mask = container.compute_mask(
            cat([each.reshape(-1) for each in ranked]), cat([each.reshape(-1) for each in so_far])
        )
    parts = mask.split([tensor.nelement() for tensor in tensors])
    for (module, name), part, tensor in zip(pairs, parts, tensors, strict=True):
        custom_from_mask(module, name, part.reshape(tensor.shape))


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Prune what ``mask`` holds at zero in the parameter ``name``.

    Args:
        module: changed in place, and returned.
        name: the parameter.
        mask: zeros and ones of the parameter's shape.
    """
    CustomFromMask.apply(module, name, mask)
    return module


def remove(module: Module, name: str) -> Module:
    """Make the pruning of the parameter ``name`` permanent: a plain parameter again.

    The entries that were pruned stay zero.

    Raises:
        ValueError: it is not pruned.
    """
    found = _hook_of(module, name)
    if found is None:
        raise ValueError(
            f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed"
        )
    number, hook = found
    hook.remove(module)
    del module._forward_pre_hooks[number]
    return module


def is_pruned(module: Module) -> bool:
    """Whether a parameter of the module, or of one inside of it, is pruned."""
    return any(
        isinstance(hook, BasePruningMethod)
        for _, each in module.named_modules()
        for hook in each._forward_pre_hooks.values()
    )


def _hook_of(module: Module, name: str) -> tuple[int, BasePruningMethod] | None:
    """The hook that prunes the parameter, and its number."""
    for number, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            return number, hook
    return None
