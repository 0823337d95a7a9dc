"""What the tests of several packages share: the memory that a call needs."""

from __future__ import annotations

import tracemalloc

import pytest


class Peak:
    """``with peak:`` sets ``peak.most``, the most memory that was in use at once, in bytes."""

    most = 0

    def __enter__(self) -> None:
        tracemalloc.start()

    def __exit__(self, *exc: object) -> None:
        self.most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()


@pytest.fixture
def peak() -> Peak:
    return Peak()
