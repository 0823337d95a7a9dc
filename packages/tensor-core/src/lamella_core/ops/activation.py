"""Activation functions: what the units of a network apply element-wise, and softmax.

Those that PyTorch offers in ``nn.functional`` only are ``lamella_nn``'s, but for what these and the
special functions share: ``elu``, ``leaky_relu`` and ``gelu``. They have ATen's names and no method
on Tensor. Where a derivative is hot it is an op of its own, ``<name>_backward``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core import dtype as dtypes
from lamella_core.composite import composite
from lamella_core.conventions.arrays import arrays
from lamella_core.conventions.common import normalize_dim, not_implemented_for
from lamella_core.conventions.pointwise import pointwise
from lamella_core.conventions.results import write_out
from lamella_core.declaration import call_inplace
from lamella_core.ops.operators import mul
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_core.dtype import dtype as DType
    from lamella_core.random.generator import Generator

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


# ------------ hinges


@pointwise(refuses="complex", refusals={"bool": "Boolean inputs not supported for relu"})
def relu(input: Tensor) -> Tensor:
    """The rectified linear unit, ``max(input, 0)``; NaN stays NaN."""


@pointwise(refuses="bool complex", method=False, inplace=False, checked_numbers=True)
def threshold(
    input: Tensor, threshold: float, value: float, *, out: Tensor | None = None
) -> Tensor:
    """``input`` where it is greater than ``threshold``, and ``value`` elsewhere."""


# ``grad_output`` where ``input`` is greater than ``threshold``, and 0 elsewhere.
threshold_backward = pointwise()(
    "threshold_backward(grad_output: Tensor, input: Tensor, threshold: float)"
)


@pointwise(
    refuses="bool integer complex",
    method=False,
    inplace=False,
    reduced_precision=False,
    checked_numbers=True,
)
def leaky_relu(input: Tensor, negative_slope: float = 0.01, *, out: Tensor | None = None) -> Tensor:
    """``input`` where it is positive, ``negative_slope * input`` elsewhere."""


# ``grad_output`` where ``input`` is positive, ``negative_slope * grad_output`` elsewhere.
leaky_relu_backward = pointwise(reduced_precision=False)(
    "leaky_relu_backward(grad_output: Tensor, input: Tensor, negative_slope: float)"
)


_prelu = pointwise(refuses="bool integer complex")("prelu(input: Tensor, weight: Tensor)")


@composite
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """``input`` where it is positive, ``weight * input`` elsewhere.

    Args:
        weight: one slope for all, or a tensor with one slope for each index of dimension 1.

    Raises:
        RuntimeError: when the number of slopes is not the size of dimension 1, or types differ.
    """
    if weight.numel() != 1:
        if input.ndim == 0:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input.shape[1] if input.ndim >= 2 else 1
        if channels != weight.numel():
            raise RuntimeError(
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{weight.numel()} and channel size = {channels}."
            )
    if weight._dtype is not input._dtype:
        raise RuntimeError(
            f"prelu: Type promoting not supported. Got {input._dtype.class_name} and "
            f"{weight._dtype.class_name}"
        )
    if weight.ndim > 1:
        raise RuntimeError(
            f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}"
        )
    shape = [1] * input.ndim
    if input.ndim >= 2:
        shape[1] = weight.numel()
    return _prelu(input, weight.reshape(shape))


@composite(method=False)
def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """:func:`leaky_relu` with a slope that is drawn for each element while training.

    Args:
        lower, upper: the bounds of the slope. Out of training their mean is the slope.
        training: whether slopes are drawn.
        generator: the source of random numbers; the default generator if None.
    """
    if not training:
        return write_out("rrelu", leaky_relu(input, (lower + upper) / 2), None)
    slope = _drawn_slopes(input, lower, upper, generator)
    return write_out("rrelu", mul(slope, input).to(input._dtype), None)


def _drawn_slopes(input: Tensor, lower: float, upper: float, generator: Any) -> Tensor:
    if input._dtype.category != dtypes.FLOATING:
        raise not_implemented_for("rrelu", input._dtype)
    kind = dtypes.float64
    if input._dtype is not kind:
        # Bounds, slopes and products of half precision are float32's, too.
        kind = dtypes.float32
        lower, upper = float(np.float32(lower)), float(np.float32(upper))
    slope = input.detach().new_ones(input.shape, dtype=kind)
    parts: Any = [(slope, input.detach())]
    if slope.numel() > 65536:
        parts = zip(*[x.reshape(-1).split(65536) for x in parts[0]], strict=True)
    for place, values in parts:
        negative = values <= 0
        drawn = place.new_empty((int(negative.sum()),), dtype=dtypes.float64)
        drawn.uniform_(generator=generator).mul_(upper - lower).add_(lower)
        place[negative] = drawn.to(kind)
    return slope


# ------------ exponentials


@pointwise("float", reduced_precision=False)
def sigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The logistic function, ``1 / (1 + exp(-input))``."""


# ``grad_output * output * (1 - output)``: the gradient of :func:`sigmoid` by its output.
sigmoid_backward = pointwise("float", reduced_precision=False)(
    "sigmoid_backward(grad_output: Tensor, output: Tensor)"
)


@pointwise("float", refuses="complex", reduced_precision=False)
def logit(input: Tensor, eps: float | None = None, *, out: Tensor | None = None) -> Tensor:
    """``log(input / (1 - input))``, the inverse of :func:`sigmoid`.

    Args:
        eps: clamps the input to between ``eps`` and ``1 - eps`` first. Without it elements outside
            0 to 1 give NaN.
    """


