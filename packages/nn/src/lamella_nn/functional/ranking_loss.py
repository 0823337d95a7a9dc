"""Losses on margins: between classes, between pairs, between an anchor and two others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lamella_core as core
from lamella_core.conventions.common import anywhere, not_implemented_for
from lamella_nn.functional.arguments import check_type, listed
from lamella_nn.functional.distance import pairwise_distance
from lamella_nn.functional.precision import as_given
from lamella_nn.functional.reduction import read_reduction, reduced
from lamella_nn.ops.activation import log_sigmoid
from lamella_nn.ops.elementwise_loss import elementwise_soft_margin
from lamella_nn.ops.margin_loss import multi_margin, multilabel_margin

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core import Tensor

__all__ = [
    "cosine_embedding_loss", "hinge_embedding_loss", "margin_ranking_loss", "multi_margin_loss",
    "multilabel_margin_loss", "multilabel_soft_margin_loss", "soft_margin_loss",
    "triplet_margin_loss", "triplet_margin_with_distance_loss",
]  # fmt: skip


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``input`` where the target is 1, ``max(0, margin - input)`` where it is -1.

    Args:
        input: distances, of any shape.
        target: 1 for like pairs and -1 for unlike ones, of the input's shape.
        margin: the distance up to which unlike pairs cost something.
        size_average, reduce: deprecated names of the reduction.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ValueError: for an unknown reduction.
    """
    reduction = read_reduction(reduction, size_average, reduce)
    if not (input._dtype.is_floating_point or input._dtype.is_complex):
        # The losses of integers are integers.
        margin = int(margin)
    zeros = core.zeros_like(input)
    apart = core.where(target == 1, zeros, (margin - input).clamp_min(0))
    together = core.where(target == -1, zeros, input)
    return reduced(apart + together, reduction)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``max(0, -target (input1 - input2) + margin)``; target 1 wants ``input1`` the larger.

    Args:
        input1, input2: of one shape.
        target: 1 or -1, of the same number of dimensions.
        margin: by how much the one should be larger.
        size_average, reduce: deprecated names of the reduction.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        RuntimeError: when the numbers of dimensions differ.
        ValueError: for an unknown reduction.
    """
    reduction = read_reduction(reduction, size_average, reduce)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            f"margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.shape}, input2: {input2.shape}, target: {target.shape} "
        )
    return reduced((-target * (input1 - input2) + margin).clamp_min(0), reduction)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``log(1 + exp(-target input))``, targets being 1 and -1.

    Args:
        input, target: of one shape.
        size_average, reduce: deprecated names of the reduction.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        The loss in the type of ``input``, whatever that of ``target`` is.

    Raises:
        ValueError: for an unknown reduction.
        RuntimeError: for integers, and for a complex target of a real input.
    """
    reduction = read_reduction(reduction, size_average, reduce)
    if input._dtype is target._dtype and input._dtype.is_floating_point:
        losses = elementwise_soft_margin(input, target)
    else:
        losses = as_given((-input * target).exp().log1p(), input)
    return reduced(losses, reduction, "SoftMarginLossBackward0")


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``1 - cos(input1, input2)`` where the target is 1, ``max(0, cos - margin)`` where it is -1.

    Args:
        input1, input2: ``(batch, features)`` or ``(features,)``.
        target: ``(batch,)`` or ``()``.

    Raises:
        RuntimeError: for other numbers of dimensions.
        ValueError: for an unknown reduction.
    """
    reduction = read_reduction(reduction, size_average, reduce)
    if target.ndim not in (0, 1):
        raise RuntimeError(
            "0D or 1D target tensor expected, multi-target not supported, got "
            f"{listed(target.shape)}"
        )
    dims = target.ndim + 1
    if input1.ndim != dims or input2.ndim != dims:
        shown = "1D" if target.ndim else "0D"
        wanted = "2D" if target.ndim else "1D"
        raise RuntimeError(
            f"{shown} target tensor expects {wanted} input tensors, but found inputs with sizes "
            f"{listed(input1.shape)} and {listed(input2.shape)}."
        )
    dim = target.ndim
    # The same small number as in the method's usual implementations keeps zero vectors finite.
    tiny = 1e-12
    products = (input1 * input2).sum(dim)
    squares = ((input1 * input1).sum(dim) + tiny) * ((input2 * input2).sum(dim) + tiny)
    cosine = products / squares.sqrt()
    zeros = core.zeros_like(cosine)
    together = core.where(target == 1, 1 - cosine, zeros)
    apart = core.where(target == -1, (cosine - margin).clamp_min(0), zeros)
    return reduced(together + apart, reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``max(0, d(anchor, positive) - d(anchor, negative) + margin)``, d being the p-norm distance.

    Args:
        eps: added to the differences, as in :func:`pairwise_distance`.
        swap: take ``d(positive, negative)`` for the second distance where it is smaller.

    Raises:
        ValueError: unless ``margin`` is positive, or for an unknown reduction.
        RuntimeError: when the numbers of dimensions differ.
    """
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    reduction = read_reduction(reduction, size_average, reduce)
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            f"The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {anchor.ndim}D, positive {positive.ndim}D, and negative "
            f"{negative.ndim}D inputs"
        )

    def distance(a: Tensor, b: Tensor) -> Tensor:
        return pairwise_distance(a, b, p, eps)

    return _triplet(anchor, positive, negative, distance, margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """:func:`triplet_margin_loss` for any distance; that of :func:`pairwise_distance` by default.

    Raises:
        ValueError: unless ``margin`` is positive, or for an unknown reduction.
        RuntimeError: when the numbers of dimensions differ.
    """
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    reduction = read_reduction(reduction, None, None)
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            f"The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {anchor.ndim}D, positive {positive.ndim}D, and negative "
            f"{negative.ndim}D inputs"
        )
    distance = pairwise_distance if distance_function is None else distance_function
    return _triplet(anchor, positive, negative, distance, margin, swap, reduction)


