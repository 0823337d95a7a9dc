"""Limits on the size of gradients."""

from __future__ import annotations

import math
import types
import warnings
from collections.abc import Iterable
from typing import Any

from lamella_autograd import no_grad
from lamella_core import Tensor, stack, zeros


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of all tensors taken as one vector.

    Args:
        tensors: one tensor or several.
        norm_type: the p of the norm; ``inf`` for the largest absolute value.
        error_if_nonfinite: whether a norm that is infinite or not a number is an error.
        foreach: a choice of method that PyTorch has; there is one method here.

    Raises:
        RuntimeError: the norm is not finite and ``error_if_nonfinite`` is set.
    """
    tensors = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    norm_type = float(norm_type)
    if not tensors:
        return zeros(())
    with no_grad():
        norms = [_vector_norm(each.detach(), norm_type) for each in tensors]
        first = norms[0].device
        total = _vector_norm(stack([norm.to(first) for norm in norms]), norm_type)
    if error_if_nonfinite and not math.isfinite(total.item()):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, "
            "so it cannot be clipped. To disable this error and scale the gradients by the "
            "non-finite norm anyway, set `error_if_nonfinite=False`"
        )
    return total


def _vector_norm(values: Tensor, norm_type: float) -> Tensor:
    if norm_type == math.inf:
        return values.abs().max()
    if norm_type == -math.inf:
        return values.abs().min()
    if norm_type == 0:
        return (values != 0).sum().to(values.dtype)
    if norm_type == 1:
        return values.abs().sum()
    if norm_type == 2:
        size = values.abs() if values.is_complex() else values
        return (size * size).sum().sqrt()
    return values.abs().pow(norm_type).sum().pow(1.0 / norm_type)


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients, in place, so that their norm as one vector is at most ``max_norm``.

    From Pascanu, Mikolov and Bengio (2013), "On the difficulty of training recurrent neural
    networks". The factor is max_norm / (norm + 1e-6), at most 1.

    Args:
        parameters: those whose gradients to scale; those without gradient do not count.
        max_norm: the limit.
        norm_type: the p of the norm; ``inf`` for the largest absolute value.
        error_if_nonfinite: whether a norm that is infinite or not a number is an error.
        foreach: a choice of method that PyTorch has; there is one method here.

    Returns:
        The norm before.

    Raises:
        RuntimeError: the norm is not finite and ``error_if_nonfinite`` is set.
    """
    grads = _gradients(parameters)
    total = get_total_norm(grads, norm_type, error_if_nonfinite)
    _scale(grads, max_norm, total)
    return total


def clip_grad_norm(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The old name of :func:`clip_grad_norm_`."""
    warnings.warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of "
        "`torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    total_norm: Tensor,
    foreach: bool | None = None,
) -> None:
    """Scale all gradients, in place, by max_norm / (total_norm + 1e-6), or 1 if that is more.

    The second half of ``clip_grad_norm_``, for a norm that ``get_total_norm`` gave.

    Args:
        parameters: those whose gradients to scale; those without gradient do not count.
        max_norm: the limit.
        total_norm: the norm that the gradients have together.
        foreach: a choice of method that PyTorch has; there is one method here.
    """
    _scale(_gradients(parameters), max_norm, total_norm)


def _scale(grads: list[Tensor], max_norm: float, total: Tensor) -> None:
    with no_grad():
        factor = (float(max_norm) / (total + 1e-6)).clamp(max=1.0)
        for grad in grads:
            grad.mul_(factor.to(grad.device))


def clip_grad_value_(
    parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None
) -> None:
    """Limit every element of all gradients, in place, to ±``clip_value``.

    Args:
        parameters: those whose gradients to limit; those without gradient do not count.
        clip_value: the limit.
        foreach: a choice of method that PyTorch has; there is one method here.
    """
    limit = float(clip_value)
    with no_grad():
        for grad in _gradients(parameters):
            grad.clamp_(min=-limit, max=limit)


def _gradients(parameters: Any) -> list[Tensor]:
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    given = list(parameters)
    if not given and isinstance(parameters, types.GeneratorType):
        warnings.warn(
            "`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=3
        )
    return [parameter.grad for parameter in given if parameter.grad is not None]
