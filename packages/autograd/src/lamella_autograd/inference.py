"""Inference tensors: made in ``inference_mode``, they can never be part of a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd.modes import INFERENCE
from lamella_core.conventions.view import StridedView, View
from lamella_core.dispatch import modes, new_bit
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.dispatch import Op

INFERENCE_TENSOR = new_bit()


def in_inference_mode(op: Op, key: int, below: Callable[..., Any]) -> Callable[..., Any]:
    """The form of a call in inference mode: new results are marked.

    What an op writes to stays what it was, and so does a view of a normal tensor.
    """
    if op.mutates is not None or (_is_view(op) and not key & INFERENCE_TENSOR):
        return below
    return marking(below)


def _is_view(op: Op) -> bool:
    return isinstance(op.convention, (View, StridedView))


def outside_inference_mode(op: Op, below: Callable[..., Any]) -> Callable[..., Any]:
    """The form, outside inference mode, of a call when an argument is an inference tensor.

    A view of one is one; a write to one is refused.
    """
    if op.mutates is not None:
        return _refuse_inference_target(op, below)
    return marking(below) if _is_view(op) else below


def marking(below: Callable[..., Any]) -> Callable[..., Any]:
    """A call whose results are inference tensors."""

    def mark(*args: Any) -> Any:
        result = below(*args)
        for each in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(each, Tensor):
                each._key |= INFERENCE_TENSOR
        return result

    return mark


def _refuse_inference_target(op: Op, below: Callable[..., Any]) -> Callable[..., Any]:
    last = op.mutates == "out"

    def check(*args: Any) -> Any:
        written = args[-1] if last else args[0]
        for each in written if isinstance(written, (tuple, list)) else (written,):
            if each._key & INFERENCE_TENSOR:
                raise RuntimeError(
                    f"Inplace update to inference tensor outside InferenceMode is not allowed "
                    f"({op.name}). You can make a clone to get a normal tensor before doing the "
                    f"in-place update."
                )
        return below(*args)

    return check


def save_inference_error(op_name: str) -> RuntimeError:
    """The error for saving a tensor that was made in inference mode."""
    return RuntimeError(
        f"Inference tensors cannot be saved for backward ({op_name}). Make a clone outside "
        f"inference mode to get a normal tensor and use that in autograd."
    )


def is_inference(self: Tensor) -> bool:
    """Whether this tensor was made in inference mode."""
    return bool(self._key & INFERENCE_TENSOR)


def check_may_require_grad(tensor: Tensor) -> None:
    """Checks that recording may be switched on for a tensor.

    Raises:
        RuntimeError: for an inference tensor outside inference mode.
    """
    if tensor._key & INFERENCE_TENSOR and not modes.bits & INFERENCE:
        raise RuntimeError(
            "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed; "
            "make a clone to get a normal tensor"
        )
