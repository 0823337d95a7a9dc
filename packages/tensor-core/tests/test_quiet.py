"""Floating-point events pass without a warning."""

from __future__ import annotations

import warnings

import lamella_core as core


def test_floating_point_events_are_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zero = core.zeros(1)
        assert (zero / zero).isnan().item()
        assert core.tensor([-1.0]).log().isnan().item()
