"""Functions of the top level that are methods."""

from __future__ import annotations

import lamella_core as lc
from lamella_core.ops import method_names


def test_they_are_the_methods() -> None:
    for name in method_names.__all__:
        assert getattr(lc, name) is getattr(lc.Tensor, name)


def test_they_write_into_the_tensor() -> None:
    x = lc.tensor([-1.0, 4.0])
    assert lc.relu_(x) is x
    assert lc.sqrt_(x).tolist() == [0.0, 2.0]
    assert lc.clamp_(x, max=1.0).tolist() == [0.0, 1.0]
