"""Batching rules (``vmap``) of the ops here: the batch joins a dimension that the op has anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd.batching import batching
from lamella_autograd.batching.linalg import of_more_matrices
from lamella_autograd.levels import call

if TYPE_CHECKING:
    from lamella_autograd.batching import Batch
    from lamella_core import Tensor
    from lamella_core.dispatch import Op


@batching(
    "max_pool", "max_pool_with_indices", "take_flat", "put_flat", "avg_pool",
    "avg_pool_backward", "adaptive_avg_pool", "adaptive_avg_pool_backward", "adaptive_max_pool",
    "constant_pad_nd", "pad_from_input", "pad_from_input_backward", "resample", "gated",
    "gated_backward",
)  # fmt: skip
def over_last_dims(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Ops on the last dimensions: examples are one more dimension in front."""
    if op.mutates is not None:
        return NotImplemented
    values = [
        batch.full(a) if p.kind == "tensor" else a for a, p in zip(args, op.params, strict=True)
    ]
    return call(op, *values)


def _into_first(batch: Batch, tensor: Tensor) -> Tensor:
    """``(batch, n, ...)`` as ``(batch * n, ...)``."""
    value = batch.full(tensor)
    shape = value.shape
    return value.reshape(shape[0] * shape[1], *shape[2:])


