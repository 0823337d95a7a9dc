"""PyTorch 2.13 gives some warnings once a process, or each time where that is asked for."""

from __future__ import annotations

import warnings

import pytest

import lamella as torch
from lamella_core import warning


def _count() -> int:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            torch.tensor([1j]).float()
    return len(caught)


def test_each_time_or_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warning, "told", set())
    assert not torch.is_warn_always_enabled() and _count() == 1
    torch.set_warn_always(True)
    assert torch.is_warn_always_enabled() and _count() == 3
    torch.set_warn_always(False)
    assert not torch.is_warn_always_enabled() and _count() == 1 and _count() == 0
    with pytest.raises(RuntimeError, match="bool"):
        torch.set_warn_always(1)
