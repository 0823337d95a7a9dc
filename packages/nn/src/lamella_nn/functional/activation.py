"""Activation functions with PyTorch's ``inplace`` argument."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lamella_core as core
from lamella_autograd import rename
from lamella_core.ops import activation as shared
from lamella_core.ops.activation import (
    celu_,
    gelu,
    hardshrink,
    prelu,
    rrelu_,
    selu_,
    threshold_,
)
from lamella_core.warning import warn
from lamella_nn.ops import activation as ops
from lamella_nn.ops.activation import (
    elu_,
    hardtanh_,
    leaky_relu_,
    softplus,
    softshrink,
    softsign,
    tanhshrink,
)
from lamella_nn.ops.activation import log_sigmoid as logsigmoid

if TYPE_CHECKING:
    from lamella_core import Tensor
    from lamella_core.dtype import dtype as DType

__all__ = [
    "celu", "celu_", "elu", "elu_", "gelu", "glu", "gumbel_softmax", "hardshrink", "hardsigmoid",
    "hardswish", "hardtanh", "hardtanh_", "leaky_relu", "leaky_relu_", "log_softmax", "logsigmoid",
    "mish", "prelu", "relu", "relu6", "relu_", "rrelu", "rrelu_", "selu", "selu_", "sigmoid",
    "silu", "softmax", "softmin", "softplus", "softshrink", "softsign", "tanh", "tanhshrink",
    "threshold", "threshold_",
]  # fmt: skip


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """``max(input, 0)``.

    Args:
        input: real, of any shape.
        inplace: whether to overwrite ``input``, which is then what is returned.

    Raises:
        RuntimeError: for a bool input.
        NotImplementedError: for a complex one.
    """
    return input.relu_() if inplace else shared.relu(input)


def relu_(input: Tensor) -> Tensor:
    """:func:`relu` in place."""
    return input.relu_()


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """``min(max(input, 0), 6)``.

    Args:
        input: real, of any shape.
        inplace: whether to overwrite ``input``, which is then what is returned.

    Raises:
        RuntimeError: for a bool input.
        NotImplementedError: for a complex one.
    """
    return ops.relu6_(input) if inplace else ops.relu6(input)


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """``input`` held between ``min_val`` and ``max_val``.

    Args:
        input: real, of any shape.
        min_val, max_val: the bounds.
        inplace: whether to overwrite ``input``, which is then what is returned.

    Raises:
        ValueError: when ``min_val`` is greater than ``max_val``.
        RuntimeError: for a bool input.
        NotImplementedError: for a complex one.
    """
    if min_val > max_val:
        raise ValueError(
            f"min_val cannot be greater than max_val, but got min_val={min_val}, max_val={max_val}"
        )
    if inplace:
        return ops.hardtanh_(input, min_val, max_val)
    return ops.hardtanh(input, min_val, max_val)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """``input`` where it is greater than ``threshold``, ``value`` elsewhere.

    Args:
        input: real, of any shape.
        threshold: the bound.
        value: what stands in the place of elements that do not exceed it.
        inplace: whether to overwrite ``input``, which is then what is returned.

    Raises:
        NotImplementedError: for a bool or complex input.
    """
    if inplace:
        return shared.threshold_(input, threshold, value)
    return shared.threshold(input, threshold, value)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """``input`` where it is positive, ``negative_slope * input`` elsewhere.

    Args:
        input: floating, of any shape.
        negative_slope: the slope below zero.
        inplace: whether to overwrite ``input``, which is then what is returned.

    Raises:
        NotImplementedError: for an integer, bool or complex input.
    """
    if inplace:
        return ops.leaky_relu_(input, negative_slope)
    return shared.leaky_relu(input, negative_slope)


def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """:func:`leaky_relu` with slopes drawn from ``[lower, upper]``; their mean in evaluation.

    Args:
        input: floating, of any shape.
        lower, upper: the bounds of the slopes.
        training: whether to draw a slope for each element, from the default generator.
        inplace: whether to overwrite ``input``, which is then what is returned.

    Raises:
        RuntimeError: when ``lower`` is greater than ``upper``.
        NotImplementedError: for an integer, bool or complex input.

    B. Xu et al., "Empirical Evaluation of Rectified Activations in Convolutional Network", 2015.
    """
    if lower > upper:
        raise RuntimeError(
            f"Lower bound should be less than or equal to the upper bound, but got {lower} > "
            f"{upper}"
        )
    if inplace:
        return shared.rrelu_(input, lower, upper, training)
    return shared.rrelu(input, lower, upper, training)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``input`` where it is positive, ``alpha * (exp(input) - 1)`` elsewhere.

    Args:
        input: floating, of any shape.
        alpha: the limit at minus infinity is ``-alpha``.
        inplace: whether to overwrite ``input``, which is then what is returned.

    Raises:
        NotImplementedError: for an integer, bool or complex input.

    D.-A. Clevert et al., "Fast and Accurate Deep Network Learning by Exponential Linear Units",
    2016.
    """
    return ops.elu_(input, alpha) if inplace else shared.elu(input, alpha)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``input`` where it is positive, ``alpha * (exp(input / alpha) - 1)`` elsewhere.

    Args:
        input: floating, of any shape.
        alpha: the limit at minus infinity is ``-alpha``; not 0.
        inplace: whether to overwrite ``input``, which is then what is returned.

    Raises:
        NotImplementedError: for an integer, bool or complex input.

    J. T. Barron, "Continuously Differentiable Exponential Linear Units", 2017.
    """
    return shared.celu_(input, alpha) if inplace else shared.celu(input, alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """``scale * elu(input, alpha)``, with ``scale`` 1.0507... and ``alpha`` 1.6733...

    Args:
        input: floating, of any shape.
        inplace: whether to overwrite ``input``, which is then what is returned.

    Raises:
        NotImplementedError: for an integer, bool or complex input.

    G. Klambauer et al., "Self-Normalizing Neural Networks", 2017.
    """
    return shared.selu_(input) if inplace else shared.selu(input)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """``input * sigmoid(input)``, also called swish.

    Args:
        input: floating or complex, of any shape.
        inplace: whether to overwrite ``input``, which is then what is returned.

    Raises:
        NotImplementedError: for an integer or bool input.
    """
    return ops.silu_(input) if inplace else ops.silu(input)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """``input * tanh(softplus(input))``.

    Args:
        input: floating, of any shape.
        inplace: whether to overwrite ``input``, which is then what is returned.

    Raises:
        NotImplementedError: for an integer, bool or complex input.

    D. Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", 2019.
    """
    return ops.mish_(input) if inplace else ops.mish(input)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """``min(max(input / 6 + 1 / 2, 0), 1)``.

    Args:
        input: floating, of any shape.
        inplace: whether to overwrite ``input``, which is then what is returned.

    Raises:
        NotImplementedError: for an integer, bool or complex input.
    """
    return ops.hardsigmoid_(input) if inplace else ops.hardsigmoid(input)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """``input * hardsigmoid(input)``.

    Args:
        input: floating, of any shape.
        inplace: whether to overwrite ``input``, which is then what is returned.

    Raises:
        NotImplementedError: for an integer, bool or complex input.

    A. Howard et al., "Searching for MobileNetV3", 2019.
    """
    return ops.hardswish_(input) if inplace else ops.hardswish(input)


def sigmoid(input: Tensor) -> Tensor:
    """``1 / (1 + exp(-input))``.

    Args:
        input: of any shape; integers and bools become the default floating type.
    """
    return shared.sigmoid(input)


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent.

    Args:
        input: of any shape; integers and bools become the default floating type.
    """
    return core.tanh(input)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """The first half along ``dim`` times the sigmoid of the second.

    Args:
        input: its size along ``dim`` is even; the result's is half of it.
        dim: the dimension that is halved.

    Raises:
        RuntimeError: for an input without dimensions, or an odd size.

    Y. N. Dauphin et al., "Language Modeling with Gated Convolutional Networks", 2017.
    """
    if not input.ndim:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    return rename(ops.glu(input, dim), "GluBackward0")


