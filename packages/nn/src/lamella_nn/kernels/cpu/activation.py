"""gelu and silu on the CPU, block by block, so that what is in between stays cached.

NumPy has no error function, and SciPy's takes one element at a time. So gelu of float32 is written
like its other form, which has tanh(u) = 2 / (1 + exp(-2u)) - 1 in it: x / (1 + exp(-x P(x²))), with
a polynomial P. Its coefficients are our own fit to the logarithm of the quotient of the normal
distribution's two tails; they make an error of gelu below 1e-7. P is positive everywhere and grows,
so large arguments need no case of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from lamella_core.backends.numpy_blocks import LARGE
from lamella_core.backends.numpy_blocks import by_blocks as in_blocks
from lamella_core.backends.numpy_kernels.few import clamp, numbers
from lamella_core.backends.numpy_kernels.special import special
from lamella_core.dispatch import register_kernel
from lamella_core.kernels.activation import GELU_CUBIC, check_gelu_form, sigmoid
from lamella_core.kernels.special import gelu_exact, gelu_exact_backward
from lamella_core.parallel import even_step, shares, spread
from lamella_core.quiet import quiet
from lamella_nn.kernels import activation as whole

# Elements of a block: threads that call NumPy for few elements wait for each other, since each call
# begins and ends with the interpreter's lock. What is in between takes two threads less than 1 MB.
_BLOCK = 122880

# Of -P, the highest power first.
_BY_ERF = (
    -3.61872089e-09,
    2.67293502e-07,
    -7.94622287e-06,
    1.10555859e-04,
    6.59095936e-05,
    -0.0726678228,
    -1.59576899,
)
_SLOPE = 2 * math.sqrt(2 / math.pi)
_BY_TANH = (-_SLOPE * GELU_CUBIC, -_SLOPE)

Body = Callable[..., None]


def by_blocks(body: Body, scratch: int, *arrays: Any) -> Any:
    """A new array of the first one's form, written by ``body(*blocks, out, *scratch)``."""
    first = arrays[0]
    if first.size < LARGE:
        for each in arrays:
            if not each.flags.c_contiguous:
                break
        else:
            out, *spare = [np.empty(first.shape, first.dtype) for _ in range(1 + scratch)]
            body(*arrays, out, *spare)
            return out
    out = np.empty_like(first, order="C" if 0 in first.strides else "K")
    # In the order of the result's memory, in which whole arrays are mostly contiguous, too.
    order = sorted(range(out.ndim), key=[-step for step in out.strides].__getitem__)
    turned = [each.transpose(order) for each in (*arrays, out)]
    if first.size >= LARGE and not all([each.flags.c_contiguous for each in turned]):
        # It was made for its order alone.
        del out, turned
        return in_blocks(partial(by_blocks, body, scratch), False)(*arrays)
    flat = [np.ascontiguousarray(each).reshape(-1) for each in turned]
    step = even_step(out.size, _BLOCK)

    def run(part: range) -> None:
        spare = np.empty((scratch, step), out.dtype)
        for start in part:
            blocks = [each[start : start + step] for each in flat]
            body(*blocks, *spare[:, : blocks[0].size])

    spread(run, shares(out.size, step))
    return out


def _one_and_exp(x: Any, coefficients: tuple[float, ...], square: Any, out: Any) -> None:
    """x² and 1 + exp(-x P(x²)), into two arrays."""
    one, highest, *others, last = numbers(x.dtype, 1, *coefficients)
    np.multiply(x, x, square)
    np.multiply(square, highest, out)
    for coefficient in others:
        np.add(out, coefficient, out)
        np.multiply(out, square, out)
    np.add(out, last, out)
    np.multiply(out, x, out)
    np.exp(out, out)
    np.add(out, one, out)


def _gelu(x: Any, out: Any, square: Any) -> None:
    _one_and_exp(x, _BY_ERF, square, out)
    np.divide(x, out, out)


def _gelu_slope(grad: Any, x: Any, out: Any, square: Any) -> None:
    _one_and_exp(x, _BY_ERF, square, out)
    np.divide(1, out, out)
    # The density, by the square.
    np.multiply(square, -0.5, square)
    np.exp(square, square)
    np.multiply(square, x, square)
    np.multiply(square, 1 / math.sqrt(2 * math.pi), square)
    np.add(out, square, out)
    np.multiply(out, grad, out)


def _gelu_tanh(x: Any, out: Any, square: Any) -> None:
    _one_and_exp(x, _BY_TANH, square, out)
    np.divide(x, out, out)


def _gelu_tanh_slope(grad: Any, x: Any, out: Any, square: Any, rest: Any) -> None:
    _one_and_exp(x, _BY_TANH, square, out)
    np.divide(1, out, out)
    # s (1 + (1 - s) x (P(x²) + 2 x² P'(x²))) where gelu is x s
    np.multiply(square, 3 * _SLOPE * GELU_CUBIC, square)
    np.add(square, _SLOPE, square)
    np.multiply(square, x, square)
    np.subtract(1, out, rest)
    np.multiply(rest, square, rest)
    np.add(rest, 1, rest)
    np.multiply(out, rest, out)
    np.multiply(out, grad, out)


