"""Limits of number types; the texts are those that PyTorch 2.13 prints."""

from __future__ import annotations

import pytest

import lamella_core as core


@pytest.mark.parametrize(
    ("info", "text"),
    [
        (
            core.finfo(core.float16),
            "finfo(resolution=0.001, min=-65504, max=65504, eps=0.000976562, "
            "smallest_normal=6.10352e-05, tiny=6.10352e-05, dtype=float16)",
        ),
        (
            core.finfo(core.bfloat16),
            "finfo(resolution=0.01, min=-3.38953e+38, max=3.38953e+38, eps=0.0078125, "
            "smallest_normal=1.17549e-38, tiny=1.17549e-38, dtype=bfloat16)",
        ),
        (
            core.finfo(core.complex64),
            "finfo(resolution=1e-06, min=-3.40282e+38, max=3.40282e+38, eps=1.19209e-07, "
            "smallest_normal=1.17549e-38, tiny=1.17549e-38, dtype=float32)",
        ),
        (
            core.finfo(core.float64),
            "finfo(resolution=1e-15, min=-1.79769e+308, max=1.79769e+308, eps=2.22045e-16, "
            "smallest_normal=2.22507e-308, tiny=2.22507e-308, dtype=float64)",
        ),
        (core.iinfo(core.uint8), "iinfo(min=0, max=255, dtype=uint8)"),
        (core.iinfo(core.int64), "iinfo(min=-9.22337e+18, max=9.22337e+18, dtype=int64)"),
    ],
)
def test_limits(info, text):
    assert repr(info) == text


def test_default_and_exact_numbers():
    assert core.finfo() == core.finfo(core.float32) and core.finfo().bits == 32
    assert core.iinfo(core.int64).max == 2**63 - 1 and core.iinfo(core.int8).bits == 8
    assert core.finfo(core.bfloat16).smallest_normal == 2.0**-126


@pytest.mark.parametrize(
    ("make", "kind"),
    [(core.finfo, core.int32), (core.iinfo, core.float32), (core.iinfo, core.bool)],
)
def test_other_kinds(make, kind):
    with pytest.raises(TypeError):
        make(kind)
