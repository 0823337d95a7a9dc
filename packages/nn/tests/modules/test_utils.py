"""Helpers for modules of users."""

from __future__ import annotations

import lamella_nn as nn
from lamella_nn.modules.utils import (
    _pair,
    _triple,
    consume_prefix_in_state_dict_if_present,
)


def test_options_by_dimension():
    assert _pair(3) == (3, 3)
    assert _triple([1, 2, 3]) == (1, 2, 3)


def test_a_wrapped_modules_state_fits_the_module():
    wrapper = nn.Module()
    wrapper.module = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 2))
    state = wrapper.state_dict()
    consume_prefix_in_state_dict_if_present(state, "module.")
    assert list(state) == list(wrapper.module.state_dict())
    assert state._metadata == wrapper.module.state_dict()._metadata
    wrapper.module.load_state_dict(state)
