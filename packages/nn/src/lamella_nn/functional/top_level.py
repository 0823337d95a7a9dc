"""Functions that PyTorch has both at its top level and in ``nn.functional``, with other arguments.

Those here are the ones of the top level: ``torch.batch_norm``, ``torch.kl_div`` and their like.
Choices are numbers there: ``reduction`` is 0 for the losses themselves, 1 for their mean and 2 for
their sum; left out, it is 0, as in PyTorch's own functions. ``cudnn_enable`` and ``cudnn_enabled``
choose nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import TYPE_CHECKING

from lamella_core.composite import checked as _checked
from lamella_core.conventions.arguments import number_of_type
from lamella_nn import functional as F
from lamella_nn.functional.padding import padded_by
from lamella_nn.functional.reduction import REDUCTIONS, reduced

if TYPE_CHECKING:
    from lamella_core import Tensor
    from lamella_core.typing import Ints, Number

__all__ = [
    "adaptive_max_pool1d", "affine_grid_generator", "batch_norm",
    "binary_cross_entropy_with_logits", "constant_pad_nd", "conv_tbc", "convolution",
    "cosine_embedding_loss", "ctc_loss", "embedding", "grid_sampler", "grid_sampler_2d",
    "grid_sampler_3d", "group_norm",
    "hinge_embedding_loss", "instance_norm", "kl_div", "layer_norm", "margin_ranking_loss",
    "max_pool1d_with_indices", "poisson_nll_loss", "triplet_margin_loss",
]  # fmt: skip

_INTERPOLATIONS = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")


def _chosen(function: str, argument: str, value: int, names: tuple[str, ...]) -> str:
    if not 0 <= index(value) < len(names):
        meanings = ", ".join(f"{number} ({name})" for number, name in enumerate(names))
        raise ValueError(
            f"{function}(): argument {argument!r} must be one of {meanings}, got {value}"
        )
    return names[value]


# ------------ layers


def embedding(
    weight: Tensor,
    indices: Tensor,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Rows of ``weight``, see :func:`nn.functional.embedding`; a ``padding_idx`` that is
    no row, as -1 is, stands for none here."""
    padding = padding_idx if 0 <= padding_idx < len(weight) else None
    return F.embedding(
        indices, weight, padding, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse
    )


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:
    """See :func:`nn.functional.layer_norm`."""
    return F.layer_norm(input, normalized_shape, weight, bias, eps)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:
    """See :func:`nn.functional.group_norm`."""
    return F.group_norm(input, num_groups, weight, bias, eps)


def batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """See :func:`nn.functional.batch_norm`; the weight and bias stand first here."""
    return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """See :func:`nn.functional.instance_norm`; the weight and bias stand first here."""
    return F.instance_norm(
        input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps
    )


def constant_pad_nd(input: Tensor, pad: Sequence[int], value: Number = 0) -> Tensor:
    """See :func:`nn.functional.pad`, with mode ``constant``; the value may be complex here."""
    return padded_by(input, tuple(pad), number_of_type(value, input.dtype))


def convolution(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Tensor:
    """A convolution, or a transposed one, over 1 to 3 dimensions, as many as ``weight`` has.

    See :func:`nn.functional.conv2d` and :func:`nn.functional.conv_transpose2d`.

    Raises:
        RuntimeError: when ``weight`` has not 3 to 5 dimensions or the shapes do not fit.
    """
    spatial = weight.dim() - 2
    if spatial not in (1, 2, 3):
        raise RuntimeError(
            f"convolution(): expected a weight of 3 to 5 dimensions, got {list(weight.shape)}"
        )
    if transposed:
        apply = getattr(F, f"conv_transpose{spatial}d")
        return apply(input, weight, bias, stride, padding, output_padding, groups, dilation)
    apply = getattr(F, f"conv{spatial}d")
    return apply(input, weight, bias, stride, padding, dilation, groups)


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """A convolution over time of a sequence whose dimensions are time, batch and channels.

    Args:
        input: ``(time, batch, input channels)``.
        weight: ``(width, input channels, output channels)``.
        bias: ``(output channels,)``.
        pad: zeros at both ends of the time.

    Returns:
        ``(time + 2 * pad - width + 1, batch, output channels)``.
    """
    rows = F.conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad)
    return rows.permute(2, 0, 1)


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints = (),
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
) -> tuple[Tensor, Tensor]:
    """The maxima and their places, see :func:`nn.functional.max_pool1d`."""
    return F.max_pool1d_with_indices(
        input, kernel_size, None if stride == () else stride, padding, dilation, ceil_mode
    )


