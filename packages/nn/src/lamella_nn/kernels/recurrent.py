"""Array kernels of the plain recurrent layer; the gated ones are in ``lstm`` and ``gru``."""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import shared_kernel
from lamella_nn.kernels.recurrent_rounds import Gradients, go_back
from lamella_nn.kernels.recurrent_steps import (
    Chunk,
    Part,
    go_over,
    in_blocks,
    input_products,
    multiply,
    parts_of,
    transposed,
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
    dtype, size = input.dtype, hx.shape[1]
    output = xp.empty((input.shape[0], size), dtype)
    last = output if len(batch_sizes) == 1 else xp.empty(hx.shape, dtype)

    def go_through(chunk: Chunk, state: Any, bias: Any) -> None:
        # What a chunk needs is gone before the next one.
        h = state[:, : chunk.width]
        blocks = in_blocks(xp, weight_hh, chunk.width)
        inputs = input_products(xp, chunk.rows_of(input), weight_ih, bias)
        outputs = chunk.rows_of(output)
        sums = xp.empty((size, chunk.width), dtype)
        for step in range(chunk.count):
            multiply(xp, blocks, h, sums)
            sums += inputs[step]
            if nonlinearity == "tanh":
                xp.tanh(sums, out=h)
            else:
                xp.maximum(sums, 0, out=h)
            outputs[step] = h.T

    def run(part: Part) -> None:
        state = transposed(xp, hx[part.sequences])
        bias = None if bias_ih is None else widened(xp, bias_ih + bias_hh, state.shape[1])
        for chunk in part.chunks:
            go_through(chunk, state, bias)
        if last is not output:
            last[part.sequences] = state.T

    go_over(parts_of(xp, weight_hh, batch_sizes, reverse), run)
    return output, last


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
    dtype, size = input.dtype, hx.shape[1]
    to_hx = xp.empty(hx.shape if needs[1] else 0, dtype)

    def run(part: Part, chunks: list[Chunk], first: int, to_sums: Any, to_state: Any) -> None:
        for chunk in reversed(chunks):
            dh = to_state[:, : chunk.width]
            blocks = in_blocks(xp, weight_hh.T, chunk.width)
            grads = None if grad_output is None else chunk.rows_of(grad_output)
            slopes = xp.array(chunk.rows_of(output).transpose(0, 2, 1), order="C")
            if nonlinearity == "tanh":
                slopes *= slopes
                xp.subtract(1, slopes, out=slopes)
            else:
                slopes = (slopes > 0).astype(dtype)
            for step in reversed(range(chunk.count)):
                if grads is not None:
                    dh += grads[step].T
                slopes[step] *= dh
                multiply(xp, blocks, slopes[step], dh)
            chunk.rows_of(to_sums, first)[...] = slopes.transpose(0, 2, 1)

    asked = (needs[0], *needs[2:], False)
    gradients = Gradients(xp, input, output, hx, weight_ih, asked)
    state = grad_hidden, size, to_hx
    for each, to_sums in go_back(xp, weight_hh, batch_sizes, reverse, size, run, state):
        gradients.add(each, to_sums, to_sums)
    to_input, to_ih, to_hh, to_bias, _ = gradients.results
    return to_input, to_hx, to_ih, to_hh, to_bias
