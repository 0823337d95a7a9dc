"""How a library asks a tensor for its namespace."""

from __future__ import annotations

import pytest

import lamella_array_api as xp
import lamella_core as lc


def test_a_tensor_gives_the_namespace() -> None:
    assert lc.ones(2).__array_namespace__() is xp
    assert lc.ones(2).__array_namespace__(api_version="2024.12") is xp
    assert xp.__array_api_version__ == "2024.12"
    with pytest.raises(ValueError, match="1999"):
        lc.ones(2).__array_namespace__(api_version="1999")