def _triplet(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    distance: Any,
    margin: float,
    swap: bool,
    reduction: str,
) -> Tensor:
    near = distance(anchor, positive)
    far = distance(anchor, negative)
    if swap:
        far = core.minimum(far, distance(positive, negative))
    return reduced((near + margin - far).clamp_min(0), reduction)


def _check_types(name: str, input: Tensor, target: Tensor, weight: Tensor | None) -> None:
    if input._dtype.name not in ("float32", "float64"):
        raise not_implemented_for(name, input._dtype)
    check_type("target", target, core.int64)
    if weight is not None:
        check_type("weight", weight, input._dtype)


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: float = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``sum_{i != t} weight[t] max(0, margin - input[t] + input[i])^p / classes``.

    Args:
        input: ``(batch, classes)`` or ``(classes,)``.
        target: class indices, ``(batch,)`` or ``()``.
        p: 1 or 2.
        weight: ``(classes,)``.

    Raises:
        ValueError: for another p, or an unknown reduction.
        NotImplementedError: for an input that is neither float32 nor float64.
        RuntimeError: when the shapes or the other types do not fit, or a target is no class.
    """
    reduction = read_reduction(reduction, size_average, reduce)
    if p not in (1, 2):
        raise ValueError(f"only p == 1 and p == 2 supported, got {p}")
    classes = input._array.shape[-1] if input.ndim else 1
    if weight is not None and weight.ndim != 1:
        raise ValueError(f"weight must be one-dimensional, got {listed(weight.shape)}")
    if weight is not None and weight._array.shape != (classes,):
        raise RuntimeError(
            f"inconsistent weight size, expected {classes} but got {listed(weight.shape)}"
        )
    scores = input.reshape(-1, classes)
    indices = target.reshape(-1)
    if indices.numel() != scores._array.shape[0]:
        raise RuntimeError(
            f"inconsistent target size, expected {scores._array.shape[0]} but got "
            f"{listed(target.shape)}"
        )
    _check_types("multi_margin_loss", input, target, weight)
    if indices.numel() and anywhere((indices < 0) | (indices >= classes)):
        raise RuntimeError(
            f"target out of range: the indices run from {indices.min()} to "
            f"{indices.max()}, but there are {classes} classes"
        )
    losses = multi_margin(scores, indices, weight, p, margin)
    losses = losses if input.ndim > 1 else losses.squeeze(0)
    return reduced(losses, reduction, "MultiMarginLossBackward0")


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``sum_{j, i} max(0, 1 - (input[t_j] - input[i])) / classes``, t_j the labels, i the others.

    Args:
        input: ``(batch, classes)`` or ``(classes,)``.
        target: of the input's shape; the labels, then -1.

    Raises:
        ValueError: for an unknown reduction.
        NotImplementedError: for an input that is neither float32 nor float64.
        RuntimeError: when the shapes differ, the target is not int64, or no class.
    """
    reduction = read_reduction(reduction, size_average, reduce)
    if target._array.shape != input._array.shape:
        raise RuntimeError(
            f"inconsistent target size: {listed(target.shape)} for input of size: "
            f"{listed(input.shape)}"
        )
    classes = input._array.shape[-1] if input.ndim else 1
    _check_types("multilabel_margin_loss", input, target, None)
    if target.numel() and anywhere((target.amin() < -1) | (target.amax() >= classes)):
        raise RuntimeError(
            f"argument #2 'target' is out of range: it has to hold the indices of {classes} "
            "classes, or -1"
        )
    scores = input.reshape(-1, classes)
    labels = target.reshape(-1, classes)
    losses = multilabel_margin(scores, labels)
    losses = losses if input.ndim > 1 else losses.squeeze(0)
    return reduced(losses, reduction, "MultilabelMarginLossBackward0")


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The mean over the classes of the binary cross-entropy of sigmoid(input).

    Args:
        input: logits, ``(..., classes)``.
        target: 0 and 1, of the input's shape.
        weight: broadcasts to the input's shape.

    Raises:
        ValueError: for an unknown reduction.
    """
    reduction = read_reduction(reduction, size_average, reduce)
    losses = -(target * log_sigmoid(input) + (1 - target) * log_sigmoid(-input))
    if weight is not None:
        losses = losses * weight
    return reduced(losses.sum(input.ndim - 1) / input._array.shape[-1], reduction)
