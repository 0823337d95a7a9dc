"""Dropout, with the mask that PyTorch draws from the same seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.ops.creation_likes import empty_like
from lamella_core.warning import warn
from lamella_nn.functional.arguments import is_constant
from lamella_nn.ops import dropout as ops

if TYPE_CHECKING:
    from lamella_core import Tensor

__all__ = [
    "alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout",
]  # fmt: skip

# From this many elements on, memory costs more than the calls.
_LARGE = 1 << 16


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Elements become zero with probability p; the others are divided by 1 - p.

    Args:
        training: otherwise the input is returned as it is.
        inplace: whether to overwrite the input.

    Raises:
        ValueError: p lies outside of [0, 1].

    G. E. Hinton et al., "Improving neural networks by preventing co-adaptation of feature
    detectors", 2012.
    """
    _check_probability(p)
    if inplace:
        return ops.dropout_(input, p, training)
    large = input._array.size >= _LARGE and not input.is_cuda
    if training and 0 < p < 1 and large and is_constant(input):
        # No one asks for the noise again, so the result takes its place. On CUDA, which draws
        # in another order for dropout, one kernel does it all.
        return empty_like(input).bernoulli_(1 - p).div_(1 - p).mul_(input)
    return ops.dropout(input, p, training)


def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Whole channels become zero with probability p; the others are divided by 1 - p.

    Args:
        input: ``(batch, channels, length)`` or ``(channels, length)``.
        training, inplace: as in :func:`dropout`.

    Raises:
        ValueError: p lies outside of [0, 1].
        RuntimeError: for another number of dimensions.
    """
    _check_probability(p)
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input. Note that "
            "dropout1d exists to provide channel-wise dropout on inputs with 1 spatial "
            "dimension, a "
            "channel dimension, and an optional batch dimension (i.e. 2D or 3D inputs)."
        )
    if input.ndim == 3:
        return _feature_dropout(input, p, training, inplace)
    result = _feature_dropout(input.unsqueeze(0), p, training, inplace).squeeze(0)
    return input if inplace else result


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Whole channels become zero with probability p; the others are divided by 1 - p.

    Args:
        input: ``(batch, channels, height, width)``; of a 3-D input the second dimension counts as
            the channels, too.
        training, inplace: as in :func:`dropout`.

    Raises:
        ValueError: p lies outside of [0, 1].
    """
    _check_probability(p)
    if input.ndim not in (3, 4):
        warn(
            f"dropout2d: Received a {input.ndim}-D input to dropout2d, which is deprecated "
            "and will "
            "result in an error in a future release. To retain the behavior and silence this "
            "warning, please use dropout instead. Note that dropout2d exists to provide "
            "channel-wise dropout on inputs with 2 spatial dimensions, a channel dimension, and an "
            "optional batch dimension (i.e. 3D or 4D inputs)."
        )
    if input.ndim == 3:
        warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout "
            "behavior is desired - input is interpreted as shape (N, C, L), where C is the channel "
            "dim. This behavior will change in a future release to interpret the input as one "
            "without a batch dimension, i.e. shape (C, H, W). To maintain the 1D channel-wise "
            "dropout behavior, please switch to using dropout1d instead."
        )
    return _feature_dropout(input, p, training, inplace)


def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Whole channels become zero with probability p; the others are divided by 1 - p.

    Args:
        input: ``(batch, channels, depth, height, width)`` or without the batch.
        training, inplace: as in :func:`dropout`.

    Raises:
        ValueError: p lies outside of [0, 1].
    """
    _check_probability(p)
    if input.ndim not in (4, 5):
        warn(
            f"dropout3d: Received a {input.ndim}-D input to dropout3d, which is deprecated "
            "and will "
            "result in an error in a future release. To retain the behavior and silence this "
            "warning, please use dropout instead. Note that dropout3d exists to provide "
            "channel-wise dropout on inputs with 3 spatial dimensions, a channel dimension, and an "
            "optional batch dimension (i.e. 4D or 5D inputs)."
        )
    if input.ndim == 5:
        return _feature_dropout(input, p, training, inplace)
    result = _feature_dropout(input.unsqueeze(0), p, training, inplace).squeeze(0)
    return input if inplace else result


def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Elements take the saturation value with probability p, then mean and variance are restored.

    Keeps inputs of mean 0 and variance 1 as they are, for networks of ``selu`` (G. Klambauer et
    al., "Self-Normalizing Neural Networks", 2017).

    Args:
        training, inplace: as in :func:`dropout`.

    Raises:
        ValueError: p lies outside of [0, 1].
    """
    _check_probability(p)
    function = ops.alpha_dropout_ if inplace else ops.alpha_dropout
    return function(input, p, training)


def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """:func:`alpha_dropout` of whole channels (dimension 1).

    Raises:
        ValueError: p lies outside of [0, 1].
    """
    _check_probability(p)
    function = ops.feature_alpha_dropout_ if inplace else ops.feature_alpha_dropout
    return function(input, p, training)


def _check_probability(p: float) -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _feature_dropout(input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    function = ops.feature_dropout_ if inplace else ops.feature_dropout
    return function(input, p, training)
