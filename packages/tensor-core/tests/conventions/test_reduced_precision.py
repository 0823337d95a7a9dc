"""What type a kernel is given for half precision: float32, unless it says that it takes its own."""

import numpy as np
import pytest

import lamella_core as core
from lamella_core.dispatch import backends, override_kernel


@pytest.mark.parametrize("itself", [False, True])
@pytest.mark.parametrize("name", ["softmax", "sigmoid"])
def test_a_kernel_says_that_it_computes_half_precision(name, itself, monkeypatch):
    seen = []

    def override(below):
        def kernel(input, *more):
            seen.append(input.dtype)
            return np.zeros_like(input)

        if itself:
            kernel.reduced_precision = True
        return kernel

    monkeypatch.setattr(backends["cpu"], "overrides", dict(backends["cpu"].overrides))
    override_kernel(name, override, "cpu")
    more = (0,) if name == "softmax" else ()
    function = core.dispatch.ops[name].function
    try:
        found = function(core.ones(3, dtype=core.float16), *more)
    finally:
        backends["cpu"].overrides.pop(name)
        core.dispatch.ops[name].table.clear()
    assert found.dtype is core.float16
    assert seen == [np.dtype(np.float16 if itself else np.float32)]
