"""Recurrent layers on CUDA: a step is cuBLAS's product with the state's weight and one launch.

States are ``(batch, hidden)``, and rows stand as the ops have them. The products with the input's
weight, and those for the gradients of weights, are made of all rows at once.

What the forward pass keeps, one array below the other: of an LSTM the gates ``i f g o`` of each
row, ``c`` and ``tanh(c')``; of a GRU ``r``, ``z`` and ``W_hn h + b_hn`` of each row, ``n``, ``h``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cupy
import numpy as np

from lamella_core.dispatch import override_kernel
from lamella_cuda_kernels.compiling import each_element
from lamella_cuda_kernels.products import by_weight, matmul

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Kernel = Callable[..., Any]

# Number n is unit j of a row; biases and gradients that are not there are null pointers.
SOURCE = """
__device__ __forceinline__ A logistic(A x) { return 1 / (1 + exp(-x)); }
#define UNITS(gates) EACH(n, count) {                                   \\
    const long long j = n % size, row = n / size * (gates) * size + j;
#define BIAS(bias, gate) (bias ? bias[(gate) * size + j] : 0)

extern "C" __global__ void rnn_step(T *output, const T *bias_ih, const T *bias_hh, T *state,
                                    long long relu, long long count, long long size) {
    UNITS(1)
        A x = output[row] + BIAS(bias_ih, 0) + BIAS(bias_hh, 0);
        state[n] = output[row] = relu ? (x < 0 ? 0 : x) : tanh(x);
    }
}
extern "C" __global__ void rnn_step_backward(const T *output, const T *grad, const T *to_state,
                                             T *to_sums, long long relu, long long count,
                                             long long size) {
    UNITS(1)
        A h = output[row], slope = relu ? (A)(h > 0) : 1 - h * h;
        to_sums[row] = (to_state[n] + (grad ? grad[n] : 0)) * slope;
    }
}
extern "C" __global__ void gru_step(const T *inputs, T *hidden, const T *bias_ih,
                                    const T *bias_hh, T *gate_n, T *before, T *state, T *output,
                                    long long count, long long size) {
    UNITS(3)
        const T *x = inputs + row;
        T *kept = hidden + row;
        A r = logistic(x[0] + BIAS(bias_ih, 0) + kept[0] + BIAS(bias_hh, 0));
        A z = logistic(x[size] + BIAS(bias_ih, 1) + kept[size] + BIAS(bias_hh, 1));
        A inner = kept[2 * size] + BIAS(bias_hh, 2);
        A new_h = tanh(x[2 * size] + BIAS(bias_ih, 2) + r * inner), h = state[n];
        kept[0] = r;
        kept[size] = z;
        kept[2 * size] = inner;
        gate_n[n] = new_h;
        before[n] = h;
        state[n] = output[n] = new_h + z * (h - new_h);
    }
}
extern "C" __global__ void gru_step_backward(const T *hidden, const T *gate_n, const T *before,
                                             const T *grad, T *to_state, T *to_inputs,
                                             T *to_hidden, long long count, long long size) {
    UNITS(3)
        A r = hidden[row], z = hidden[row + size], inner = hidden[row + 2 * size];
        A new_h = gate_n[n], h = to_state[n] + (grad ? grad[n] : 0);
        A to_z = h * (before[n] - new_h) * z * (1 - z);
        A to_n = h * (1 - z) * (1 - new_h * new_h), to_r = to_n * inner * r * (1 - r);
        to_inputs[row] = to_hidden[row] = to_r;
        to_inputs[row + size] = to_hidden[row + size] = to_z;
        to_inputs[row + 2 * size] = to_n;
        to_hidden[row + 2 * size] = to_n * r;
        to_state[n] = h * z;
    }
}
extern "C" __global__ void lstm_step(T *gates, const T *bias_ih, const T *bias_hh, T *cell,
                                     T *before, T *tanh_cell, T *state, T *output,
                                     long long count, long long size) {
    UNITS(4)
        T *x = gates + row;
        A i = logistic(x[0] + BIAS(bias_ih, 0) + BIAS(bias_hh, 0));
        A f = logistic(x[size] + BIAS(bias_ih, 1) + BIAS(bias_hh, 1));
        A g = tanh(x[2 * size] + BIAS(bias_ih, 2) + BIAS(bias_hh, 2));
        A o = logistic(x[3 * size] + BIAS(bias_ih, 3) + BIAS(bias_hh, 3));
        A c = cell[n], next = f * c + i * g, bounded = tanh(next);
        x[0] = i;
        x[size] = f;
        x[2 * size] = g;
        x[3 * size] = o;
        before[n] = c;
        cell[n] = next;
        tanh_cell[n] = bounded;
        state[n] = output[n] = o * bounded;
    }
}
extern "C" __global__ void lstm_step_backward(const T *gates, const T *before, const T *tanh_cell,
                                              const T *grad, const T *to_state, T *to_cell,
                                              T *to_gates, long long count, long long size) {
    UNITS(4)
        const T *x = gates + row;
        T *to = to_gates + row;
        A i = x[0], f = x[size], g = x[2 * size], o = x[3 * size], bounded = tanh_cell[n];
        A h = to_state[n] + (grad ? grad[n] : 0);
        A c = to_cell[n] + h * o * (1 - bounded * bounded);
        to[0] = c * g * i * (1 - i);
        to[size] = c * before[n] * f * (1 - f);
        to[2 * size] = c * i * (1 - g * g);
        to[3 * size] = h * bounded * o * (1 - o);
        to_cell[n] = c * f;
    }
}
"""


def _steps(batch_sizes: tuple[int, ...], reverse: bool) -> list[tuple[int, int]]:
    """The first row and the number of rows of each step, in the order in which they follow."""
    starts = np.cumsum([0, *batch_sizes[:-1]]).tolist()
    steps = list(zip(starts, batch_sizes, strict=True))
    return steps[::-1] if reverse else steps


def _places(*arrays: Any) -> Iterator[tuple[int, int]]:
    """Of each array its address and the bytes of a row; zeros for none."""
    for array in arrays:
        yield (array.data.ptr, array.strides[0]) if array is not None else (0, 0)


def _plain(array: Any) -> Any:
    return None if array is None else cupy.ascontiguousarray(array)


def _bias(array: Any) -> Any:
    """A bias as the kernels take it."""
    return 0 if array is None else cupy.ascontiguousarray(array)


def _own(array: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """A copy to write into; zeros for none."""
    return cupy.zeros(shape, dtype) if array is None else cupy.array(array, order="C")


def _states_before(hx: Any, output: Any, batch_sizes: tuple[int, ...], reverse: bool) -> Any:
    """The state before each row's step, ``(rows, hidden)``."""
    batch, rows = batch_sizes[0], len(output)
    if batch_sizes[-1] == batch:
        return cupy.concatenate([output[batch:], hx] if reverse else [hx, output[:-batch]])
    # Places in the first state and the output, one below the other.
    places = np.empty(rows, np.int64)
    before, running = 0, 0
    for start, width in _steps(batch_sizes, reverse):
        running = min(width, running)
        places[start : start + width] = np.arange(width)
        places[start : start + running] += before + batch if running else 0
        before, running = start, width
    return cupy.concatenate([hx, output])[cupy.asarray(places)]


