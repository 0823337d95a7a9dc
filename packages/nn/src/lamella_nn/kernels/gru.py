"""Array kernels of the GRU layer.

The reserve holds for each step the gates ``r z n``, ``W_hn h + b_hn`` and ``h``, one below the
other.
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
) -> tuple[Any, Any, Any]:
    rows, dtype = input.shape[0], input.dtype
    batch, size = hx.shape
    reserve = xp.empty(5 * size * rows, dtype)
    output = xp.empty((rows, size), dtype)
    input_products(xp, input, weight_ih, reserve, 5 * size, batch_sizes)
    input_bias: Any = None
    hidden_bias: Any = None
    if bias_ih is not None:
        input_bias, hidden_bias = widened(xp, bias_ih, batch), widened(xp, bias_hh, batch)
    state = transposed(xp, hx)
    buffer = xp.empty(3 * size * batch, dtype)
    for start, end in steps_of(batch_sizes, reverse):
        h = state[:, : end - start]
        block = block_of(reserve, 5 * size, start, end)
        gates, hidden_n = block[: 3 * size], block[3 * size : 4 * size]
        r, z, n = gates[:size], gates[size : 2 * size], gates[2 * size :]
        block[4 * size :] = h
        products = xp.matmul(weight_hh, h, out=block_of(buffer, 3 * size, 0, end - start))
        if hidden_bias is not None:
            gates += input_bias[:, : end - start]
            products += hidden_bias[:, : end - start]
        hidden_n[...] = products[2 * size :]
        r_and_z = gates[: 2 * size]
        r_and_z += products[: 2 * size]
        # sigmoid(x) = tanh(x / 2) / 2 + 1 / 2
        r_and_z *= 0.5
        xp.tanh(r_and_z, out=r_and_z)
        r_and_z *= 0.5
        r_and_z += 0.5
        n += r * hidden_n
        xp.tanh(n, out=n)
        h -= n
        h *= z
        h += n
        output[start:end] = h.T
    return output, xp.ascontiguousarray(state.T), reserve


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
    to_state = transposed_gradient(xp, grad_hidden, hx.shape, dtype)
    # The gradients of r, z, n before their functions, and of W_hn h + b_hn.
    to_gates = xp.empty((4 * size, rows), dtype)
    for start, end in reversed(steps_of(batch_sizes, reverse)):
        dh = to_state[:, : end - start]
        block = block_of(reserve, 5 * size, start, end)
        gates, hidden_n, h = block[: 3 * size], block[3 * size : 4 * size], block[4 * size :]
        r, z, n = gates[:size], gates[size : 2 * size], gates[2 * size :]
        if grad_output is not None:
            dh += grad_output[start:end].T
        # The derivatives of sigmoid and tanh by their values: s - s^2 and 1 - t^2.
        slope = gates * gates
        dr, dz, dn = (slope[k * size : (k + 1) * size] for k in range(3))
        xp.subtract(gates[: 2 * size], slope[: 2 * size], out=slope[: 2 * size])
        xp.subtract(1, dn, out=dn)
        part = h - n
        part *= dh
        dz *= part
        xp.multiply(dh, z, out=part)
        dn *= dh - part
        dr *= dn * hidden_n
        to_gates[: 3 * size, start:end] = slope
        # From here on, dn is the gradient of W_hn h + b_hn.
        dn *= r
        to_gates[3 * size :, start:end] = dn
        xp.add(weight_hh.T @ slope, part, out=dh)
    nothing = xp.empty(0, dtype)
    to_hh = nothing
    if needs[3]:
        before = states_before(xp, output, hx, batch_sizes, reverse)
        to_hh = xp.empty((3 * size, size), dtype)
        xp.matmul(to_gates[: 2 * size], before, out=to_hh[: 2 * size])
        xp.matmul(to_gates[3 * size :], before, out=to_hh[2 * size :])
    sums = to_gates.sum(1) if needs[4] or needs[5] else nothing
    return (
        to_gates[: 3 * size].T @ weight_ih if needs[0] else nothing,
        xp.ascontiguousarray(to_state.T) if needs[1] else nothing,
        to_gates[: 3 * size] @ input if needs[2] else nothing,
        to_hh,
        sums[: 3 * size].copy() if needs[4] else nothing,
        xp.concatenate([sums[: 2 * size], sums[3 * size :]]) if needs[5] else nothing,
    )
