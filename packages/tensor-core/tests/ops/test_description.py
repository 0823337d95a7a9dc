"""Layout and types of tensors; the facts are those of PyTorch 2.13."""

from __future__ import annotations

import numpy as np

import lamella_core as core


def test_types_that_meet():
    assert core.result_type(1, 2.5) is core.float32
    assert core.result_type(core.ones(1), core.ones(1, dtype=core.float64)) is core.float64
    assert core.result_type(core.ones(1, dtype=core.int8), 300) is core.int8
    assert core.result_type(core.ones(1), np.int64(2)) is core.float32
    assert core.can_cast(core.float64, core.float32)
    assert not core.can_cast(core.float32, core.int32)


def test_layout():
    x = core.ones(2, 3)
    assert x.layout is core.strided and repr(x.layout) == "torch.strided"
    assert not (x.is_sparse or x.is_quantized or x.is_meta or x.is_nested)
    assert x.t().dim_order() == (1, 0)


def test_same_memory_and_size():
    x = core.ones(2, 3)
    assert x.is_set_to(x.view(2, 3)) and not x.is_set_to(x.t()) and not x.is_set_to(x.clone())
    assert x.is_same_size(core.zeros(2, 3)) and not x.is_same_size(x.t())