def _split(reserve: Any, rows: int, size: int, gates: int, more: int) -> tuple[Any, ...]:
    """The gates that are kept of each row, and so many further arrays."""
    place = gates * size * rows
    return (
        reserve[:place].reshape(rows, gates * size),
        *reserve[place:].reshape(more, rows, size),
    )


def _weight_gradients(
    to_inputs: Any, to_hidden: Any, input: Any, before: Callable[[], Any], needs: Any
) -> tuple[Any, Any]:
    nothing = cupy.empty(0, input.dtype)
    return (
        matmul(to_inputs.T, input) if needs[0] else nothing,
        matmul(to_hidden.T, before()) if needs[1] else nothing,
    )


def rnn_layer(below: Kernel) -> Kernel:
    def kernel(
        input: Any, hx: Any, weight_ih: Any, weight_hh: Any, bias_ih: Any, bias_hh: Any,
        batch_sizes: tuple[int, ...], reverse: bool, nonlinearity: str,
    ) -> Any:  # fmt: skip
        size = hx.shape[1]
        if not (len(input) and size):
            return below(
                *(input, hx, weight_ih, weight_hh, bias_ih, bias_hh),
                *(batch_sizes, reverse, nonlinearity),
            )
        output = matmul(input, weight_ih.T)
        state = cupy.array(hx, order="C")
        add_products = by_weight(weight_hh, turned=True, adds=True)
        bias_ih, bias_hh = _bias(bias_ih), _bias(bias_hh)
        ((at, row),) = _places(output)
        for start, width in _steps(batch_sizes, reverse):
            place = at + start * row
            add_products(state.data.ptr, place, width)
            each_element(
                SOURCE, "rnn_step", output.dtype.char, width * size,
                place, bias_ih, bias_hh, state, int(nonlinearity == "relu"), width * size, size,
            )  # fmt: skip
        return output, state

    return kernel


