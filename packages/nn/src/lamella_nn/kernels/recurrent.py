"""Array kernels of the plain recurrent layer; the gated ones are in ``lstm`` and ``gru``."""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import shared_kernel
from lamella_nn.kernels.recurrent_steps import (
    block_of,
    input_products,
    states_before,
    steps_of,
    transposed,
    transposed_gradient,
    widened,
)


@shared_kernel
def rnn_layer(
    xp: Any,
    input: Any,
    hx: Any,
    weight_ih: Any,
    weight_hh: Any,
    bias_ih: Any,
    bias_hh: Any,
    batch_sizes: tuple[int, ...],
    reverse: bool,
    nonlinearity: str,
) -> tuple[Any, Any]:
    rows, dtype = input.shape[0], input.dtype
    batch, size = hx.shape
    products = xp.empty(size * rows, dtype)
    output = xp.empty((rows, size), dtype)
    input_products(xp, input, weight_ih, products, size, batch_sizes)
    bias = None if bias_ih is None else widened(xp, bias_ih + bias_hh, batch)
    state = transposed(xp, hx)
    for start, end in steps_of(batch_sizes, reverse):
        h = state[:, : end - start]
        block = block_of(products, size, start, end)
        block += weight_hh @ h
        if bias is not None:
            block += bias[:, : end - start]
        if nonlinearity == "tanh":
            xp.tanh(block, out=h)
        else:
            xp.maximum(block, 0, out=h)
        output[start:end] = h.T
    return output, xp.ascontiguousarray(state.T)


@shared_kernel
def rnn_layer_backward(
    xp: Any,
    input: Any,
    grad_output: Any,
    grad_hidden: Any,
    hx: Any,
    weight_ih: Any,
    weight_hh: Any,
    output: Any,
    batch_sizes: tuple[int, ...],
    reverse: bool,
    nonlinearity: str,
    needs: tuple[bool, ...],
) -> tuple[Any, ...]:
    rows, size, dtype = input.shape[0], hx.shape[1], input.dtype
    to_state = transposed_gradient(xp, grad_hidden, hx.shape, dtype)
    to_sums = xp.empty((size, rows), dtype)
    slope = 1 - output * output if nonlinearity == "tanh" else (output > 0).astype(dtype)
    for start, end in reversed(steps_of(batch_sizes, reverse)):
        dh = to_state[:, : end - start]
        if grad_output is not None:
            dh += grad_output[start:end].T
        step = dh * slope[start:end].T
        to_sums[:, start:end] = step
        xp.matmul(weight_hh.T, step, out=dh)
    nothing = xp.empty(0, dtype)
    return (
        to_sums.T @ weight_ih if needs[0] else nothing,
        xp.ascontiguousarray(to_state.T) if needs[1] else nothing,
        to_sums @ input if needs[2] else nothing,
        to_sums @ states_before(xp, output, hx, batch_sizes, reverse) if needs[3] else nothing,
        to_sums.sum(1) if needs[4] else nothing,
    )
