"""Logical and bitwise ops have no derivative."""

from lamella_autograd.formulas import non_differentiable

non_differentiable(
    "logical_and",
    "logical_or",
    "logical_xor",
    "logical_not",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "bitwise_not",
    "bitwise_left_shift",
    "bitwise_right_shift",
)
