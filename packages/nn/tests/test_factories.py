"""Options that modules pass on to functions that make tensors."""

from __future__ import annotations

import pytest

from lamella_nn import factory_kwargs


def test_options_of_both_ways():
    assert factory_kwargs(None) == {}
    assert factory_kwargs({"dtype": 1, "device": 2}) == {"dtype": 1, "device": 2}
    both = {"dtype": 1, "factory_kwargs": {"device": 2}}
    assert factory_kwargs(both) == {"dtype": 1, "device": 2}


def test_errors():
    with pytest.raises(TypeError, match="unexpected kwargs {'bias'}"):
        factory_kwargs({"bias": True})
    with pytest.raises(TypeError, match="dtype specified twice"):
        factory_kwargs({"dtype": 1, "factory_kwargs": {"dtype": 2}})
