"""Array kernels of logical and bitwise ops."""

from __future__ import annotations

from lamella_core.dispatch import namespace_kernels

namespace_kernels(
    "logical_and", "logical_or", "logical_xor", "logical_not", "bitwise_and", "bitwise_or",
    "bitwise_xor", bitwise_not="invert", bitwise_left_shift="left_shift",
    bitwise_right_shift="right_shift",
)  # fmt: skip
