"""Losses for classes, given by index or by probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lamella_core as core
from lamella_autograd import rename
from lamella_core.conventions.common import not_implemented_for
from lamella_nn.functional.arguments import check_type, listed
from lamella_nn.functional.reduction import read_reduction
from lamella_nn.ops.loss import cross_entropy_index, nll_loss_index

if TYPE_CHECKING:
    from lamella_core import Tensor

__all__ = ["cross_entropy", "nll_loss"]


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """The cross-entropy of softmax(input) to the target, ``-sum_c weight_c q_c log p_c``.

    Args:
        input: scores, ``(classes,)``, ``(batch, classes)`` or ``(batch, classes, *places)``.
        target: class indices (int64 or uint8), the input's shape less the classes; or
            probabilities q of the input's shape.
        weight: ``(classes,)``.
        ignore_index: the index that counts for nothing.
        reduction: ``"mean"`` (of indices: the weighted mean), ``"sum"`` or ``"none"``.
        label_smoothing: the share, 0 to 1, of the target that is spread evenly over the classes.
        size_average, reduce: deprecated names of the reduction.

    Raises:
        IndexError: when a target index is no class.
        ValueError: when the batch sizes differ, or the reduction is unknown.
        RuntimeError: when shapes or dtypes do not fit otherwise.
    """
    reduction = read_reduction(reduction, size_average, reduce)
    shape, wanted = input._array.shape, target._array.shape
    if wanted == shape:
        if ignore_index >= 0:
            raise RuntimeError(
                "ignore_index is not supported for floating point target; leave it out, or give "
                "class indices"
            )
        return _cross_entropy_probabilities(input, target, weight, reduction, label_smoothing)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")
    if not input._dtype.is_floating_point:
        raise not_implemented_for("log_softmax", input._dtype)
    _check_classes(input, target, weight)
    if len(shape) == 1 and wanted:
        target = target.squeeze(0)
    return cross_entropy_index(
        input, target, weight, reduction, ignore_index, float(label_smoothing)
    )[0]


def _check_classes(input: Tensor, target: Tensor, weight: Tensor | None) -> None:
    """Raises unless the target is class indices for the input's shape."""
    shape, wanted = input._array.shape, target._array.shape
    if not shape:
        raise RuntimeError("the input must have a dimension for the classes, but it has none")
    classes = shape[0] if len(shape) == 1 else shape[1]
    if len(shape) == 1:
        if wanted not in ((), (1,)):
            raise ValueError(
                f"For 1D input, 1D target must have size 1, but got target size: {listed(wanted)}"
            )
    elif not wanted or shape[0] != wanted[0]:
        size = wanted[0] if wanted else 1
        raise ValueError(
            f"Expected input batch_size ({shape[0]}) to match target batch_size ({size})."
        )
    elif len(shape) == 2 and len(wanted) > 1:
        raise RuntimeError(
            "0D or 1D target tensor expected, multi-target not supported, but got a target "
            "of size "
            f"{listed(wanted)}"
        )
    elif shape[2:] != wanted[1:]:
        if len(shape) == 4 and len(wanted) != 3:
            raise RuntimeError(
                f"only batches of spatial targets supported (3D tensors) but got targets of "
                f"dimension: {len(wanted)}"
            )
        expected = (shape[0], *shape[2:])
        raise RuntimeError(
            f"Expected target size {listed(expected)}, got {listed(wanted)} (size mismatch for "
            f"input {listed(shape)})"
        )
    if target._dtype.name not in ("int64", "uint8"):
        raise RuntimeError(
            f"expected target dtype to be Long or Byte, but got {target._dtype.class_name}; "
            "convert the class indices with .long()"
        )
    if not input._dtype.is_floating_point:
        raise not_implemented_for("nll_loss", input._dtype)
    if weight is not None:
        if weight._array.shape != (classes,):
            raise RuntimeError(
                f"weight tensor should be defined either for all {classes} classes or no classes "
                f"but got weight tensor of shape: {listed(weight._array.shape)}"
            )
        check_type("weight", weight, input._dtype)


def _cross_entropy_probabilities(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, label_smoothing: float
) -> Tensor:
    if not target._dtype.is_floating_point:
        raise RuntimeError(
            f"Expected floating point type for target with class probabilities, got "
            f"{target._dtype.class_name}"
        )
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")
    shape = input._array.shape
    if not shape:
        raise RuntimeError("the input must have a dimension for the classes, but it has none")
    dim = 0 if len(shape) == 1 else 1
    classes = shape[dim]
    if weight is not None and weight._array.shape != (classes,):
        raise RuntimeError(
            f"cross_entropy: weight tensor should be defined either for all {classes} classes or "
            f"no classes but got weight tensor of shape: {listed(weight._array.shape)}"
        )
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    products = core.log_softmax(input, dim) * target
    if weight is not None:
        products = products * (weight.reshape(-1, *[1] * (len(shape) - 2)) if dim else weight)
    if reduction == "none":
        return -products.sum(dim)
    total = -products.sum()
    if reduction == "sum":
        return total
    return rename(total / (input.numel() / classes), "DivBackward1")


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The negative log-likelihood, ``-weight[t] * input[n, t]``.

    Args:
        input: log-probabilities, ``(classes,)``, ``(batch, classes)`` or ``(batch, classes,
            *places)``.
        target: class indices, the input's shape less the classes.
        weight, ignore_index, reduction, size_average, reduce: as in :func:`cross_entropy`.

    Raises:
        IndexError: when a target is no class.
        ValueError: when the batch sizes differ, or the reduction is unknown.
        RuntimeError: when shapes or dtypes do not fit otherwise.
    """
    reduction = read_reduction(reduction, size_average, reduce)
    if not input._array.ndim:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    _check_classes(input, target, weight)
    return nll_loss_index(input, target, weight, reduction, ignore_index)[0]
