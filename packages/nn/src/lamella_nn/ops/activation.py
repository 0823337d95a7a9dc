"""Activation functions that PyTorch offers in ``nn.functional`` only, under ATen's names.

``nn.functional`` gives them its own signatures. Those that stand in ``torch`` too, and gelu, which
needs the error function, are the core's. Where a derivative is hot it is an op of its own,
``<name>_backward``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.composite import composite
from lamella_core.conventions.arrays import arrays
from lamella_core.conventions.common import normalize_dim
from lamella_core.conventions.pointwise import pointwise
from lamella_core.declaration import call_inplace
from lamella_core.ops.activation import elu, leaky_relu
from lamella_core.ops.elementary import tanh
from lamella_core.ops.operators import abs, sub
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from typing import Any


# ------------ hinges


@pointwise(
    refuses="complex",
    refusals={"bool": "Bool inputs not supported for hardtanh"},
    reduced_precision=False,
    method=False,
    inplace=False,
    checked_numbers=True,
)
def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, *, out: Tensor | None = None
) -> Tensor:
    """``input`` held between ``min_val`` and ``max_val``."""


@pointwise(method=False, inplace=False)
def hardtanh_backward(grad_output: Tensor, input: Tensor, min_val: float, max_val: float) -> Tensor:
    """``grad_output`` where ``input`` lies between the bounds and not on them, 0 elsewhere."""


@composite(method=False)
def relu6(input: Tensor) -> Tensor:
    """``min(max(input, 0), 6)``."""
    return hardtanh(input, 0, 6)


# ------------ exponentials


@pointwise(refuses="bool integer complex", method=False, inplace=False, reduced_precision=False)
def log_sigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``log(sigmoid(input))`` without overflow."""


@pointwise(
    refuses="bool integer complex",
    method=False,
    inplace=False,
    reduced_precision=False,
    checked_numbers=True,
)
def softplus(
    input: Tensor, beta: float = 1.0, threshold: float = 20.0, *, out: Tensor | None = None
) -> Tensor:
    """``log(1 + exp(beta * input)) / beta``; ``input`` where ``beta * input > threshold``."""


@pointwise(method=False, inplace=False, reduced_precision=False)
def softplus_backward(grad_output: Tensor, input: Tensor, beta: float, threshold: float) -> Tensor:
    """``grad_output * sigmoid(beta * input)``; beyond the threshold ``grad_output`` itself."""


@pointwise(refuses="bool integer", method=False, inplace=False, reduced_precision=False)
def silu(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``input * sigmoid(input)``, also known as swish."""


@pointwise(method=False, inplace=False, reduced_precision=False)
def silu_backward(grad_output: Tensor, input: Tensor) -> Tensor:
    """``grad_output * s * (1 + input * (1 - s))`` with ``s = sigmoid(input)``."""


@pointwise(refuses="bool integer complex", method=False, inplace=False, reduced_precision=False)
def mish(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``input * tanh(softplus(input))``."""


@pointwise(method=False, inplace=False, reduced_precision=False)
def mish_backward(grad_output: Tensor, input: Tensor) -> Tensor:
    """The gradient of :func:`mish`."""


# ------------ shrinking


@pointwise(refuses="bool integer complex", method=False, inplace=False, checked_numbers=True)
def softshrink(input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """``input`` moved by ``lambd`` towards 0, and 0 where it is nearer than that."""


@composite(method=False)
def tanhshrink(input: Tensor) -> Tensor:
    """``input - tanh(input)``."""
    return sub(input, tanh(input))


@composite(method=False)
def softsign(input: Tensor) -> Tensor:
    """``input / (1 + |input|)``."""
    return input / (abs(input) + 1)


# ------------ hard versions


@pointwise(refuses="bool integer complex", method=False, inplace=False, reduced_precision=False)
def hardsigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``min(max(input + 3, 0), 6) / 6``."""


@pointwise(method=False, inplace=False, reduced_precision=False)
def hardsigmoid_backward(grad_output: Tensor, input: Tensor) -> Tensor:
    """``grad_output / 6`` between -3 and 3, 0 elsewhere."""


@pointwise(refuses="bool integer complex", method=False, inplace=False, reduced_precision=False)
def hardswish(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``input * hardsigmoid(input)``."""


@pointwise(method=False, inplace=False, reduced_precision=False)
def hardswish_backward(grad_output: Tensor, input: Tensor) -> Tensor:
    """``grad_output * (input / 3 + 1 / 2)`` between -3 and 3, 0 below, ``grad_output`` above."""


# ------------ gates


@composite(method=False)
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """The gated unit ``a * sigmoid(b)``, ``a`` and ``b`` the halves of ``input`` along ``dim``.

    Raises:
        RuntimeError: when the size of ``dim`` is odd, or the input has no dimension.
    """
    if input.ndim == 0:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    dim = normalize_dim(dim, input.ndim)
    size = input.shape[dim]
    if size % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {size}")
    return gated(input, dim - input.ndim)


@arrays(refuses="bool integer complex", reduced_precision=True, like_first=True, method=False)
def gated(input: Tensor, dim: int) -> Tensor:
    """:func:`glu` along a dimension that is counted from the last."""


@arrays(reduced_precision=True, method=False)
def gated_backward(grad_output: Tensor, input: Tensor, dim: int) -> Tensor:
    """The gradient of ``gated``."""


# ------------ in place


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """:func:`hardtanh` in place."""
    return _in_place(hardtanh, input, min_val, max_val)


def relu6_(input: Tensor) -> Tensor:
    """:func:`relu6` in place."""
    return _in_place(hardtanh, input, 0, 6)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """:func:`leaky_relu` in place."""
    return _in_place(leaky_relu, input, negative_slope)


def elu_(input: Tensor, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Tensor:
    """:func:`elu` in place."""
    return _in_place(elu, input, alpha, scale, input_scale)


def silu_(input: Tensor) -> Tensor:
    """:func:`silu` in place."""
    return _in_place(silu, input)


def mish_(input: Tensor) -> Tensor:
    """:func:`mish` in place."""
    return _in_place(mish, input)


def hardsigmoid_(input: Tensor) -> Tensor:
    """:func:`hardsigmoid` in place."""
    return _in_place(hardsigmoid, input)


def hardswish_(input: Tensor) -> Tensor:
    """:func:`hardswish` in place."""
    return _in_place(hardswish, input)


def _in_place(function: Any, *args: Any) -> Tensor:
    return call_inplace(function.op, *args)