# ``grad_output / (input * (1 - input))``, and outside the range 0, or NaN without ``eps``.
logit_backward = pointwise(reduced_precision=False)(
    "logit_backward(grad_output: Tensor, input: Tensor, eps: float | None)"
)


@pointwise(
    refuses="bool integer complex",
    method=False,
    inplace=False,
    reduced_precision=False,
    checked_numbers=True,
)
def elu(
    input: Tensor,
    alpha: float = 1.0,
    scale: float = 1.0,
    input_scale: float = 1.0,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """``scale * input`` above 0, ``scale * alpha * expm1(input_scale * input)`` elsewhere."""


# The gradient of :func:`elu`.
elu_backward = pointwise(reduced_precision=False)(
    "elu_backward(grad_output: Tensor, input: Tensor, alpha: float, scale: float, "
    "input_scale: float)"
)


@composite(method=False)
def celu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """``input`` where positive, ``alpha * expm1(input / alpha)`` elsewhere.

    Raises:
        RuntimeError: when ``alpha`` is 0.
    """
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return write_out("celu", elu(input, alpha, 1.0, 1.0 / alpha), None)


@composite(method=False)
def selu(input: Tensor) -> Tensor:
    """The scaled exponential unit, ``scale * elu(input, alpha)``.

    ``alpha`` = 1.6732632 and ``scale`` = 1.0507010 keep mean 0 and variance 1 (Klambauer and
    others, Self-Normalizing Neural Networks, 2017).
    """
    return elu(input, SELU_ALPHA, SELU_SCALE, 1.0)


@pointwise(refuses="bool integer complex", method=False, inplace=False, reduced_precision=False)
def gelu(input: Tensor, *, approximate: str = "none", out: Tensor | None = None) -> Tensor:
    """``input * P(X <= input)`` for a standard normal X.

    Args:
        approximate: ``"none"`` computes it by the error function, ``"tanh"`` by
            ``0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))``.

    Raises:
        RuntimeError: for another ``approximate``.
    """


@pointwise(method=False, inplace=False, reduced_precision=False)
def gelu_backward(grad_output: Tensor, input: Tensor, *, approximate: str) -> Tensor:
    """The gradient of :func:`gelu`."""


# ------------ shrinking


@pointwise(refuses="bool integer complex", inplace=False, checked_numbers=True)
def hardshrink(input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """``input`` where it is farther than ``lambd`` from 0, and 0 elsewhere."""


# ``grad_output`` where ``input`` is farther than ``lambd`` from 0, and 0 elsewhere.
shrink_backward = pointwise()("shrink_backward(grad_output: Tensor, input: Tensor, lambd: float)")


# ------------ softmax


_softmax = arrays(refuses="bool integer complex")("softmax(input: Tensor, dim: int, out)")


# Softmax's gradient by its output: ``output * (grad_output - sum(grad_output * output))``.
softmax_backward = arrays()("softmax_backward(grad_output: Tensor, output: Tensor, dim: int)")


_log_softmax = arrays(refuses="bool integer complex", reduced_precision=True)(
    "log_softmax(input: Tensor, dim: int, out)"
)


# Log-softmax's gradient from its output: ``grad_output - exp(output) * sum(grad_output)``.
log_softmax_backward = arrays()(
    "log_softmax_backward(grad_output: Tensor, output: Tensor, dim: int)"
)


@composite
def softmax(
    input: Tensor, dim: int, dtype: DType | None = None, *, out: Tensor | None = None
) -> Tensor:
    """``exp(input) / sum(exp(input))`` over one dimension, computed without overflow.

    Args:
        dim: the dimension over which the results add up to 1.
        dtype: the floating type to convert the input to first.
    """
    if dtype is not None:
        input = input.to(dtype)
    return _softmax(input, normalize_dim(dim, input._array.ndim), out=out)


@composite
def log_softmax(
    input: Tensor, dim: int, dtype: DType | None = None, *, out: Tensor | None = None
) -> Tensor:
    """``input - log(sum(exp(input)))`` over one dimension, computed without overflow.

    Args: see :func:`softmax`.
    """
    if dtype is not None:
        input = input.to(dtype)
    return _log_softmax(input, normalize_dim(dim, input._array.ndim), out=out)


# ------------ in place


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """:func:`threshold` in place."""
    return call_inplace(_threshold.op, input, threshold, value)


def rrelu_(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """:func:`rrelu` in place."""
    slope: Any = (lower + upper) / 2
    if not training:
        return write_out("rrelu_", call_inplace(leaky_relu.op, input, slope), None)
    slope = _drawn_slopes(input, lower, upper, generator)
    return write_out("rrelu_", input.mul_(slope), None)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """:func:`celu` in place."""
    return call_inplace(elu.op, input, alpha, 1.0, 1.0 / alpha)


def selu_(input: Tensor) -> Tensor:
    """:func:`selu` in place."""
    return call_inplace(elu.op, input, SELU_ALPHA, SELU_SCALE, 1.0)


_threshold = threshold

__all__ = [
    "celu", "celu_", "hardshrink", "log_softmax", "logit", "prelu", "relu", "rrelu", "rrelu_",
    "selu", "selu_", "sigmoid", "softmax", "threshold", "threshold_",
]  # fmt: skip
