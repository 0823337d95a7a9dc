"""Array kernels of the GRU layer.

The reserve holds for each step of a part the gates ``r z``, ``W_hn h + b_hn``, the gate ``n`` and
``h``, one below the other.
"""

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
def gru_layer(
    xp: Any,
    input: Any,
    hx: Any,
    weight_ih: Any,
    weight_hh: Any,
    bias_ih: Any,
    bias_hh: Any,
    batch_sizes: tuple[int, ...],
    reverse: bool,
    saves: bool,
) -> tuple[Any, Any, Any]:
    rows, size, dtype = input.shape[0], hx.shape[1], input.dtype
    reserve = xp.empty(5 * size * rows if saves else 0, dtype)
    output = xp.empty((rows, size), dtype)
    last = output if len(batch_sizes) == 1 else xp.empty(hx.shape, dtype)

    def go_through(chunk: Chunk, state: Any, input_bias: Any, hidden_bias: Any, share: Any) -> None:
        # What a chunk needs is gone before the next one.
        width = chunk.width
        h = state[:, :width]
        blocks = in_blocks(xp, weight_hh, width)
        inputs = input_products(xp, chunk.rows_of(input), weight_ih, input_bias)
        saved, outputs = chunk.room_in(xp, share, 5 * size), chunk.rows_of(output)
        for step in range(chunk.count):
            block, sums = saved[step], inputs[step]
            r_and_z, r, z = block[: 2 * size], block[:size], block[size : 2 * size]
            hidden_n, n = block[2 * size : 3 * size], block[3 * size : 4 * size]
            block[4 * size :] = h
            multiply(xp, blocks, h, block[: 3 * size])
            if hidden_bias is not None:
                hidden_n += hidden_bias[2 * size :, :width]
            r_and_z += sums[: 2 * size]
            # sigmoid(x) = tanh(x / 2) / 2 + 1 / 2
            r_and_z *= 0.5
            xp.tanh(r_and_z, out=r_and_z)
            r_and_z *= 0.5
            r_and_z += 0.5
            xp.multiply(r, hidden_n, out=n)
            n += sums[2 * size :]
            xp.tanh(n, out=n)
            h -= n
            h *= z
            h += n
            outputs[step] = h.T

    def run(part: Part) -> None:
        state = transposed(xp, hx[part.sequences])
        input_bias: Any = None
        hidden_bias: Any = None
        if bias_ih is not None:
            input_bias = widened(xp, bias_ih, state.shape[1])
            hidden_bias = widened(xp, bias_hh, state.shape[1])
            input_bias[: 2 * size] += hidden_bias[: 2 * size]
        share = part.share_of(reserve, 5 * size)
        for chunk in part.chunks:
            go_through(chunk, state, input_bias, hidden_bias, share)
        if last is not output:
            last[part.sequences] = state.T

    go_over(parts_of(xp, weight_hh, batch_sizes, reverse), run)
    return output, last, reserve


@shared_kernel
def gru_layer_backward(
    xp: Any,
    input: Any,
    grad_output: Any,
    grad_hidden: Any,
    hx: Any,
    weight_ih: Any,
    weight_hh: Any,
    output: Any,
    reserve: Any,
    batch_sizes: tuple[int, ...],
    reverse: bool,
    needs: tuple[bool, ...],
) -> tuple[Any, ...]:
    size, dtype = hx.shape[1], input.dtype
    to_hx = xp.empty(hx.shape if needs[1] else 0, dtype)

    def run(part: Part, chunks: list[Chunk], first: int, to_gates: Any, to_state: Any) -> None:
        share = part.share_of(reserve, 5 * size)
        for chunk in reversed(chunks):
            count, width = chunk.count, chunk.width
            dh = to_state[:, :width]
            blocks = in_blocks(xp, weight_hh.T, width)
            saved = chunk.saved_in(share, 5 * size).reshape(count, 5, size, width)
            grads = None if grad_output is None else chunk.rows_of(grad_output)
            slopes = _slopes(xp, saved)
            product = xp.empty((size, width), dtype)
            for step in reversed(range(count)):
                slope = slopes[step]
                if grads is not None:
                    dh += grads[step].T
                slope[::2] *= dh
                slope[1::2] *= slope[0]
                dh *= saved[step, 1]
                multiply(xp, blocks, slope[1:].reshape(3 * size, width), product)
                dh += product
            stacked = slopes.reshape(count, 4 * size, width)
            chunk.rows_of(to_gates, first)[...] = stacked.transpose(0, 2, 1)

    # Of each row the gradients of n, r, z before their functions, and of W_hn h + b_hn: those by
    # the input and those by the state then lie together.
    turned = xp.concatenate([weight_ih[2 * size :], weight_ih[: 2 * size]])
    gradients = Gradients(xp, input, output, hx, turned, (needs[0], *needs[2:]))
    state = grad_hidden, size, to_hx
    for each, to_gates in go_back(xp, weight_hh, batch_sizes, reverse, 4 * size, run, state):
        gradients.add(each, to_gates[:, : 3 * size], to_gates[:, size:])
    to_input, to_ih, to_hh, to_bias_ih, to_bias_hh = gradients.results
    to_ih, to_bias_ih = (xp.concatenate([x[size:], x[:size]]) for x in (to_ih, to_bias_ih))
    return to_input, to_hx, to_ih, to_hh, to_bias_ih, to_bias_hh


def _slopes(xp: Any, saved: Any) -> Any:
    """The derivatives at some steps, ``(count, 4, size, width)``: of ``h'`` by what goes into
    ``n``, of ``n`` by what goes into ``r``, of ``h'`` by what goes into ``z``, of ``n`` by
    ``W_hn h``; the second and the fourth without ``n``'s own, which the first has.

    Those of sigmoid and tanh are ``s - s^2`` and ``1 - t^2``.
    """
    r_and_z, z, n = saved[:, :2], saved[:, 1], saved[:, 3]
    slopes = xp.empty((len(saved), 4, *saved.shape[2:]), saved.dtype)
    of_n, of_r_and_z = slopes[:, 0], slopes[:, 1:3]
    xp.multiply(r_and_z, r_and_z, out=of_r_and_z)
    xp.subtract(r_and_z, of_r_and_z, out=of_r_and_z)
    slopes[:, 1] *= saved[:, 2]
    slopes[:, 2] *= saved[:, 4] - n
    slopes[:, 3] = saved[:, 0]
    xp.multiply(n, n, out=of_n)
    xp.subtract(1, of_n, out=of_n)
    of_n *= 1 - z
    return slopes
