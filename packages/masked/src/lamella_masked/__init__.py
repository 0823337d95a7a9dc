"""``torch.masked``: reductions and normalizations of the elements that a mask selects.

A ``mask`` is broadcast to the input's shape; where it is false, an element does not count. Without
a mask all do. PyTorch's MaskedTensor is not there: masks are given as arguments.
"""

from __future__ import annotations

from lamella_masked.normalizations import (
    cumprod,
    cumsum,
    log_softmax,
    logaddexp,
    normalize,
    softmax,
    softmin,
)
from lamella_masked.reductions import (
    amax,
    amin,
    argmax,
    argmin,
    logsumexp,
    mean,
    median,
    norm,
    prod,
    std,
    sum,
    var,
)

__all__ = [
    "amax",
    "amin",
    "argmax",
    "argmin",
    "cumprod",
    "cumsum",
    "log_softmax",
    "logaddexp",
    "logsumexp",
    "mean",
    "median",
    "norm",
    "normalize",
    "prod",
    "softmax",
    "softmin",
    "std",
    "sum",
    "var",
]
