"""Activations of many passes on the CPU, block by block, so that what is in between stays cached.

NumPy has no error function, and SciPy's takes one element at a time. So gelu of float32 takes the
upper tail of the normal distribution, Q(a) = exp(-a²/2) R(a) for a >= 0, with a quotient of
polynomials for R; its coefficients are our own fit to ``erfcx``, of an absolute error of Q below
2.5e-7. Then gelu(x) = max(x, 0) - |x| Q(|x|).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from lamella_core.backends.numpy_kernels.special import special
from lamella_core.dispatch import register_kernel
from lamella_core.kernels import activation as whole
from lamella_core.kernels.activation import GELU_CUBIC, check_gelu_form
from lamella_core.kernels.special import gelu_exact, gelu_exact_backward
from lamella_core.parallel import shares, spread

# Elements of a block: three such arrays fit the second-level cache, and the cost of NumPy's calls
# is small against their work.
_BLOCK = 65536

# Both divided by the leading coefficient of the numerator.
_NUMERATOR = (5.18251032601, 11.4560341965)
_DENOMINATOR = (2.47710233156, 13.3952719992, 28.6468222782, 22.9120573269)

Body = Callable[..., None]


def by_blocks(body: Body, scratch: int, *arrays: Any) -> Any:
    """A new array of the first one's form, written by ``body(*blocks, out, *scratch)``."""
    first = arrays[0]
    out = np.empty_like(first)
    flat = [np.ascontiguousarray(each).reshape(-1) for each in arrays]
    target = out.reshape(-1) if out.flags.c_contiguous else np.empty(out.size, out.dtype)
    arrays = (*flat, target)

    def run(part: range) -> None:
        spare = np.empty((scratch, min(_BLOCK, out.size)), out.dtype)
        for start in part:
            blocks = [each[start : start + _BLOCK] for each in arrays]
            body(*blocks, *spare[:, : blocks[0].size])

    spread(run, shares(out.size, _BLOCK))
    if not out.flags.c_contiguous:
        out[...] = target.reshape(out.shape)
    return out


def _tail(x: Any, a: Any, density: Any, ratio: Any) -> None:
    """|x|, exp(-x²/2) and R(|x|), into three arrays."""
    p, q = _NUMERATOR, _DENOMINATOR
    # Beyond the limit exp is 0, but the polynomials would overflow.
    np.minimum(np.abs(x, a), 13.5, out=a)
    np.add(a, p[0], density)
    np.multiply(density, a, density)
    np.add(density, p[1], density)
    np.multiply(a, q[0], ratio)
    for coefficient in q[1:-1]:
        np.add(ratio, coefficient, ratio)
        np.multiply(ratio, a, ratio)
    np.add(ratio, q[-1], ratio)
    np.divide(density, ratio, ratio)
    np.multiply(a, -0.5, density)
    np.multiply(density, a, density)
    np.exp(density, density)


def _gelu(x: Any, out: Any, a: Any, density: Any, ratio: Any) -> None:
    _tail(x, a, density, ratio)
    np.multiply(density, ratio, ratio)
    np.multiply(ratio, a, ratio)
    np.maximum(x, 0, out=out)
    np.subtract(out, ratio, out)


def _gelu_slope(grad: Any, x: Any, out: Any, a: Any, density: Any, ratio: Any) -> None:
    _tail(x, a, density, ratio)
    np.multiply(density, ratio, ratio)
    np.subtract(0.5, ratio, ratio)
    np.copysign(ratio, x, ratio)
    np.multiply(density, x, density)
    np.multiply(density, 1 / math.sqrt(2 * math.pi), density)
    np.add(ratio, density, ratio)
    np.add(ratio, 0.5, ratio)
    np.multiply(ratio, grad, out)


def _tanh_of_cubic(x: Any, square: Any, half: Any) -> None:
    """x² and tanh(√(2/π) (x + c x³)), into two arrays."""
    slope = math.sqrt(2 / math.pi)
    np.multiply(x, x, square)
    np.multiply(square, slope * GELU_CUBIC, half)
    np.add(half, slope, half)
    np.multiply(half, x, half)
    np.tanh(half, half)


def _gelu_tanh(x: Any, out: Any, square: Any, half: Any) -> None:
    _tanh_of_cubic(x, square, half)
    np.add(half, 1, half)
    np.multiply(half, x, half)
    np.multiply(half, 0.5, out)


def _gelu_tanh_slope(grad: Any, x: Any, out: Any, square: Any, half: Any, inner: Any) -> None:
    _tanh_of_cubic(x, square, half)
    slope = math.sqrt(2 / math.pi)
    # 0.5 (1 + t) (1 + (1 - t) x (√(2/π) (1 + 3 c x²)))
    np.multiply(square, 3 * slope * GELU_CUBIC, square)
    np.add(square, slope, square)
    np.multiply(square, x, square)
    np.subtract(1, half, inner)
    np.multiply(inner, square, inner)
    np.add(inner, 1, inner)
    np.add(half, 1, half)
    np.multiply(half, 0.5, half)
    np.multiply(half, inner, half)
    np.multiply(half, grad, out)


def _sigmoid(x: Any, out: Any) -> None:
    np.negative(x, out)
    np.exp(out, out)
    np.add(out, 1, out)
    np.reciprocal(out, out)


def _silu(x: Any, out: Any) -> None:
    _sigmoid(x, out)
    np.multiply(out, x, out)


def _silu_slope(grad: Any, x: Any, out: Any, inner: Any) -> None:
    _sigmoid(x, out)
    np.subtract(1, out, inner)
    np.multiply(inner, x, inner)
    np.add(inner, 1, inner)
    np.multiply(out, inner, out)
    np.multiply(out, grad, out)


def silu(input: Any) -> Any:
    if input.dtype.kind != "f":
        return whole.silu(np, input)
    return by_blocks(_silu, 0, input)


def silu_backward(grad: Any, input: Any) -> Any:
    if input.dtype.kind != "f" or grad.shape != input.shape:
        return whole.silu_backward(np, grad, input)
    return by_blocks(_silu_slope, 1, grad, input)


def gelu(input: Any, approximate: str) -> Any:
    if approximate != "none":
        check_gelu_form(approximate)
        return by_blocks(_gelu_tanh, 2, input)
    if input.dtype == np.float32:
        return by_blocks(_gelu, 3, input)
    return gelu_exact(special(), input)


def gelu_backward(grad: Any, input: Any, approximate: str) -> Any:
    if grad.shape != input.shape:
        grad, input = np.broadcast_arrays(grad, input)
    if approximate != "none":
        check_gelu_form(approximate)
        return by_blocks(_gelu_tanh_slope, 3, grad, input)
    if input.dtype == np.float32:
        return by_blocks(_gelu_slope, 3, grad, input)
    return gelu_exact_backward(np, special(), grad, input)


register_kernel("silu", silu, "cpu")
register_kernel("silu_backward", silu_backward, "cpu")
register_kernel("gelu", gelu, "cpu")
register_kernel("gelu_backward", gelu_backward, "cpu")
