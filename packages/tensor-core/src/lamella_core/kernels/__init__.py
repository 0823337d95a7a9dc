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
    elementary,
    extrema,
    gathering,
    indexing,
    joining,
    linalg,
    logical,
    operators,
    reduction,
    rounding,
    scattering,
    sorting,
    special,
    statistics,
    views,
)

__all__ = [
    "activation",
    "arithmetic",
    "arranging",
    "comparison",
    "copying",
    "creation",
    "cumulative",
    "elementary",
    "extrema",
    "gathering",
    "indexing",
    "joining",
    "linalg",
    "logical",
    "operators",
    "reduction",
    "rounding",
    "scattering",
    "sorting",
    "special",
    "statistics",
    "views",
]
