"""The derivative of pooling over windows that a random number places."""

from __future__ import annotations

from lamella_autograd import derivative, node_name
from lamella_nn.ops.pooling import put_flat

derivative(
    "fractional_max_pool",
    input=lambda grads, results, input_shape: put_flat(grads[0], results[1], input_shape[2:], True),
    keeps=(1,),
)

node_name(
    "fractional_max_pool",
    lambda node: f"FractionalMaxPool{len(node._input_shape) - 2}DBackward0",
)
