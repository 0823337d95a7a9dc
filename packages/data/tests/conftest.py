from __future__ import annotations

import gc
import multiprocessing
import os
import time
from collections.abc import Iterator
from multiprocessing import forkserver, resource_tracker

import pytest


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture(scope="session")
def python_helpers() -> None:
    """Python's own helper processes: each holds descriptors for as long as this process lives."""
    resource_tracker.ensure_running()
    forkserver.ensure_running()


@pytest.fixture
def nothing_left(python_helpers: None) -> Iterator[None]:
    """Fails where a test leaves a process, a file descriptor or a named shared segment behind."""
    gc.collect()
    segments = set(os.listdir("/dev/shm"))
    before = open_descriptors()
    yield
    gc.collect()
    deadline = time.monotonic() + 10
    # Other programs on the machine have segments too, which come and go.
    while time.monotonic() < deadline and (
        multiprocessing.active_children() or set(os.listdir("/dev/shm")) - segments
    ):
        time.sleep(0.01)
    assert multiprocessing.active_children() == []
    assert open_descriptors() == before
    assert set(os.listdir("/dev/shm")) <= segments
