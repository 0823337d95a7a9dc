"""Several processes that run one function."""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from operator import setitem

import pytest

import lamella_core as core
from lamella import multiprocessing


def fill(index, shared, first):
    shared[index] = first + index


def fail(index):
    if index == 1:
        raise ValueError("what went wrong " + "x" * 200_000)
    time.sleep(60)


def leave(index):
    if index == 0:
        os._exit(3)
    time.sleep(60)


def end_itself(index):
    os.kill(os.getpid(), signal.SIGTERM)


def test_processes_share_their_arguments():
    shared = core.zeros(3)
    # A spawned process imports what it runs, which this file is not for it.
    assert multiprocessing.spawn(partial(setitem, shared), args=(7,), nprocs=2) is None
    assert shared.tolist() == [7.0, 7.0, 0.0]


def test_without_joining():
    shared = core.zeros(2).share_memory_()
    started = multiprocessing.start_processes(
        fill, args=(shared, 1), nprocs=2, join=False, start_method="fork"
    )
    assert len(set(started.pids())) == 2
    while not started.join(timeout=10):
        pass
    assert started.join() and shared.tolist() == [1.0, 2.0]


def test_an_exception_is_told_and_the_others_are_stopped():
    before = time.monotonic()
    with pytest.raises(multiprocessing.ProcessRaisedException) as caught:
        multiprocessing.start_processes(fail, nprocs=2, start_method="fork")
    assert time.monotonic() - before < 30
    text = str(caught.value)
    assert text.startswith("\n\n-- Process 1 terminated with the following error:\nTraceback")
    assert "ValueError: what went wrong" in text and caught.value.error_index == 1


def test_an_exit_code_is_told():
    with pytest.raises(multiprocessing.ProcessExitedException, match="with exit code 3") as caught:
        multiprocessing.start_processes(leave, nprocs=2, start_method="fork")
    assert caught.value.exit_code == 3 and caught.value.signal_name is None


def test_a_signal_is_told():
    with pytest.raises(multiprocessing.ProcessExitedException, match="signal SIGTERM") as caught:
        multiprocessing.start_processes(end_itself, start_method="fork")
    assert caught.value.signal_name == "SIGTERM" and caught.value.error_index == 0
