"""The dispatcher: keys, layers and kernels."""

from __future__ import annotations

import pytest

import lamella_core as core
from lamella_core import dispatch
from lamella_core.conventions import arrays
from lamella_core.tensor import Tensor


def test_a_backends_own_kernel_comes_first(double_it):
    x = core.tensor([1.0])
    assert double_it(x).item() == 2.0
    core.register_kernel("double_it", lambda input: input * 20, "cpu")
    assert double_it(x).item() == 20.0


def test_an_op_without_kernel_says_so(forget):
    forget[0].append("missing_it")

    @arrays(method=False)
    def missing_it(input: Tensor) -> Tensor:
        """Has no kernel."""

    with pytest.raises(NotImplementedError, match="missing_it: no kernel for device type 'cpu'"):
        missing_it(core.ones(1))


def test_a_layer_acts_above_the_kernels_and_is_left_out_below(double_it, forget):
    bit = dispatch.new_bit()
    seen = []

    class Recorder(dispatch.Layer):
        name, level, bits = "recorder", 50, bit

        def wrap(self, op, key, below):
            def call(*args):
                seen.append(op.name)
                return below(*args)

            return call

    layer = Recorder()
    forget[1].append(layer)
    core.register_layer(layer)
    x = core.ones(1)
    double_it(x)
    assert seen == []
    dispatch.modes.bits |= bit
    try:
        assert double_it(x).item() == 2.0
    finally:
        dispatch.modes.bits &= ~bit
    assert seen == ["double_it"]


def test_a_kind_of_tensors_has_handlers(double_it, forget):
    class Odd(dispatch.KindLayer):
        name, level, bits, way_out = "odd", 50, dispatch.new_bit(), "evened()"

    layer = Odd()
    forget[1].append(layer)
    core.register_layer(layer)
    layer.handles("double_it")(lambda input: "handled")
    x = core.ones(1)
    x._key |= Odd.bits
    assert double_it(x) == "handled" and double_it(core.ones(1)).item() == 2.0
    with pytest.raises(NotImplementedError, match=r"exp: not .* odd tensors; use evened\(\) first"):
        core.exp(x)


def test_a_backend_has_one_device_type():
    with pytest.raises(ValueError, match="'cpu' is already registered"):
        core.register_backend(type(dispatch.backends["cpu"])())
