"""Elementary functions on the CPU whose frequent case takes fewer arrays than elsewhere."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from lamella_core.backends.numpy_blocks import LARGE, by_blocks
from lamella_core.backends.numpy_kernels.few import numbers
from lamella_core.dispatch import register_kernel
from lamella_core.kernels.activation import sigmoid as whole_sigmoid
from lamella_core.kernels.elementary import tanh_backward as whole_tanh_backward
from lamella_core.quiet import quiet

_tanh_backward = by_blocks(partial(quiet(whole_tanh_backward), np), False, 2)
_float32 = np.dtype(np.float32)


def tanh_backward(grad: Any, result: Any) -> Any:
    # The common case makes one array and goes through no more Python than it must.
    if result.dtype is _float32 and 1 < result.size < LARGE:
        lost = np.multiply(result, result)
        try:
            np.multiply(lost, grad, lost)
        except ValueError:
            # One result for many gradients, as in a Jacobian.
            lost = np.multiply(lost, grad)
        return np.subtract(grad, lost, lost)
    return _tanh_backward(grad, result)


_plain_sigmoid = quiet(whole_sigmoid)


def sigmoid(input: Any, out: Any = None) -> Any:
    if not input.ndim or input.dtype.kind != "f":
        return _plain_sigmoid(np, input, out)
    result = np.negative(input, out)
    np.exp(result, result)
    np.add(result, numbers(result.dtype, 1)[0], result)
    return np.reciprocal(result, result)


tanh_backward.in_blocks = True  # type: ignore[attr-defined]
register_kernel("tanh_backward", tanh_backward, "cpu")
register_kernel("sigmoid", sigmoid, "cpu")
