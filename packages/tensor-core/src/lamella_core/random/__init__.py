"""PyTorch's CPU random numbers on NumPy arrays.

The same seed and the same calls in the same order give the numbers that PyTorch gives. Every
function takes a ``generator`` (None: the default generator) and returns a C-contiguous array.
"""

from __future__ import annotations

from .continuous import cauchy, exponential
from .discrete import bernoulli, geometric, multinomial, poisson
from .generator import Generator, default_generator
from .integers import integers, permutation
from .normal import log_normal, normal, normal_elementwise
from .uniform import uniform

__all__ = [
    "Generator", "bernoulli", "cauchy", "default_generator", "exponential", "geometric",
    "integers", "log_normal", "multinomial", "normal", "normal_elementwise", "permutation",
    "poisson", "uniform",
]  # fmt: skip