def rnn_layer_backward(below: Kernel) -> Kernel:
    def kernel(
        input: Any, grad_output: Any, grad_hidden: Any, hx: Any, weight_ih: Any, weight_hh: Any,
        output: Any, batch_sizes: tuple[int, ...], reverse: bool, nonlinearity: str, needs: Any,
    ) -> Any:  # fmt: skip
        size, dtype = hx.shape[1], hx.dtype
        if not (len(input) and size):
            return below(
                *(input, grad_output, grad_hidden, hx, weight_ih, weight_hh, output),
                *(batch_sizes, reverse, nonlinearity, needs),
            )
        to_state = _own(grad_hidden, hx.shape, dtype)
        to_sums = cupy.empty(output.shape, dtype)
        multiply = by_weight(weight_hh, turned=False, adds=False)
        kept = _plain(output), _plain(grad_output)
        places = list(_places(*kept, to_sums))
        for start, width in reversed(_steps(batch_sizes, reverse)):
            outputs, grads, sums = (at + start * row for at, row in places)
            each_element(
                SOURCE, "rnn_step_backward", dtype.char, width * size,
                outputs, grads, to_state, sums, int(nonlinearity == "relu"), width * size, size,
            )  # fmt: skip
            multiply(sums, to_state.data.ptr, width)
        nothing = cupy.empty(0, dtype)
        return (
            matmul(to_sums, weight_ih) if needs[0] else nothing,
            to_state if needs[1] else nothing,
            *_weight_gradients(
                to_sums, to_sums, input,
                lambda: _states_before(hx, output, batch_sizes, reverse), needs[2:],
            ),
            to_sums.sum(0) if needs[4] else nothing,
        )  # fmt: skip

    return kernel


def gru_layer(below: Kernel) -> Kernel:
    def kernel(
        input: Any, hx: Any, weight_ih: Any, weight_hh: Any, bias_ih: Any, bias_hh: Any,
        batch_sizes: tuple[int, ...], reverse: bool, saves: bool,
    ) -> Any:  # fmt: skip
        rows, size, dtype = len(input), hx.shape[1], hx.dtype
        if not (rows and size):
            return below(
                *(input, hx, weight_ih, weight_hh, bias_ih, bias_hh),
                *(batch_sizes, reverse, saves),
            )
        inputs = matmul(input, weight_ih.T)
        reserve = cupy.empty(5 * size * rows, dtype)
        output, state = cupy.empty((rows, size), dtype), cupy.array(hx, order="C")
        multiply = by_weight(weight_hh, turned=True, adds=False)
        bias_ih, bias_hh = _bias(bias_ih), _bias(bias_hh)
        places = list(_places(inputs, *_split(reserve, rows, size, 3, 2), output))
        for start, width in _steps(batch_sizes, reverse):
            x, hidden, gate_n, before, to = (at + start * row for at, row in places)
            multiply(state.data.ptr, hidden, width)
            each_element(
                SOURCE, "gru_step", dtype.char, width * size,
                x, hidden, bias_ih, bias_hh, gate_n, before, state, to, width * size, size,
            )  # fmt: skip
        return output, state, reserve

    return kernel


def gru_layer_backward(below: Kernel) -> Kernel:
    def kernel(
        input: Any, grad_output: Any, grad_hidden: Any, hx: Any, weight_ih: Any, weight_hh: Any,
        output: Any, reserve: Any, batch_sizes: tuple[int, ...], reverse: bool, needs: Any,
    ) -> Any:  # fmt: skip
        rows, size, dtype = len(input), hx.shape[1], hx.dtype
        if not (rows and size):
            return below(
                *(input, grad_output, grad_hidden, hx, weight_ih, weight_hh, output, reserve),
                *(batch_sizes, reverse, needs),
            )
        to_state = _own(grad_hidden, hx.shape, dtype)
        to_inputs, to_hidden = (cupy.empty((rows, 3 * size), dtype) for _ in range(2))
        add_products = by_weight(weight_hh, turned=False, adds=True)
        hidden, gate_n, before = _split(_plain(reserve), rows, size, 3, 2)
        grads = _plain(grad_output)
        places = list(_places(hidden, gate_n, before, grads, to_inputs, to_hidden))
        for start, width in reversed(_steps(batch_sizes, reverse)):
            gates, new, old, grad, to_x, to_h = (at + start * row for at, row in places)
            each_element(
                SOURCE, "gru_step_backward", dtype.char, width * size,
                gates, new, old, grad, to_state, to_x, to_h, width * size, size,
            )  # fmt: skip
            add_products(to_h, to_state.data.ptr, width)
        nothing = cupy.empty(0, dtype)
        return (
            matmul(to_inputs, weight_ih) if needs[0] else nothing,
            to_state if needs[1] else nothing,
            *_weight_gradients(to_inputs, to_hidden, input, lambda: before, needs[2:]),
            to_inputs.sum(0) if needs[4] else nothing,
            to_hidden.sum(0) if needs[5] else nothing,
        )

    return kernel


