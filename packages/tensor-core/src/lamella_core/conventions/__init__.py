"""Conventions: how a kind of op turns tensors into arrays, calls its kernel, and wraps the result.

A convention is the bottom of an op's table. ``bind(op, backend, key)`` makes the function that is
kept there. Each convention has a declarator, a decorator that declares an op of that kind:

* ``pointwise``: element by element, with promotion and broadcasting
* ``reduction``: over some dimensions
* ``view``: another look at the same memory
* ``arrays``: anything else that takes arrays and returns new ones
* ``creation``: from numbers alone
* ``structural``: moves elements, any type, into a new array
* ``overwriting``: writes into its first argument, or into a copy of it
* ``mutation``: writes into its first argument, and has no other form
"""

from lamella_core.conventions.arrays import arrays
from lamella_core.conventions.creation import creation
from lamella_core.conventions.mutation import mutation
from lamella_core.conventions.pointwise import pointwise
from lamella_core.conventions.reduction import reduction
from lamella_core.conventions.structural import overwriting, structural
from lamella_core.conventions.view import strided_view, view

__all__ = [
    "arrays", "creation", "mutation", "overwriting", "pointwise", "reduction", "strided_view",
    "structural", "view",
]  # fmt: skip
