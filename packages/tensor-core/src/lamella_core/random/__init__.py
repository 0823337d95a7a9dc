"""PyTorch's CPU random numbers on NumPy arrays.

The same seed and the same calls in the same order give the numbers that PyTorch gives. Every
function takes a ``generator`` (None: the default generator) and returns a C-contiguous array.
"""

from __future__ import annotations

from .continuous import cauchy, exponential
from .discrete import bernoulli, geometric, multinomial, poisson
from .generator import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from .integers import integers, permutation
from .normal import log_normal, normal, normal_elementwise
from .uniform import uniform

__all__ = [
    "Generator", "bernoulli", "cauchy", "default_generator", "exponential", "geometric",
    "get_rng_state", "initial_seed", "integers", "log_normal", "manual_seed", "multinomial",
    "normal", "normal_elementwise", "permutation", "poisson", "seed", "set_rng_state", "uniform",
]  # fmt: skip
