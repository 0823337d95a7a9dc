"""The ops of this package are declared by the public calls: a kernel and a derivative each."""

from __future__ import annotations

from pkgutil import iter_modules

import pytest

from lamella_autograd.formulas import derivatives, not_differentiable
from lamella_core.dispatch import backends, kernel_of, ops
from lamella_nn import functional as _functional  # noqa: F401  (declares the ops)
from lamella_nn import ops as package

FAMILIES = {f"{package.__name__}.{m.name}" for m in iter_modules(package.__path__)}
NAMES = sorted(
    n for n, op in ops.items() if op.function and op.function.__wrapped__.__module__ in FAMILIES
)
# Their second derivative is written in ops by the op that they are the gradient of.
FUSED_ONCE = {
    "attention_backward",
    "embedding_bag_backward",
    "gated_backward",
    "gru_layer_backward",
    "lstm_layer_backward",
    "native_batch_norm_backward",
    "native_group_norm_backward",
    "native_layer_norm_backward",
    "rnn_layer_backward",
}
# PyTorch has no further derivative of these either.
THE_LAST = {"ctc_alignments_backward", "grid_sampler_second"}


@pytest.mark.parametrize("name", NAMES)
def test_every_op_has_a_kernel_and_a_derivative(name):
    assert callable(kernel_of(name, backends["cpu"]))
    known = derivatives.keys() | not_differentiable | FUSED_ONCE | THE_LAST
    assert name in known
    assert ops[name].function.__doc__


def test_there_are_ops():
    assert {"convolution", "max_pool_with_indices", "cross_entropy_index"} <= set(NAMES)
