"""Checks of hyperparameters, with PyTorch's texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence


def check_lr(lr: Any) -> None:
    """Raises ValueError for a tensor of several elements, or a negative rate."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    check_not_negative("learning rate", lr)


def check_not_negative(name: str, value: Any, shown: str | None = None) -> None:
    """Raises ValueError for a negative value, or NaN."""
    if not 0.0 <= value:
        raise ValueError(f"Invalid {shown or name}: {value}")


def check_betas(betas: Sequence[Any]) -> None:
    """Raises ValueError when one of the two decay rates is not in [0, 1)."""
    for index in (0, 1):
        if not 0.0 <= betas[index] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {betas[index]}")


def check_implementation(*, foreach: bool | None, fused: bool | None, differentiable: bool) -> None:
    """Raises RuntimeError for choices of an implementation that exclude each other."""
    if fused:
        if differentiable:
            raise RuntimeError("`fused` does not support `differentiable`")
        if foreach:
            raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


def check_capturable(params: Sequence[Tensor]) -> None:
    """Raises AssertionError for parameters on a device that has no graphs to capture into."""
    for param in params:
        if param.device.type == "cpu":
            raise AssertionError(
                "If capturable=True, params and state_steps must be on supported devices: "
                "['cuda']; these are on cpu: use capturable=False there."
            )
