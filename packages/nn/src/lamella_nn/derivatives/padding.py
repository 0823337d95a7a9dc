"""Derivatives of padding: what was added is cut off, what was cut off gets zeros, copies add up."""

from __future__ import annotations

from typing import Any

from lamella_autograd import derivative, node_name
from lamella_nn.ops.padding import constant_pad_nd, pad_from_input, pad_from_input_backward

derivative(
    "constant_pad_nd",
    input=lambda grad, pad: constant_pad_nd(grad, tuple([-n for n in pad]), 0),
)
derivative(
    "pad_from_input",
    input=lambda grad, input_shape, pad, mode: pad_from_input_backward(
        grad, tuple(input_shape[-len(pad) // 2 :]), pad, mode
    ),
    once=True,
)
derivative(
    "pad_from_input_backward",
    grad_output=lambda grad, pad, mode: pad_from_input(grad, pad, mode),
)


def _name(node: Any) -> str:
    mode = node._kept_mode
    if mode == "circular":
        return "torch::autograd::CopySlices"
    name = "Reflection" if mode == "reflect" else "Replication"
    return f"{name}Pad{len(node._kept_pad) // 2}DBackward0"


node_name("pad_from_input", _name)
