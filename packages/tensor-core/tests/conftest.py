"""What tests share: ops that they declare themselves."""

from __future__ import annotations

import pytest

import lamella_core as core
from lamella_core import dispatch
from lamella_core.conventions import pointwise
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


@pytest.fixture
def double_it(forget):
    """An op that no one else declares."""
    forget[0].append("double_it")

    @pointwise()
    def double_it(input: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
        """Twice the input."""

    core.register_kernel("double_it", lambda xp, input: xp.add(input, input))
    return double_it