def adaptive_max_pool1d(input: Tensor, output_size: Ints) -> tuple[Tensor, Tensor]:
    """The maxima and their places, see :func:`nn.functional.adaptive_max_pool1d`."""
    return F.adaptive_max_pool1d_with_indices(input, output_size)


def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """See :func:`nn.functional.grid_sample`.

    Args:
        input: images.
        grid: places in them.
        interpolation_mode: 0 bilinear, 1 nearest, 2 bicubic.
        padding_mode: 0 zeros, 1 the border, 2 reflection.
        align_corners: whether -1 and 1 are the middles of the outer pixels.
    """
    mode = _chosen("grid_sampler", "interpolation_mode", interpolation_mode, _INTERPOLATIONS)
    outside = _chosen("grid_sampler", "padding_mode", padding_mode, _PADDINGS)
    return F.grid_sample(input, grid, mode, outside, align_corners)


def grid_sampler_2d(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """:func:`grid_sampler` of images, ``(batch, channels, height, width)``."""
    _check_rank(input, 4)
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def grid_sampler_3d(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """:func:`grid_sampler` of volumes, ``(batch, channels, depth, height, width)``."""
    _check_rank(input, 5)
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def _check_rank(input: Tensor, rank: int) -> None:
    if input.dim() != rank:
        raise RuntimeError(
            f"grid_sampler(): expected {rank}D input, but got input with sizes {list(input.shape)}"
        )


def affine_grid_generator(theta: Tensor, size: Sequence[int], align_corners: bool) -> Tensor:
    """See :func:`nn.functional.affine_grid`."""
    return F.affine_grid(theta, size, align_corners)


# ------------ losses


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    reduction: int = 0,
) -> Tensor:
    """See :func:`nn.functional.binary_cross_entropy_with_logits`."""
    form = _chosen("binary_cross_entropy_with_logits", "reduction", reduction, REDUCTIONS)
    return F.binary_cross_entropy_with_logits(
        input, target, weight, pos_weight=pos_weight, reduction=form
    )


def kl_div(
    input: Tensor, target: Tensor, reduction: int = 0, *, log_target: bool = False
) -> Tensor:
    """See :func:`nn.functional.kl_div`."""
    form = _chosen("kl_div", "reduction", reduction, REDUCTIONS)
    # Its warning of the mean is that of nn.functional alone.
    losses = F.kl_div(input, target, reduction="none", log_target=log_target)
    return reduced(losses, form)


def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int
) -> Tensor:
    """See :func:`nn.functional.poisson_nll_loss`."""
    form = _chosen("poisson_nll_loss", "reduction", reduction, REDUCTIONS)
    return F.poisson_nll_loss(input, target, log_input, full, eps=eps, reduction=form)


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0
) -> Tensor:
    """See :func:`nn.functional.cosine_embedding_loss`."""
    form = _chosen("cosine_embedding_loss", "reduction", reduction, REDUCTIONS)
    return F.cosine_embedding_loss(input1, input2, target, margin, reduction=form)


def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, reduction: int = 0
) -> Tensor:
    """See :func:`nn.functional.hinge_embedding_loss`."""
    form = _chosen("hinge_embedding_loss", "reduction", reduction, REDUCTIONS)
    return F.hinge_embedding_loss(input, target, margin, reduction=form)


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0
) -> Tensor:
    """See :func:`nn.functional.margin_ranking_loss`."""
    form = _chosen("margin_ranking_loss", "reduction", reduction, REDUCTIONS)
    return F.margin_ranking_loss(input1, input2, target, margin, reduction=form)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: int = 0,
) -> Tensor:
    """See :func:`nn.functional.triplet_margin_loss`."""
    form = _chosen("triplet_margin_loss", "reduction", reduction, REDUCTIONS)
    return F.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction=form)


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int],
    blank: int = 0,
    reduction: int = 0,
    zero_infinity: bool = False,
) -> Tensor:
    """See :func:`nn.functional.ctc_loss`."""
    form = _chosen("ctc_loss", "reduction", reduction, REDUCTIONS)
    return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, form, zero_infinity)


for _name in __all__:
    globals()[_name] = _checked(globals()[_name], renames=False)
