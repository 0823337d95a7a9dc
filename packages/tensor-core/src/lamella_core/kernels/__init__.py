"""The shared array kernels, by family: written once over the array namespace ``xp``.

Importing the package registers them all.
"""

from lamella_core.kernels import (
    activation,
    arithmetic,
    arranging,
    comparison,
    copying,
    creation,
    cumulative,
    decomposition,
    determinant,
    eigen,
    elementary,
    extrema,
    gathering,
    indexing,
    joining,
    linalg,
    logical,
    matrix_functions,
    operators,
    reduction,
    rounding,
    scattering,
    solving,
    sorting,
    special,
    spectral,
    statistics,
    views,
)

__all__ = [
    "activation", "arithmetic", "arranging", "comparison", "copying", "creation", "cumulative",
    "decomposition", "determinant", "eigen", "elementary", "extrema", "gathering",
    "indexing", "joining", "linalg", "logical", "matrix_functions", "operators", "reduction",
    "rounding", "scattering", "solving", "sorting", "special", "spectral", "statistics", "views",
]  # fmt: skip
