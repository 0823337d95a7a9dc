"""Array kernels of the LSTM layer.

The reserve holds for each step the gates ``i f g o``, ``tanh(c')`` and ``c``, one below the other.
"""

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
) -> tuple[Any, Any, Any, Any]:
    rows, batch, size, dtype = input.shape[0], hx.shape[0], cx.shape[1], input.dtype
    reserve = xp.empty(6 * size * rows, dtype)
    output = xp.empty((rows, hx.shape[1]), dtype)
    input_products(xp, input, weight_ih, reserve, 6 * size, batch_sizes)
    bias = None if bias_ih is None else widened(xp, bias_ih + bias_hh, batch)
    state, cell = transposed(xp, hx), transposed(xp, cx)
    buffer = xp.empty(4 * size * batch, dtype)
    for start, end in steps_of(batch_sizes, reverse):
        h, c = state[:, : end - start], cell[:, : end - start]
        block = block_of(reserve, 6 * size, start, end)
        gates, tanh_c = block[: 4 * size], block[4 * size : 5 * size]
        block[5 * size :] = c
        gates += xp.matmul(weight_hh, h, out=block_of(buffer, 4 * size, 0, end - start))
        if bias is not None:
            gates += bias[:, : end - start]
        # sigmoid(x) = tanh(x / 2) / 2 + 1 / 2: one call of tanh for all gates.
        i_and_f, o = gates[: 2 * size], gates[3 * size :]
        i_and_f *= 0.5
        o *= 0.5
        xp.tanh(gates, out=gates)
        i_and_f *= 0.5
        i_and_f += 0.5
        o *= 0.5
        o += 0.5
        c *= gates[size : 2 * size]
        c += gates[:size] * gates[2 * size : 3 * size]
        xp.tanh(c, out=tanh_c)
        if weight_hr is None:
            xp.multiply(o, tanh_c, out=h)
        else:
            h[...] = weight_hr @ (o * tanh_c)
        output[start:end] = h.T
    return output, xp.ascontiguousarray(state.T), xp.ascontiguousarray(cell.T), reserve


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
    rows, batch, dtype = input.shape[0], hx.shape[0], input.dtype
    size = weight_hh.shape[0] // 4
    to_state = transposed_gradient(xp, grad_hidden, hx.shape, dtype)
    to_cell = transposed_gradient(xp, grad_cell, (batch, size), dtype)
    to_gates = xp.empty((4 * size, rows), dtype)
    buffer = xp.empty(5 * size * batch, dtype)
    to_projected = None if weight_hr is None else xp.empty((weight_hr.shape[0], rows), dtype)
    for start, end in reversed(steps_of(batch_sizes, reverse)):
        dh, dc = to_state[:, : end - start], to_cell[:, : end - start]
        block = block_of(reserve, 6 * size, start, end)
        gates, tanh_c, c = block[: 4 * size], block[4 * size : 5 * size], block[5 * size :]
        i, f = gates[:size], gates[size : 2 * size]
        g, o = gates[2 * size : 3 * size], gates[3 * size :]
        if grad_output is not None:
            dh += grad_output[start:end].T
        if to_projected is None:
            dm = dh
        else:
            to_projected[:, start:end] = dh
            dm = weight_hr.T @ dh
        # The derivatives of sigmoid and tanh by their values: s - s^2 and 1 - t^2.
        scratch = block_of(buffer, 5 * size, 0, end - start)
        slope, part = scratch[: 4 * size], scratch[4 * size :]
        xp.multiply(gates, gates, out=slope)
        di, df, dg, do = (slope[k * size : (k + 1) * size] for k in range(4))
        xp.subtract(gates[: 2 * size], slope[: 2 * size], out=slope[: 2 * size])
        xp.subtract(1, dg, out=dg)
        xp.subtract(o, do, out=do)
        xp.multiply(dm, tanh_c, out=part)
        do *= part
        # dc += dm o (1 - tanh_c^2)
        part *= tanh_c
        xp.subtract(dm, part, out=part)
        part *= o
        dc += part
        xp.multiply(dc, g, out=part)
        di *= part
        xp.multiply(dc, c, out=part)
        df *= part
        xp.multiply(dc, i, out=part)
        dg *= part
        dc *= f
        to_gates[:, start:end] = slope
        xp.matmul(weight_hh.T, slope, out=dh)
    nothing = xp.empty(0, dtype)
    to_hr = nothing
    if needs[5]:
        to_hr = to_projected @ _unprojected(xp, reserve, size, batch_sizes)
    return (
        to_gates.T @ weight_ih if needs[0] else nothing,
        xp.ascontiguousarray(to_state.T) if needs[1] else nothing,
        xp.ascontiguousarray(to_cell.T) if needs[2] else nothing,
        to_gates @ input if needs[3] else nothing,
        to_gates @ states_before(xp, output, hx, batch_sizes, reverse) if needs[4] else nothing,
        to_hr,
        to_gates.sum(1) if needs[6] else nothing,
    )


def _unprojected(xp: Any, reserve: Any, size: int, batch_sizes: tuple[int, ...]) -> Any:
    """``o tanh(c')`` of each row, ``(rows, hidden)``."""
    result = xp.empty((sum(batch_sizes), size), reserve.dtype)
    for start, end in steps_of(batch_sizes, False):
        block = block_of(reserve, 6 * size, start, end)
        result[start:end] = (block[3 * size : 4 * size] * block[4 * size : 5 * size]).T
    return result
