"""Array kernels of the LSTM layer.

The reserve holds for each step of a part the gates ``i f g o``, ``c`` and ``tanh(c')``, one below
the other.
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
    product,
    transposed,
    widened,
)


@shared_kernel
def lstm_layer(
    xp: Any,
    input: Any,
    hx: Any,
    cx: Any,
    weight_ih: Any,
    weight_hh: Any,
    bias_ih: Any,
    bias_hh: Any,
    weight_hr: Any,
    batch_sizes: tuple[int, ...],
    reverse: bool,
    saves: bool,
) -> tuple[Any, Any, Any, Any]:
    rows, size, dtype = input.shape[0], cx.shape[1], input.dtype
    reserve = xp.empty(6 * size * rows if saves else 0, dtype)
    output = xp.empty((rows, hx.shape[1]), dtype)
    last_h = output if len(batch_sizes) == 1 else xp.empty(hx.shape, dtype)
    last_c = xp.empty(cx.shape, dtype)

    def go_through(chunk: Chunk, state: Any, cell: Any, bias: Any, share: Any) -> None:
        # What a chunk needs is gone before the next one.
        width = chunk.width
        h, c = state[:, :width], cell[:, :width]
        blocks = in_blocks(xp, weight_hh, width)
        inputs = input_products(xp, chunk.rows_of(input), weight_ih, bias)
        saved, outputs = chunk.room_in(xp, share, 6 * size), chunk.rows_of(output)
        products = xp.empty((2, size, width), dtype)
        for step in range(chunk.count):
            block = saved[step]
            gates, i_and_f, o = block[: 4 * size], block[: 2 * size], block[3 * size : 4 * size]
            tanh_c = block[5 * size :]
            multiply(xp, blocks, h, gates)
            gates += inputs[step]
            # sigmoid(x) = tanh(x / 2) / 2 + 1 / 2: one call of tanh for all gates.
            i_and_f *= 0.5
            o *= 0.5
            xp.tanh(gates, out=gates)
            i_and_f *= 0.5
            i_and_f += 0.5
            o *= 0.5
            o += 0.5
            block[4 * size : 5 * size] = c
            # i g and f c
            each = block.reshape(6, size, width)
            xp.multiply(each[:2], each[2:5:2], out=products)
            xp.add(products[0], products[1], out=c)
            xp.tanh(c, out=tanh_c)
            if weight_hr is None:
                xp.multiply(o, tanh_c, out=h)
            else:
                h[...] = weight_hr @ (o * tanh_c)
            outputs[step] = h.T

    def run(part: Part) -> None:
        state, cell = transposed(xp, hx[part.sequences]), transposed(xp, cx[part.sequences])
        width = state.shape[1]
        bias = None if bias_ih is None else widened(xp, bias_ih + bias_hh, width)
        share = part.share_of(reserve, 6 * size)
        for chunk in part.chunks:
            go_through(chunk, state, cell, bias, share)
        if last_h is not output:
            last_h[part.sequences] = state.T
        last_c[part.sequences] = cell.T

    go_over(parts_of(xp, weight_hh, batch_sizes, reverse), run)
    return output, last_h, last_c, reserve


@shared_kernel
def lstm_layer_backward(
    xp: Any,
    input: Any,
    grad_output: Any,
    grad_hidden: Any,
    grad_cell: Any,
    hx: Any,
    weight_ih: Any,
    weight_hh: Any,
    weight_hr: Any,
    output: Any,
    reserve: Any,
    batch_sizes: tuple[int, ...],
    reverse: bool,
    needs: tuple[bool, ...],
) -> tuple[Any, ...]:
    dtype = input.dtype
    size, projected = weight_hh.shape[0] // 4, hx.shape[1]
    to_hx = xp.empty(hx.shape if needs[1] else 0, dtype)
    to_cx = xp.empty((len(hx), size) if needs[2] else 0, dtype)
    projecting = weight_hr is not None

    def run(
        part: Part, chunks: list[Chunk], first: int, held: Any, to_state: Any, to_cell: Any
    ) -> None:
        share = part.share_of(reserve, 6 * size)
        for chunk in reversed(chunks):
            width = chunk.width
            dh, dc = to_state[:, :width], to_cell[:, :width]
            blocks = in_blocks(xp, weight_hh.T, width)
            saved = chunk.saved_in(share, 6 * size).reshape(chunk.count, 6, size, width)
            grads = None if grad_output is None else chunk.rows_of(grad_output)
            slopes, through = _slopes(xp, saved)
            part_of_dc = xp.empty((size, width), dtype)
            rows = chunk.rows_of(held, first)
            for step in reversed(range(chunk.count)):
                slope = slopes[step]
                if grads is not None:
                    dh += grads[step].T
                dm = dh
                if projecting:
                    rows[step, :, 5 * size :] = dh.T
                    dm = weight_hr.T @ dh
                xp.multiply(dm, through[step], out=part_of_dc)
                dc += part_of_dc
                slope[:3] *= dc
                slope[3] *= dm
                dc *= saved[step, 1]
                multiply(xp, blocks, slope.reshape(4 * size, width), dh)
            slopes = slopes.reshape(chunk.count, 4 * size, width)
            rows[..., : 4 * size] = slopes.transpose(0, 2, 1)
            if projecting:
                # o tanh(c')
                rows[..., 4 * size : 5 * size] = (saved[:, 3] * saved[:, 5]).transpose(0, 2, 1)

    asked = (needs[0], *needs[3:5], needs[6], False)
    gradients = Gradients(xp, input, output, hx, weight_ih, asked)
    to_hr = xp.zeros((projected, size) if needs[5] else 0, dtype)
    height = 5 * size + projected if projecting else 4 * size
    states = (grad_hidden, projected, to_hx), (grad_cell, size, to_cx)
    for each, held in go_back(xp, weight_hh, batch_sizes, reverse, height, run, *states):
        to_gates = held[:, : 4 * size]
        gradients.add(each, to_gates, to_gates)
        if needs[5]:
            to_hr += product(xp, held[:, 5 * size :].T, held[:, 4 * size : 5 * size])
    to_input, to_ih, to_hh, to_bias, _ = gradients.results
    return to_input, to_hx, to_cx, to_ih, to_hh, to_hr, to_bias


def _slopes(xp: Any, saved: Any) -> tuple[Any, Any]:
    """The derivatives at some steps: of ``c'`` by what goes into ``i f g`` and of ``h'`` by what
    goes into ``o``, ``(count, 4, size, width)``, and of ``h'`` by ``c'``.

    Those of sigmoid and tanh are ``s - s^2`` and ``1 - t^2``.
    """
    i_and_f, o, tanh_c = saved[:, :2], saved[:, 3], saved[:, 5]
    slopes = saved[:, :4] * saved[:, :4]
    xp.subtract(i_and_f, slopes[:, :2], out=slopes[:, :2])
    xp.subtract(1, slopes[:, 2], out=slopes[:, 2])
    xp.subtract(o, slopes[:, 3], out=slopes[:, 3])
    # i by g, f by c, g by i
    slopes[:, :2] *= saved[:, 2:5:2]
    slopes[:, 2] *= saved[:, 0]
    slopes[:, 3] *= tanh_c
    through = tanh_c * tanh_c
    xp.subtract(1, through, out=through)
    through *= o
    return slopes, through
