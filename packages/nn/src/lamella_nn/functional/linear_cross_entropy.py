"""The cross-entropy of a linear layer's outputs, without holding them all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lamella_core as core
from lamella_autograd.checkpoint import checkpoint
from lamella_nn.functional.arguments import listed
from lamella_nn.functional.linear import linear
from lamella_nn.functional.loss import cross_entropy
from lamella_nn.functional.precision import as_given, single
from lamella_nn.functional.reduction import read_reduction

if TYPE_CHECKING:
    from lamella_core import Tensor
    from lamella_nn.modules.linear_cross_entropy import LinearCrossEntropyOptions

__all__ = ["linear_cross_entropy"]


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: LinearCrossEntropyOptions | None = None,
) -> Tensor:
    """``cross_entropy(linear(input, linear_weight, linear_bias), target, ...)``.

    With ``options`` the batch goes through in chunks, whose scores are computed again in the
    backward pass: memory for the scores of one chunk is enough, at the price of one more product.

    Args:
        input: ``(batch, features)`` or ``(features,)``.
        linear_weight: ``(classes, features)``, or ``(classes, *places, features)``.
        target: class indices, or probabilities, as ``cross_entropy`` takes them for scores of
            ``(batch, classes, *places)``.
        linear_bias: ``(classes,)`` or ``(classes, *places)``.
        weight: ``(classes,)``, of the classes in the loss.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        ignore_index: a class index that counts for nothing; -100 when None.
        label_smoothing: the share of the target that is spread evenly over the classes.
        options: how the batch is cut up; not at all when None.

    Raises:
        IndexError: when a target index is no class.
        ValueError: when the batch sizes differ, or the reduction is unknown.
        RuntimeError: when shapes or dtypes do not fit otherwise.
    """
    read_reduction(reduction, None, None)
    shape = _checked_shape(input, linear_weight, linear_bias)
    probabilities = target.is_floating_point()
    if probabilities and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    ignored = -100 if ignore_index is None else ignore_index
    places = shape[1:-1]
    flat = linear_weight if not places else linear_weight.reshape(-1, shape[-1])
    bias = linear_bias if linear_bias is None or not places else linear_bias.reshape(-1)

    # In chunks half precision is rounded once, at the end, as in PyTorch.
    wide = _as_it_is if options is None else single
    flat = wide(flat)
    bias = None if bias is None else wide(bias)
    weight = None if weight is None else wide(weight)

    def loss(rows: Tensor, classes: Tensor, reduction: str) -> Tensor:
        scores = linear(wide(rows), flat, bias)
        if places:
            scores = scores.reshape(rows.shape[0], shape[0], *places)
        if probabilities:
            classes = wide(classes)
        return cross_entropy(
            scores, classes, weight, None, ignored, None, reduction, label_smoothing
        )

    batch = input._array.shape[0]
    if input.ndim == 2 and (not target.ndim or target._array.shape[0] != batch):
        size = target._array.shape[0] if target.ndim else 1
        raise ValueError(
            f"Expected input batch_size ({batch}) to match target batch_size ({size})."
        )
    rows_each = batch
    if options is not None and input.ndim == 2:
        rows_each = options.rows_of_chunk(batch, shape[-1], flat._array.shape[0])
    if rows_each >= batch or input.ndim == 1:
        return as_given(loss(input, target, reduction), input)
    parts = [
        checkpoint(
            loss, rows, classes, "none" if reduction == "none" else "sum", use_reentrant=False
        )
        for rows, classes in zip(input.split(rows_each), target.split(rows_each), strict=True)
    ]
    if reduction == "none":
        return as_given(core.cat(parts), input)
    total = core.stack(parts).sum()
    if reduction == "mean":
        total = total / _count(target, weight, ignored, probabilities)
    return as_given(total, input)


def _as_it_is(tensor: Tensor) -> Tensor:
    return tensor


def _checked_shape(
    input: Tensor, linear_weight: Tensor, linear_bias: Tensor | None
) -> tuple[int, ...]:
    """The shape of the linear weight, once it fits the input and the bias."""
    given, shape = tuple(input._array.shape), tuple(linear_weight._array.shape)
    if len(given) not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {len(given)}")
    if len(shape) < 2:
        raise RuntimeError(
            f"expected linear_weight with dimensionality at least 2, got {len(shape)}"
        )
    if given[-1] != shape[-1]:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), got "
            f"{given[-1]} and {shape[-1]}, respectively"
        )
    if len(shape) > 2 and len(given) == 1:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {shape} requires batched input, "
            f"(N, {shape[-1]}), got unbatched input with shape {listed(given)}"
        )
    if linear_bias is not None and tuple(linear_bias._array.shape) != shape[:-1]:
        raise RuntimeError(
            f"expected linear_bias shape {shape[:-1]}, got {tuple(linear_bias._array.shape)}"
        )
    return shape


def _count(
    target: Tensor, weight: Tensor | None, ignored: int, probabilities: bool
) -> Tensor | int:
    """What the mean divides the sum by, as in ``cross_entropy``."""
    if probabilities:
        return target.numel() // target._array.shape[1]
    kept = target != ignored
    if weight is None:
        return kept.sum()
    return weight[target[kept].long()].sum()