def lstm_layer(below: Kernel) -> Kernel:
    def kernel(
        input: Any, hx: Any, cx: Any, weight_ih: Any, weight_hh: Any, bias_ih: Any, bias_hh: Any,
        weight_hr: Any, batch_sizes: tuple[int, ...], reverse: bool, saves: bool,
    ) -> Any:  # fmt: skip
        rows, size, dtype = len(input), cx.shape[1], cx.dtype
        if not (rows and size and hx.shape[1]):
            return below(
                *(input, hx, cx, weight_ih, weight_hh, bias_ih, bias_hh, weight_hr),
                *(batch_sizes, reverse, saves),
            )
        reserve = cupy.empty(6 * size * rows, dtype)
        gates, before, tanh_cell = _split(reserve, rows, size, 4, 2)
        matmul(input, weight_ih.T, gates)
        output = cupy.empty((rows, hx.shape[1]), dtype)
        state, cell = cupy.array(hx, order="C"), cupy.array(cx, order="C")
        # What the step writes, of which the state is a projection where there is one.
        whole = state if weight_hr is None else cupy.empty(cell.shape, dtype)
        add_products = by_weight(weight_hh, turned=True, adds=True)
        bias_ih, bias_hh = _bias(bias_ih), _bias(bias_hh)
        places = list(_places(gates, before, tanh_cell, output))
        for start, width in _steps(batch_sizes, reverse):
            x, old, bounded, to = (at + start * row for at, row in places)
            add_products(state.data.ptr, x, width)
            each_element(
                SOURCE, "lstm_step", dtype.char, width * size,
                x, bias_ih, bias_hh, cell, old, bounded, whole,
                to if weight_hr is None else whole, width * size, size,
            )  # fmt: skip
            if weight_hr is not None:
                matmul(whole[:width], weight_hr.T, state[:width])
                output[start : start + width] = state[:width]
        return output, state, cell, reserve

    return kernel


def lstm_layer_backward(below: Kernel) -> Kernel:
    def kernel(
        input: Any, grad_output: Any, grad_hidden: Any, grad_cell: Any, hx: Any, weight_ih: Any,
        weight_hh: Any, weight_hr: Any, output: Any, reserve: Any, batch_sizes: tuple[int, ...],
        reverse: bool, needs: Any,
    ) -> Any:  # fmt: skip
        rows, size, dtype = len(input), len(weight_hh) // 4, hx.dtype
        if not (rows and size and hx.shape[1]):
            return below(
                *(input, grad_output, grad_hidden, grad_cell, hx, weight_ih, weight_hh),
                *(weight_hr, output, reserve, batch_sizes, reverse, needs),
            )
        to_state = _own(grad_hidden, hx.shape, dtype)
        to_cell = _own(grad_cell, (len(hx), size), dtype)
        to_gates = cupy.empty((rows, 4 * size), dtype)
        to_projected = None if weight_hr is None else cupy.empty(output.shape, dtype)
        multiply = by_weight(weight_hh, turned=False, adds=False)
        gates, before, tanh_cell = _split(_plain(reserve), rows, size, 4, 2)
        grads = _plain(grad_output)
        places = list(_places(gates, before, tanh_cell, grads, to_gates))
        for start, width in reversed(_steps(batch_sizes, reverse)):
            x, old, bounded, grad, to = (at + start * row for at, row in places)
            to_whole = to_state
            if to_projected is not None:
                part = to_projected[start : start + width]
                part[...] = to_state[:width]
                if grads is not None:
                    part += grads[start : start + width]
                to_whole, grad = matmul(part, weight_hr), 0
            each_element(
                SOURCE, "lstm_step_backward", dtype.char, width * size,
                x, old, bounded, grad, to_whole, to_cell, to, width * size, size,
            )  # fmt: skip
            multiply(to, to_state.data.ptr, width)
        nothing = cupy.empty(0, dtype)
        to_hr = nothing
        if needs[5] and to_projected is not None:
            to_hr = matmul(to_projected.T, gates[:, 3 * size :] * tanh_cell)
        return (
            matmul(to_gates, weight_ih) if needs[0] else nothing,
            to_state if needs[1] else nothing,
            to_cell if needs[2] else nothing,
            *_weight_gradients(
                to_gates, to_gates, input,
                lambda: _states_before(hx, output, batch_sizes, reverse), needs[3:],
            ),
            to_hr,
            to_gates.sum(0) if needs[6] else nothing,
        )  # fmt: skip

    return kernel


def register() -> None:
    """Puts the kernels over the shared ones, which are above this package."""
    for override in (
        rnn_layer,
        rnn_layer_backward,
        gru_layer,
        gru_layer_backward,
        lstm_layer,
        lstm_layer_backward,
    ):
        override_kernel(override.__name__, override, "cuda")
