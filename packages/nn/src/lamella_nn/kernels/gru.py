"""Array kernels of the GRU layer.

The reserve holds for each step of a part the gates ``r z``, ``W_hn h + b_hn``, the gate ``n`` and
``h``, one below the other.
"""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import shared_kernel
from lamella_nn.kernels.recurrent_steps import (
    Chunk,
    Part,
    go_over,
    in_blocks,
    input_products,
    multiply,
    parts_of,
    product,
    state_products,
    transposed,
    transposed_gradient,
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
    output, last = xp.empty((rows, size), dtype), xp.empty(hx.shape, dtype)

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
    rows, size, dtype = input.shape[0], hx.shape[1], input.dtype
    to_hx = xp.empty(hx.shape, dtype)
    # The gradients of r, z, n before their functions, and of W_hn h + b_hn.
    to_gates = xp.empty((rows, 4 * size), dtype)

    def run(part: Part) -> None:
        to_state = transposed_gradient(xp, grad_hidden, part.sequences, hx.shape, dtype)
        share = part.share_of(reserve, 5 * size)
        for chunk in reversed(part.chunks):
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
                slope[1::2] *= dh
                slope[::2] *= slope[3]
                dh *= saved[step, 1]
                multiply(xp, blocks, slope[:3].reshape(3 * size, width), product)
                dh += product
            stacked = slopes.reshape(count, 4 * size, width).transpose(0, 2, 1)
            grads = chunk.rows_of(to_gates)
            grads[..., : 2 * size] = stacked[..., : 2 * size]
            grads[..., 2 * size : 3 * size] = stacked[..., 3 * size :]
            grads[..., 3 * size :] = stacked[..., 2 * size : 3 * size]
        to_hx[part.sequences] = to_state.T

    go_over(parts_of(xp, weight_hh, batch_sizes, reverse), run)
    nothing = xp.empty(0, dtype)
    to_hh = nothing
    if needs[3]:
        rest = output, hx, batch_sizes, reverse
        of_r_and_z = state_products(xp, to_gates[:, : 2 * size], *rest)
        of_n = state_products(xp, to_gates[:, 3 * size :], *rest)
        to_hh = xp.concatenate([of_r_and_z, of_n])
    sums = to_gates.sum(0) if needs[4] or needs[5] else nothing
    return (
        product(xp, to_gates[:, : 3 * size], weight_ih) if needs[0] else nothing,
        to_hx if needs[1] else nothing,
        product(xp, to_gates[:, : 3 * size].T, input) if needs[2] else nothing,
        to_hh,
        sums[: 3 * size].copy() if needs[4] else nothing,
        xp.concatenate([sums[: 2 * size], sums[3 * size :]]) if needs[5] else nothing,
    )


def _slopes(xp: Any, saved: Any) -> Any:
    """The derivatives at some steps, ``(count, 4, size, width)``: of ``n`` by what goes into
    ``r``, of ``h'`` by what goes into ``z``, of ``n`` by ``W_hn h``, of ``h'`` by what goes into
    ``n``; the first and the third without ``n``'s own, which the fourth has.

    Those of sigmoid and tanh are ``s - s^2`` and ``1 - t^2``.
    """
    r_and_z, z, n = saved[:, :2], saved[:, 1], saved[:, 3]
    slopes = xp.empty((len(saved), 4, *saved.shape[2:]), saved.dtype)
    of_r_and_z, of_n = slopes[:, :2], slopes[:, 3]
    xp.multiply(r_and_z, r_and_z, out=of_r_and_z)
    xp.subtract(r_and_z, of_r_and_z, out=of_r_and_z)
    slopes[:, 0] *= saved[:, 2]
    slopes[:, 1] *= saved[:, 4] - n
    slopes[:, 2] = saved[:, 0]
    xp.multiply(n, n, out=of_n)
    xp.subtract(1, of_n, out=of_n)
    of_n *= 1 - z
    return slopes