def _out_of_first(batch: Batch, value: Tensor) -> Tensor:
    return value.reshape(batch.size, value.shape[0] // max(batch.size, 1), *value.shape[1:])


def _into_channels(batch: Batch, tensor: Tensor) -> Tensor:
    """``(batch, n, channels, ...)`` as ``(n, batch * channels, ...)``."""
    value = batch.full(tensor).movedim(0, 1)
    shape = value.shape
    return value.reshape(shape[0], shape[1] * shape[2], *shape[3:])


def _out_of_channels(batch: Batch, value: Tensor) -> Tensor:
    shape = value.shape
    channels = shape[1] // max(batch.size, 1)
    return value.reshape(shape[0], batch.size, channels, *shape[2:]).movedim(1, 0)


def _merged(batch: Batch, op: Op, args: tuple[Any, ...]) -> list[Any]:
    """The arguments with the examples in the first dimension of each tensor."""
    return [
        _into_first(batch, a) if p.kind == "tensor" else a
        for a, p in zip(args, op.params, strict=True)
    ]


@batching("unfold_windows", "fold_windows", "grid_sampler")
def over_first_dim(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Ops on a batch of images: more of them."""
    return _out_of_first(batch, call(op, *_merged(batch, op, args)))


@batching("grid_sampler_backward", "grid_sampler_second")
def grid_sampler_backward(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """See :func:`over_first_dim`; a gradient that is not needed is empty."""
    results = call(op, *_merged(batch, op, args))
    return tuple(
        [
            _out_of_first(batch, each) if each.ndim > 1 else each.new_empty((batch.size, 0))
            for each in results
        ]
    )


# ------------ distances

batching("euclidean_distances")(of_more_matrices)


@batching("bilinear_form", "bilinear_side")
def bilinear(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """One weight for all examples: more rows."""
    first, second, weight, *rest = args
    if batch.is_batched(weight):
        return NotImplemented
    rows = call(op, _into_first(batch, first), _into_first(batch, second), weight, *rest)
    return _out_of_first(batch, rows)


# ------------ convolutions


@batching("convolution")
def convolution(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """One weight for all examples: more inputs. A weight for each: more groups."""
    input, weight, bias, *middle, groups = args
    if not batch.is_batched(weight) and not batch.is_batched(bias):
        result = call(op, _into_first(batch, input), weight, bias, *middle, groups)
        return _out_of_first(batch, result)
    if bias is not None:
        bias = batch.full(bias).reshape(-1)
    result = call(
        op,
        _into_channels(batch, input),
        _into_first(batch, weight),
        bias,
        *middle,
        groups * batch.size,
    )
    return _out_of_channels(batch, result)


@batching("convolution_input_grad")
def convolution_input_grad(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """See :func:`convolution`."""
    grad_output, weight, *middle, groups = args
    if not batch.is_batched(weight):
        return _out_of_first(
            batch, call(op, _into_first(batch, grad_output), weight, *middle, groups)
        )
    result = call(
        op,
        _into_channels(batch, grad_output),
        _into_first(batch, weight),
        *middle,
        groups * batch.size,
    )
    return _out_of_channels(batch, result)


@batching("convolution_weight_grad")
def convolution_weight_grad(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """The weights of each example are groups of their own."""
    input, grad_output, *middle, groups = args
    result = call(
        op,
        _into_channels(batch, input),
        _into_channels(batch, grad_output),
        *middle,
        groups * batch.size,
    )
    return _out_of_first(batch, result)


# ------------ normalizations


def _by_channel(batch: Batch, tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else batch.full(tensor).reshape(-1)


@batching("native_batch_norm")
def batch_norm(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """The channels of each example have statistics of their own."""
    input, weight, bias, eps = args
    result, mean, variance = call(
        op, _into_channels(batch, input), _by_channel(batch, weight), _by_channel(batch, bias), eps
    )
    return (
        _out_of_channels(batch, result),
        mean.reshape(batch.size, -1),
        variance.reshape(batch.size, -1),
    )


@batching("scale_channels")
def scale_channels(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """The examples' channels are more of them."""
    input, scale, shift = args
    given = _into_channels(batch, input), _by_channel(batch, scale), _by_channel(batch, shift)
    return _out_of_channels(batch, call(op, *given))


@batching("native_layer_norm")
def layer_norm(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """With one weight for all examples, they are one more dimension in front."""
    input, sizes, weight, bias, eps = args
    if batch.is_batched(weight) or batch.is_batched(bias):
        result, mean, rstd = call(op, batch.full(input), sizes, None, None, eps)
        ndim = input.ndim
        if weight is not None:
            result = result * batch.aligned(weight, ndim)
        return (result if bias is None else result + batch.aligned(bias, ndim)), mean, rstd
    return call(op, batch.full(input), sizes, weight, bias, eps)


@batching("native_group_norm")
def group_norm(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Examples of examples are more of them; weights of their own are applied after."""
    input, groups, weight, bias, eps = args
    flat = _into_first(batch, input)
    if not batch.is_batched(weight) and not batch.is_batched(bias):
        return tuple(_out_of_first(batch, r) for r in call(op, flat, groups, weight, bias, eps))
    result, mean, variance = (
        _out_of_first(batch, r) for r in call(op, flat, groups, None, None, eps)
    )
    shape = (-1, 1, input.shape[1], *(1,) * (input.ndim - 2))
    if weight is not None:
        result = result * batch.full(weight).reshape(shape)
    return (result if bias is None else result + batch.full(bias).reshape(shape)), mean, variance


@batching("native_group_norm_backward")
def group_norm_backward(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """The gradients of weight and bias are sums over the dimensions of one example."""
    grad_output, input, groups, weight, mean, variance, eps = args
    ndim = input.ndim
    grad, value, mean, variance = map(batch.full, (grad_output, input, mean, variance))
    shape = (-1, 1, input.shape[1], *(1,) * (ndim - 2))
    scaled = grad if weight is None else grad * batch.full(weight).reshape(shape)
    rest = [each.flatten(0, 1) for each in (mean, variance)]
    flat = scaled.flatten(0, 1), value.flatten(0, 1)
    to_input = _out_of_first(batch, call(op, *flat, groups, None, *rest, eps)[0])
    rstd = (variance + eps).rsqrt()
    each = input.shape[1] // groups
    center, scale = (
        x.repeat_interleave(each, 2).reshape(*value.shape[:3], *(1,) * (ndim - 2))
        for x in (mean, rstd)
    )
    dims = (1, *range(3, ndim + 1))
    return to_input, (grad * (value - center) * scale).sum(dims), grad.sum(dims)


@batching("native_layer_norm_backward")
def layer_norm_backward(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """The gradients of weight and bias are sums over the dimensions of one example."""
    grad_output, input, sizes, weight, mean, rstd = args
    ndim, count = input.ndim, input.ndim - len(sizes)
    grad, value, mean, rstd = (batch.full(each) for each in (grad_output, input, mean, rstd))
    scaled = grad if weight is None else grad * batch.aligned(weight, ndim)
    to_input = call(op, scaled, value, sizes, None, mean, rstd)[0]
    dims = tuple(range(1, count + 1))
    products = grad * (value - mean) * rstd
    if not dims:
        return to_input, products, grad
    return to_input, products.sum(dims), grad.sum(dims)


# ------------ look-ups


@batching("embedding")
def embedding(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """With a table for each example, the tables stand one below the other."""
    weight, indices, padding_idx, by_freq, sparse = args
    if not batch.is_batched(weight):
        return call(op, weight, batch.full(indices), padding_idx, by_freq, sparse)
    if padding_idx >= 0 or by_freq or sparse:
        return NotImplemented
    rows = weight.shape[0]
    return call(op, _into_first(batch, weight), _offset(batch, indices, rows), -1, False, False)


@batching("embedding_backward")
def embedding_backward(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """See :func:`embedding`."""
    grad_output, indices, rows, padding_idx, by_freq = args
    if padding_idx >= 0 or by_freq:
        return NotImplemented
    places = _offset(batch, indices, rows)
    table = call(op, batch.full(grad_output), places, rows * batch.size, -1, False)
    return _out_of_first(batch, table)


@batching("embedding_bag")
def embedding_bag(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Bags of one length: more of them, over tables that stand one below the other."""
    weight, indices, offsets, factors, mode, padding_idx, by_freq, last, sparse = args
    if offsets is not None or mode == "max" or by_freq or sparse:
        return NotImplemented
    if batch.is_batched(weight):
        if padding_idx >= 0:
            return NotImplemented
        places = _offset(batch, indices, weight.shape[0]).flatten(0, 1)
        weight = _into_first(batch, weight)
    else:
        places = _into_first(batch, indices)
    factors = None if factors is None else _into_first(batch, factors)
    result, chosen = call(
        op, weight, places, None, factors, mode, padding_idx, by_freq, last, sparse
    )
    return _out_of_first(batch, result), chosen.new_empty((batch.size, 0))


@batching("embedding_bag_backward")
def embedding_bag_backward(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """See :func:`embedding_bag`; the gradient is of a table for each example."""
    grad_output, indices, offsets, factors, chosen, rows, mode, padding_idx, by_freq, last = args
    if offsets is not None or mode == "max" or by_freq or padding_idx >= 0:
        return NotImplemented
    factors = None if factors is None else _into_first(batch, factors)
    places = _offset(batch, indices, rows).flatten(0, 1)
    nothing = indices.new_empty((0,)) if batch.is_batched(chosen) else chosen
    table = call(
        op, _into_first(batch, grad_output), places, None, factors, nothing, rows * batch.size,
        mode, padding_idx, by_freq, last,
    )  # fmt: skip
    return _out_of_first(batch, table)


def _offset(batch: Batch, indices: Tensor, rows: int) -> Tensor:
    """Indices into the tables of all examples, one below the other."""
    from lamella_core import arange

    value = batch.full(indices)
    starts = arange(batch.size, device=value.device, dtype=value.dtype) * rows
    return value + starts.reshape(-1, *(1,) * (value.ndim - 1))


# ------------ losses on classes


def _rows(batch: Batch, tensor: Tensor, ndim: int) -> Tensor:
    """Scores, or what belongs to them, of all examples; ``ndim`` is that of one example's scores.

    Without a batch dimension of their own, the examples are it.
    """
    return batch.full(tensor) if ndim == 1 else _into_first(batch, tensor)


@batching(
    "multi_margin", "multi_margin_backward", "multilabel_margin", "multilabel_margin_backward"
)
def margin_loss(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """The rows of all examples are more rows."""
    if any(batch.is_batched(a) for a, p in zip(args, op.params, strict=True) if p.name == "weight"):
        return NotImplemented
    return over_first_dim(batch, op, args)


def _target_weights(
    batch: Batch, target: Tensor, weight: Tensor | None, ignore_index: int, like: Tensor
) -> Tensor:
    """The sum of the targets' weights of each example."""
    places = batch.full(target).reshape(batch.size, -1)
    valid = places != ignore_index
    weights = valid.to(like.dtype)
    if weight is not None:
        weights = weights * weight[places.masked_fill(~valid, 0)]
    return weights.sum(1)


def _reduced(batch: Batch, losses: Tensor, target: Tensor, reduction: str, total: Tensor) -> Tensor:
    if reduction == "none":
        return losses.reshape(batch.size, *target.shape)
    sums = losses.reshape(batch.size, -1).sum(1)
    return sums / total if reduction == "mean" else sums


def _of_elements(
    batch: Batch, grad_output: Tensor, target: Tensor, reduction: str, total: Tensor, ndim: int
) -> Tensor:
    """The gradient of each element's loss, from that of each example's."""
    grad = batch.full(grad_output)
    if reduction == "mean":
        grad = grad / batch.full(total)
    if reduction != "none":
        grad = grad.reshape(-1, *(1,) * target.ndim).expand(batch.size, *target.shape)
    return grad if ndim == 1 else grad.flatten(0, 1)


@batching("cross_entropy_index", "nll_loss_index")
def class_loss(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """The losses of all elements, then the reduction of each example."""
    input, target, weight, reduction, ignore_index, *rest = args
    if batch.is_batched(weight):
        return NotImplemented
    ndim = input.ndim
    losses, *more = call(
        op, _rows(batch, input, ndim), _rows(batch, target, ndim), weight, "none", ignore_index,
        *rest,
    )  # fmt: skip
    total = _target_weights(batch, target, weight, ignore_index, losses)
    loss = _reduced(batch, losses, target, reduction, total)
    probabilities = [each.reshape(batch.size, *input.shape) for each in more[:-1]]
    return (loss, *probabilities, total)


@batching("cross_entropy_index_backward")
def cross_entropy_backward(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """See :func:`class_loss`."""
    grad_output, probabilities, target, weight, total, reduction, *rest = args
    if batch.is_batched(weight):
        return NotImplemented
    ndim = probabilities.ndim
    grad = _of_elements(batch, grad_output, target, reduction, total, ndim)
    result = call(
        op, grad, _rows(batch, probabilities, ndim), _rows(batch, target, ndim), weight,
        batch.full(total), "none", *rest,
    )  # fmt: skip
    return result.reshape(batch.size, *probabilities.shape)


@batching("nll_loss_index_backward")
def nll_backward(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """See :func:`class_loss`."""
    grad_output, target, weight, total, sizes, reduction, *rest = args
    if batch.is_batched(weight):
        return NotImplemented
    ndim = len(sizes)
    grad = _of_elements(batch, grad_output, target, reduction, total, ndim)
    whole = (batch.size, *sizes) if ndim == 1 else (batch.size * sizes[0], *sizes[1:])
    result = call(
        op, grad, _rows(batch, target, ndim), weight, batch.full(total), whole, "none", *rest
    )
    return result.reshape(batch.size, *sizes)


# ------------ sequences


def _into_second(batch: Batch, tensor: Tensor) -> Tensor:
    """``(batch, steps, n, ...)`` as ``(steps, batch * n, ...)``."""
    value = batch.full(tensor).movedim(0, 1)
    shape = value.shape
    return value.reshape(shape[0], shape[1] * shape[2], *shape[3:])


def _out_of_second(batch: Batch, value: Tensor) -> Tensor:
    shape = value.shape
    each = shape[1] // max(batch.size, 1)
    return value.reshape(shape[0], batch.size, each, *shape[2:]).movedim(1, 0)


@batching("ctc_alignments")
def ctc_alignments(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """The sequences of all examples are a larger batch of them."""
    log_probs, targets, input_lengths, target_lengths, *rest = args
    losses, beginnings = call(
        op, _into_second(batch, log_probs), _into_first(batch, targets),
        input_lengths * batch.size, target_lengths * batch.size, *rest,
    )  # fmt: skip
    return _out_of_first(batch, losses), _out_of_second(batch, beginnings)


@batching("ctc_alignments_backward")
def ctc_alignments_backward(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """See :func:`ctc_alignments`."""
    log_probs, losses, targets, beginnings, input_lengths, target_lengths, *rest = args
    result = call(
        op, _into_second(batch, log_probs), _into_first(batch, losses),
        _into_first(batch, targets), _into_second(batch, beginnings),
        input_lengths * batch.size, target_lengths * batch.size, *rest,
    )  # fmt: skip
    return _out_of_second(batch, result)


# ------------ attention


@batching("attention", "attention_backward")
def attention(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Examples are one more dimension in front; the mask broadcasts."""
    names = [param.name for param in op.params]
    values = list(args)
    wanted = args[names.index("mask_wanted")] if "mask_wanted" in names else False
    ndim = args[names.index("query")].ndim
    for i, (name, param) in enumerate(zip(names, op.params, strict=True)):
        if name == "mask" and args[i] is not None:
            values[i] = batch.full(args[i]) if wanted else batch.aligned(args[i], ndim)
            if wanted and args[i].ndim != ndim:
                return NotImplemented
        elif param.kind == "tensor":
            values[i] = batch.full(args[i])
    return call(op, *values)
