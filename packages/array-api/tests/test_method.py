"""How a library asks a tensor for its namespace."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import pytest

import lamella_array_api as xp
import lamella_core as lc


def test_a_tensor_gives_the_namespace() -> None:
    assert lc.ones(2).__array_namespace__() is xp
    assert lc.ones(2).__array_namespace__(api_version="2024.12") is xp
    assert xp.__array_api_version__ == "2024.12"
    with pytest.raises(ValueError, match="1999"):
        lc.ones(2).__array_namespace__(api_version="1999")


def test_the_core_finds_the_namespace_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = metadata.EntryPoint("array_api", "lamella_array_api", "lamella.array_api")

    def installed(group: str) -> list[Any]:
        return [entry] if group == "lamella.array_api" else []

    monkeypatch.setattr(metadata, "entry_points", installed)
    assert lc.array_api is xp
    monkeypatch.setattr(metadata, "entry_points", lambda group: [])
    with pytest.raises(AttributeError, match="lamella-array-api"):
        lc.array_api  # noqa: B018