def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None
) -> Tensor:
    """``exp(input) / sum(exp(input))`` along ``dim``.

    Args:
        input: floating, of any shape; the result has it, too.
        dim: None, which is deprecated, is 0 for 0, 1 and 3 dimensions and 1 for others.
        dtype: what to convert the input to first.

    ``_stacklevel``, PyTorch's, counts for nothing: the warning names the program's line.

    Raises:
        NotImplementedError: for an integer, bool or complex input without ``dtype``.
        IndexError: when ``dim`` is out of range.
    """
    if dim is None:
        dim = _implicit_dim("softmax", input.ndim)
    return shared.softmax(input, dim, dtype)


def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None
) -> Tensor:
    """:func:`softmax` of the negated input.

    Args:
        input: floating, of any shape.
        dim, dtype: as for :func:`softmax`.

    Raises:
        NotImplementedError: for an integer or complex input without ``dtype``.
        RuntimeError: for a bool input, which has no negative.
        IndexError: when ``dim`` is out of range.
    """
    if dim is None:
        dim = _implicit_dim("softmin", input.ndim)
    return shared.softmax(-input, dim, dtype)


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None
) -> Tensor:
    """The logarithm of :func:`softmax`, ``input - log(sum(exp(input)))``, computed without it.

    Args:
        input: floating, of any shape.
        dim, dtype: as for :func:`softmax`.

    Raises:
        NotImplementedError: for an integer, bool or complex input without ``dtype``.
        IndexError: when ``dim`` is out of range.
    """
    if dim is None:
        dim = _implicit_dim("log_softmax", input.ndim)
    return shared.log_softmax(input, dim, dtype)


def _implicit_dim(name: str, ndim: int) -> int:
    warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include "
        f"dim=X as an argument."
    )
    return 0 if ndim in (0, 1, 3) else 1


def gumbel_softmax(
    logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """A sample from the Gumbel-softmax distribution, ``softmax((logits + g) / tau)``.

    Args:
        logits: unnormalized log-probabilities.
        tau: the temperature.
        hard: return a one-hot vector whose gradient is that of the soft sample.
        eps: has no effect.
        dim: the dimension of the classes.

    E. Jang, S. Gu, B. Poole, "Categorical Reparameterization with Gumbel-Softmax", 2017.
    """
    if eps != 1e-10:
        warn("`eps` parameter is deprecated and has no effect.")
    # Row by row, whatever the order of the logits in memory, as PyTorch draws them.
    gumbels = -logits.new_empty(logits.shape).exponential_().log()
    soft = shared.softmax((logits + gumbels) / tau, dim)
    if not hard:
        return soft
    index = soft.argmax(dim, True)
    return core.zeros_like(logits).scatter_(dim, index, 1.0) - soft.detach() + soft
