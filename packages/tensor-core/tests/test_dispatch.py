"""The dispatcher: declaration, keys, layers, kernels, and operands that are none."""

from __future__ import annotations

import enum
import warnings

import numpy as np
import pytest

import lamella_core as core
from lamella_core import dispatch
from lamella_core.conventions import arrays, pointwise
from lamella_core.tensor import Tensor
from lamella_core.typing import Number


@pytest.fixture
def forget():
    """Names of ops and layers that a test declares, taken away afterwards."""
    names: list[str] = []
    layers: list[dispatch.Layer] = []
    yield names, layers
    for name in names:
        for key in (name, f"{name}_", f"{name}.out"):
            dispatch.ops.pop(key, None)
            dispatch._shared_kernels.pop(key, None)
            dispatch.backends["cpu"].kernels.pop(key, None)
        for method in (name, f"{name}_"):
            if method in vars(core.Tensor):
                delattr(core.Tensor, method)
    for layer in layers:
        dispatch._layers.remove(layer)
    dispatch._forget()


def declare_double(names):
    names.append("double_it")

    @pointwise()
    def double_it(input: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
        """Twice the input."""

    core.register_kernel("double_it", lambda xp, input: xp.add(input, input))
    return double_it


def test_an_op_is_a_function_a_method_and_an_inplace_method(forget):
    double_it = declare_double(forget[0])
    x = core.tensor([1.0, 2.0])
    assert double_it(x).tolist() == x.double_it().tolist() == [2.0, 4.0]
    assert x.double_it_() is x and x.tolist() == [2.0, 4.0]
    out = core.empty(0)
    assert double_it(x, out=out) is out and out.tolist() == [4.0, 8.0]
    assert double_it.__doc__ == "Twice the input." and double_it.__name__ == "double_it"


def test_a_backends_own_kernel_comes_first(forget):
    double_it = declare_double(forget[0])
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


def test_a_layer_acts_above_the_kernels_and_is_left_out_below(forget):
    double_it = declare_double(forget[0])
    bit = dispatch.new_bit()
    seen = []

    class Recorder(dispatch.Layer):
        name, level = "recorder", 50

        def claims(self, op, key):
            return bool(key & bit)

        def strip(self, key):
            return key & ~bit

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


def test_what_is_no_operand():
    x = core.ones(2)
    with pytest.raises(TypeError, match="must be Tensor, not str"):
        core.add("a", x)
    with pytest.raises(TypeError, match="must be Tensor, not list"):
        core.exp([1.0])


def test_numbers_of_other_kinds_count_as_numbers():
    class Three(enum.IntEnum):
        THREE = 3

    x = core.ones(2)
    assert (x + np.float64(2)).tolist() == [3.0, 3.0]
    assert (x + np.float64(2)).dtype is core.float32
    assert core.add(x, Three.THREE).tolist() == [4.0, 4.0]


def test_floating_point_events_are_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zero = core.zeros(1)
        assert (zero / zero).isnan().item()
        assert core.tensor([-1.0]).log().isnan().item()


def test_a_backend_has_one_device_type():
    with pytest.raises(ValueError, match="'cpu' is already registered"):
        core.register_backend(type(dispatch.backends["cpu"])())
