"""Initial values of parameters. Every function overwrites its tensor, unrecorded, and returns it.

From the same seed the values equal PyTorch's.
"""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

import numpy as np

from lamella_autograd import no_grad
from lamella_core import Generator, Tensor, empty_like, from_numpy, ones_like, randperm
from lamella_core import bool as bool_

__all__ = [
    "calculate_gain",
    "constant",
    "constant_",
    "dirac",
    "dirac_",
    "eye",
    "eye_",
    "kaiming_normal",
    "kaiming_normal_",
    "kaiming_uniform",
    "kaiming_uniform_",
    "normal",
    "normal_",
    "ones_",
    "orthogonal",
    "orthogonal_",
    "sparse",
    "sparse_",
    "trunc_normal_",
    "uniform",
    "uniform_",
    "xavier_normal",
    "xavier_normal_",
    "xavier_uniform",
    "xavier_uniform_",
    "zeros_",
]

F = TypeVar("F", bound=Callable[..., Tensor])

_GAINS = {
    "linear": 1,
    "conv1d": 1,
    "conv2d": 1,
    "conv3d": 1,
    "conv_transpose1d": 1,
    "conv_transpose2d": 1,
    "conv_transpose3d": 1,
    "sigmoid": 1,
    "tanh": 5.0 / 3,
    "relu": math.sqrt(2.0),
    "selu": 3.0 / 4,
}


class _Switch(threading.local):
    """Whether this thread's initializations do nothing."""

    skips = False


_switch = _Switch()


@contextmanager
def skipped() -> Iterator[None]:
    """Let every function here return its tensor as it is, in this thread, within the block."""
    before, _switch.skips = _switch.skips, True
    try:
        yield
    finally:
        _switch.skips = before


def _can_be_skipped(initialize: F) -> F:
    @wraps(initialize)
    def unless_skipped(tensor: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if _switch.skips:
            return tensor
        return initialize(tensor, *args, **kwargs)

    return unless_skipped  # type: ignore[return-value]


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much the weights before a nonlinearity have to be larger to keep the variance.

    Linear, convolution, sigmoid: 1; tanh: 5/3; relu: √2; leaky_relu: √(2 / (1 + slope²)); selu:
    3/4.

    Args:
        nonlinearity: its name in ``functional``.
        param: the negative slope of ``leaky_relu``, 0.01 where left out.

    Raises:
        ValueError: the nonlinearity is not one of these, or the slope is no number.
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    return _GAINS[nonlinearity]


@_can_be_skipped
def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Draw from the uniform distribution between ``a`` and ``b``.

    Args:
        tensor: floating, of any shape; it is overwritten.
        a, b: the bounds; a is one of the numbers, b is not.
        generator: where the numbers come from; the default one where left out.

    Raises:
        RuntimeError: ``a`` is greater than ``b``.
    """
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


@_can_be_skipped
def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Draw from the normal distribution of a mean and a standard deviation.

    Args:
        tensor: floating or complex, of any shape; it is overwritten.
        mean, std: those of the distribution.
        generator: where the numbers come from; the default one where left out.

    Raises:
        RuntimeError: ``std`` is negative.
    """
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


@_can_be_skipped
def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Draw from the normal distribution, cut off below ``a`` and above ``b``.

    By rejection: numbers are proposed from the normal distribution where more than 0.3 of it
    lies between the bounds, otherwise uniformly between them and kept with the probability
    density(x) / max density. All elements are proposed anew until each has been kept once.

    Args:
        tensor: floating, of any shape; it is overwritten.
        mean, std: those of the distribution before it is cut off.
        a, b: the bounds.
        generator: where the numbers come from; the default one where left out.
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect.",
            stacklevel=2,
        )
    propose_normal = _normal_cdf((b - mean) / std) - _normal_cdf((a - mean) / std) > 0.3
    mode = min(max(mean, a), b)
    log_peak = -0.5 * ((mode - mean) / std) ** 2
    with no_grad():
        proposed = empty_like(tensor)
        missing = ones_like(tensor, dtype=bool_)
        while missing.any():
            if propose_normal:
                proposed.normal_(mean, std, generator=generator)
                kept = (proposed >= a) & (proposed <= b)
            else:
                proposed.uniform_(a, b, generator=generator)
                chance = empty_like(tensor).uniform_(0, 1, generator=generator)
                kept = chance <= (-0.5 * ((proposed - mean) / std) ** 2 - log_peak).exp()
            found = missing & kept
            tensor[found] = proposed[found]
            missing = missing & ~kept
        return tensor


def _normal_cdf(x: float) -> float:
    return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0


@_can_be_skipped
def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with a value.

    Args:
        tensor: of any shape; it is overwritten.
        val: the number.
    """
    with no_grad():
        return tensor.fill_(val)


@_can_be_skipped
def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones."""
    return constant_(tensor, 1.0)


@_can_be_skipped
def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros."""
    with no_grad():
        return tensor.zero_()


@_can_be_skipped
def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix: a linear layer that keeps as many of its inputs as there is room for.

    Raises:
        ValueError: the tensor has not 2 dimensions.
    """
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    with no_grad():
        tensor.zero_()
        for i in range(min(tensor.shape)):
            tensor[i, i] = 1
    return tensor