def _one_and_exp_minus(x: Any, out: Any) -> None:
    np.negative(x, out)
    np.exp(out, out)
    np.add(out, numbers(x.dtype, 1)[0], out)


def _silu(x: Any, out: Any) -> None:
    _one_and_exp_minus(x, out)
    np.divide(x, out, out)


def _silu_slope(grad: Any, x: Any, out: Any, inner: Any) -> None:
    _one_and_exp_minus(x, out)
    np.divide(1, out, out)
    np.subtract(1, out, inner)
    np.multiply(inner, x, inner)
    np.add(inner, 1, inner)
    np.multiply(out, inner, out)
    np.multiply(out, grad, out)


_plain_silu = in_blocks(partial(quiet(whole.silu), np), False)
_plain_silu_backward = in_blocks(partial(quiet(whole.silu_backward), np), False)


_exact = quiet(gelu_exact)
_exact_backward = quiet(gelu_exact_backward)
_plain_gelu = in_blocks(lambda input: _exact(special(), input), False)
_plain_gelu_backward = in_blocks(
    lambda grad, input: _exact_backward(np, special(), grad, input), False
)


_plain_hardtanh = partial(quiet(whole.hardtanh), np)


def hardtanh(input: Any, min_val: float, max_val: float, out: Any = None) -> Any:
    if input.dtype.kind != "f":
        return _plain_hardtanh(input, min_val, max_val, out)
    return clamp(input, min_val, max_val, out)


register_kernel("hardtanh", hardtanh, "cpu")


def silu(input: Any) -> Any:
    if input.dtype.kind != "f":
        return _plain_silu(input)
    return by_blocks(_silu, 0, input)


def silu_backward(grad: Any, input: Any) -> Any:
    if input.dtype.kind != "f" or grad.shape != input.shape:
        return _plain_silu_backward(grad, input)
    return by_blocks(_silu_slope, 1, grad, input)


def gelu(input: Any, approximate: str) -> Any:
    if approximate != "none":
        check_gelu_form(approximate)
        return by_blocks(_gelu_tanh, 1, input)
    if input.dtype == np.float32:
        return by_blocks(_gelu, 1, input)
    return _plain_gelu(input)


def gelu_backward(grad: Any, input: Any, approximate: str) -> Any:
    if grad.shape != input.shape:
        grad, input = np.broadcast_arrays(grad, input)
    if approximate != "none":
        check_gelu_form(approximate)
        return by_blocks(_gelu_tanh_slope, 2, grad, input)
    if input.dtype == np.float32:
        return by_blocks(_gelu_slope, 1, grad, input)
    return _plain_gelu_backward(grad, input)


_gate = in_blocks(partial(quiet(whole.gate), np), False, 2)
_gate_slope = in_blocks(partial(quiet(whole.gate_slope), np), False)


_gated = partial(quiet(whole.gated), np)
_sigmoid = partial(quiet(sigmoid), np)
# Elements of rows that are halved together, and of the longest row.
_ROWS = 65536
_MOST_OF_ROW = 131072
_gated_backward = partial(quiet(whole.gated_backward), np)


def gated(input: Any, dim: int) -> Any:
    if input.dtype.itemsize > 2:
        return _gated(input, dim)
    first, second = whole.halves(input, dim)
    return _gate(first, second, out=np.empty(first.shape, input.dtype))


def gated_backward(grad_output: Any, input: Any, dim: int) -> Any:
    is_half, count = input.dtype.itemsize == 2, len(input)
    whole_rows = input.size >= LARGE and dim + input.ndim and input.size <= _MOST_OF_ROW * count
    if not is_half and not whole_rows:
        return _gated_backward(grad_output, input, dim)
    result = np.empty(input.shape, input.dtype)
    (first, second), (to_first, to_second) = (whole.halves(x, dim) for x in (input, result))
    if not is_half:
        # In rows that lie side by side, reading one half while the other is written is slow.
        step = max(1, _ROWS * count // input.size)
        for start in range(0, count, step):
            part = slice(start, start + step)
            slope = _sigmoid(second[part])
            np.multiply(grad_output[part], slope, to_first[part])
            rest = 1 - slope
            np.multiply(rest, slope, rest)
            np.multiply(rest, first[part], rest)
            np.multiply(rest, grad_output[part], to_second[part])
        return result
    _gate(grad_output, second, out=to_first)
    _gate_slope(grad_output, first, second, out=to_second)
    return result


for _kernel in (gated, gated_backward):
    register_kernel(_kernel.__name__, _kernel, "cpu")

_kernels: tuple[Any, ...] = (silu, silu_backward, gelu, gelu_backward)
for _kernel in _kernels:
    # They need not be cut up once more.
    _kernel.in_blocks = True
    register_kernel(_kernel.__name__, _kernel, "cpu")
