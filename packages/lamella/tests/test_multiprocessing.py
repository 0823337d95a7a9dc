"""Tensors sent to other processes."""

from __future__ import annotations

import os

import pytest

import lamella_core as core
from lamella import multiprocessing


def add_and_answer(requests, answers):
    whole = requests.get()
    part = requests.get()
    whole += 1
    answers.put((part.tolist(), part.untyped_storage() is whole.untyped_storage()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_queue_sends_shared_memory():
    context = multiprocessing.get_context("fork")
    requests, answers = context.Queue(), context.Queue()
    process = context.Process(target=add_and_answer, args=(requests, answers))
    process.start()
    tensor = core.arange(4.0)
    part = tensor[1:3]
    requests.put(tensor)
    requests.put(part)
    assert answers.get(timeout=60) == ([2.0, 3.0], True)
    process.join()
    assert tensor.tolist() == [1.0, 2.0, 3.0, 4.0] and part.tolist() == [2.0, 3.0]


def test_the_arguments_of_a_new_process_are_shared():
    tensor = core.arange(4.0)
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=core.fill_, args=(tensor[1:3], 7))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert tensor.tolist() == [0.0, 7.0, 7.0, 3.0]


def test_the_sharing_strategy():
    assert multiprocessing.get_all_sharing_strategies() == {"file_descriptor", "file_system"}
    for strategy in ("file_system", "file_descriptor"):
        multiprocessing.set_sharing_strategy(strategy)
        assert multiprocessing.get_sharing_strategy() == strategy
    with pytest.raises(ValueError, match="file_descriptor, file_system"):
        multiprocessing.set_sharing_strategy("other")