@_can_be_skipped
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """One at the centre of kernel (i, i): a convolution that keeps as many channels as it can.

    Args:
        tensor: a kernel of 3, 4 or 5 dimensions.
        groups: in how many groups of output channels to do so.

    Raises:
        ValueError: the dimensions are others, or ``groups`` does not divide the first.
    """
    if tensor.dim() not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    if tensor.shape[0] % groups:
        raise ValueError("dim 0 must be divisible by groups")
    group_size = tensor.shape[0] // groups
    centre = tuple(length // 2 for length in tensor.shape[2:])
    with no_grad():
        tensor.zero_()
        for group in range(groups):
            for i in range(min(group_size, tensor.shape[1])):
                tensor[(group * group_size + i, i, *centre)] = 1
    return tensor


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many inputs an output of this weight has, and how many outputs an input."""
    if tensor.dim() < 2:
        raise ValueError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions"
        )
    receptive_field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * receptive_field, tensor.shape[0] * receptive_field


@_can_be_skipped
def _uniform_fan_in_(bias: Tensor, fan_in: int) -> Tensor:
    """The default start of a bias: uniform between -1/√fan_in and 1/√fan_in."""
    bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
    return uniform_(bias, -bound, bound)


def _xavier_std(tensor: Tensor, gain: float) -> float:
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return gain * math.sqrt(2.0 / float(fan_in + fan_out))


@_can_be_skipped
def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Draw from the uniform distribution between ±gain · √(6 / (fan_in + fan_out)).

    From Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward
    neural networks".

    Raises:
        ValueError: the tensor has fewer than 2 dimensions.
    """
    bound = math.sqrt(3.0) * _xavier_std(tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


@_can_be_skipped
def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Draw from the normal distribution of standard deviation gain · √(2 / (fan_in + fan_out)).

    From Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward
    neural networks".

    Raises:
        ValueError: the tensor has fewer than 2 dimensions.
    """
    return normal_(tensor, 0.0, _xavier_std(tensor, gain), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float | None:
    """gain / √fan, or None for a tensor without elements."""
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return None
    modes = ["fan_in", "fan_out"]
    if mode.lower() not in modes:
        raise ValueError(f"Mode {mode.lower()} not supported, please use one of {modes}")
    fan = _calculate_fan_in_and_fan_out(tensor)[modes.index(mode.lower())]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


@_can_be_skipped
def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Draw from the uniform distribution between ±gain · √(3 / fan).

    From He et al. (2015), "Delving Deep into Rectifiers".

    Args:
        tensor: the weight.
        a: the negative slope of the ``leaky_relu`` that follows.
        mode: ``"fan_in"`` keeps the variance on the way forward, ``"fan_out"`` backward.
        nonlinearity: what follows; see ``calculate_gain``.
        generator: where the numbers come from.

    Raises:
        ValueError: mode or nonlinearity is unknown, or the tensor has fewer than 2 dimensions.
    """
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    if std is None:
        return tensor
    bound = math.sqrt(3.0) * std
    return uniform_(tensor, -bound, bound, generator)


@_can_be_skipped
def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Draw from the normal distribution of standard deviation gain / √fan.

    Source, arguments and errors are those of ``kaiming_uniform_``.
    """
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    if std is None:
        return tensor
    return normal_(tensor, 0, std, generator)


@_can_be_skipped
def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """A matrix with orthonormal rows or columns, whichever are fewer, times ``gain``.

    It is the Q of a QR decomposition of normal numbers, with the signs that make R's diagonal
    positive; dimensions after the first count as one. From Saxe et al. (2013), "Exact solutions
    to the nonlinear dynamics of learning in deep linear neural networks".

    Raises:
        ValueError: the tensor has fewer than 2 dimensions.
    """
    if tensor.dim() < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    with no_grad():
        drawn = tensor.new_empty((tensor.shape[0], tensor.numel() // tensor.shape[0]))
        drawn.normal_(0, 1, generator=generator)
        # The decomposition is the host's on every device: it runs once in a parameter's life.
        matrix: Any = drawn.cpu().numpy()
        wide = matrix.shape[0] < matrix.shape[1]
        q, r = np.linalg.qr(matrix.T if wide else matrix)
        q = q * np.sign(np.diagonal(r))
        tensor.copy_(from_numpy(np.ascontiguousarray(q.T if wide else q)).reshape(tensor.shape))
        return tensor.mul_(gain)


@_can_be_skipped
def sparse_(
    tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None
) -> Tensor:
    """Draw from the normal distribution, and set a part of each column to zero.

    From Martens (2010), "Deep learning via Hessian-free optimization".

    Args:
        tensor: a matrix.
        sparsity: the part of each column that is zero, rounded up.
        std: standard deviation of the rest.
        generator: where the normal numbers come from.

    Raises:
        ValueError: the tensor has not 2 dimensions.
    """
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    with no_grad():
        tensor.normal_(0, std, generator=generator)
        for column in range(columns):
            tensor[randperm(rows)[:zeros], column] = 0
    return tensor


def _older_name(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The function under its name without underscore, which warns."""
    new = function.__name__
    old = new.removesuffix("_")

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Tensor:
        warnings.warn(
            f"`nn.init.{old}` is now deprecated in favor of `nn.init.{new}`.",
            FutureWarning,
            stacklevel=2,
        )
        return function(*args, **kwargs)

    call.__name__ = call.__qualname__ = old
    call.__doc__ = f"The old name of :func:`{new}`."
    return call


constant = _older_name(constant_)
dirac = _older_name(dirac_)
eye = _older_name(eye_)
kaiming_normal = _older_name(kaiming_normal_)
kaiming_uniform = _older_name(kaiming_uniform_)
normal = _older_name(normal_)
orthogonal = _older_name(orthogonal_)
sparse = _older_name(sparse_)
uniform = _older_name(uniform_)
xavier_normal = _older_name(xavier_normal_)
xavier_uniform = _older_name(xavier_uniform_)
