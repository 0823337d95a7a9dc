"""Derivatives of pooling. Every gradient here is linear, so its derivative is its adjoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd import derivative, node_name
from lamella_nn.ops.pooling import (
    adaptive_avg_pool,
    adaptive_avg_pool_backward,
    avg_pool,
    avg_pool_backward,
    max_pool_with_indices,
    put_flat,
    take_flat,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core import Tensor


def _max_pool(
    grads: Any, results: Any, input_shape: Any, kernel: Any, stride: Any, dilation: Any
) -> Tensor:
    # Where windows overlap, several may have chosen the same element.
    overlap = any(s <= d * (k - 1) for s, d, k in zip(stride, dilation, kernel, strict=True))
    return put_flat(grads[0], results[1], input_shape[-len(kernel) :], overlap)


derivative("max_pool_with_indices", input=_max_pool, keeps=(1,))
# Called where nothing is recorded; who records it all the same looks for the places then.
derivative(
    "max_pool",
    input=lambda grad, input, kernel, stride, padding, dilation, ceil_mode: _max_pool(
        (grad,),
        max_pool_with_indices(input, kernel, stride, padding, dilation, ceil_mode),
        input._array.shape,
        kernel,
        stride,
        dilation,
    ),
)
derivative(
    "take_flat",
    input=lambda grad, indices, input_shape, dims: put_flat(
        grad, indices, input_shape[-dims:], True
    ),
)
# Writing takes the gradient of the places that were written to; where two were the same place
# the result itself is not determined.
derivative("put_flat", input=lambda grad, indices, sizes: take_flat(grad, indices, len(sizes)))
derivative(
    "adaptive_max_pool",
    input=lambda grads, results, input_shape, output_size: put_flat(
        grads[0], results[1], input_shape[-len(output_size) :], True
    ),
    keeps=(1,),
)


def _avg_pool(
    grad: Tensor,
    input_shape: Any,
    kernel: Any,
    stride: Any,
    padding: Any,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:
    sizes = input_shape[-len(kernel) :]
    return avg_pool_backward(
        grad, sizes, kernel, stride, padding, count_include_pad, divisor_override
    )


def _avg_pool_backward(
    grad: Tensor,
    grad_output_shape: Any,
    sizes: Any,
    kernel: Any,
    stride: Any,
    padding: Any,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:
    # Whether the sizes were rounded up shows in how many windows there were.
    floor = all(
        out == (n + 2 * p - k) // s + 1
        for out, n, k, s, p in zip(
            grad_output_shape[-len(kernel) :], sizes, kernel, stride, padding, strict=True
        )
    )
    return avg_pool(grad, kernel, stride, padding, not floor, count_include_pad, divisor_override)


derivative("avg_pool", input=_avg_pool, once=True)
derivative("avg_pool_backward", grad_output=_avg_pool_backward)
derivative(
    "adaptive_avg_pool",
    input=lambda grad, input_shape, output_size: adaptive_avg_pool_backward(
        grad, input_shape[-len(output_size) :]
    ),
    once=True,
)
derivative(
    "adaptive_avg_pool_backward",
    grad_output=lambda grad, grad_output_shape, sizes: adaptive_avg_pool(
        grad, grad_output_shape[-len(sizes) :]
    ),
)


def _name(pytorchs: str, attribute: str) -> Callable[[Any], str]:
    """In one dimension PyTorch pools over two and takes one away."""

    def name(node: Any) -> str:
        rank = len(getattr(node, attribute))
        return "SqueezeBackward1" if rank == 1 else f"{pytorchs.format(rank)}Backward0"

    return name


for _op_name, _pytorchs, _attribute in (
    ("max_pool", "MaxPool{}DWithIndices", "_kept_kernel"),
    ("max_pool_with_indices", "MaxPool{}DWithIndices", "_kept_kernel"),
    ("avg_pool", "AvgPool{}D", "_kept_kernel"),
    ("adaptive_max_pool", "AdaptiveMaxPool{}D", "_kept_output_size"),
    ("adaptive_avg_pool", "AdaptiveAvgPool{}D", "_kept_output_size"),
):
    node_name(_op_name, _name(_pytorchs, _attribute))
