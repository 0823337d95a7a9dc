"""The sharing strategy ``file_system``: memory with names, which are gone when it is."""

from __future__ import annotations

import gc
import glob
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

import lamella_core as core
from lamella import _shared_files, multiprocessing

pytestmark = pytest.mark.skipif(os.name != "posix", reason="names outlive no map elsewhere")


@pytest.fixture
def before() -> Iterator[set[str]]:
    gc.collect()
    multiprocessing.set_sharing_strategy("file_system")
    yield names()
    multiprocessing.set_sharing_strategy("file_descriptor")


def names() -> set[str]:
    return set(glob.glob(os.path.join(_shared_files._FOLDER, f"lamella_{os.getpid()}_*")))


def pass_on(requests, answers):
    tensor = requests.get()
    part = requests.get()
    tensor += 1
    answers.put((part.tolist(), part.untyped_storage() is tensor.untyped_storage()))
    answers.put(part)
    requests.get()


def many(answers):
    for i in range(20):
        answers.put(core.full((3,), float(i)))


def test_a_queue_sends_names_there_and_back(before):
    context = multiprocessing.get_context("fork")
    requests, answers = context.Queue(), context.Queue()
    process = context.Process(target=pass_on, args=(requests, answers))
    process.start()
    tensor = core.arange(4.0)
    requests.put(tensor)
    requests.put(tensor[1:3])
    assert answers.get(timeout=60) == ([2.0, 3.0], True)
    back = answers.get(timeout=60)
    requests.put(None)
    process.join()
    assert process.exitcode == 0 and tensor.tolist() == [1.0, 2.0, 3.0, 4.0]
    back[0] = 9
    # The memory that was sent comes back as this process knows it.
    assert back.untyped_storage() is tensor.untyped_storage()
    assert tensor.tolist() == [1.0, 9.0, 3.0, 4.0]
    del tensor, back
    gc.collect()
    assert names() <= before


def test_a_new_interpreter_takes_names(before):
    tensor = core.arange(4.0)
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=core.fill_, args=(tensor[1:3], 7))
    process.start()
    process.join()
    assert tensor.tolist() == [0.0, 7.0, 7.0, 3.0]


def test_what_a_process_sent_outlives_it(before):
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    process = context.Process(target=many, args=(answers,))
    process.start()
    process.join()
    for i in range(20):
        assert answers.get(timeout=60).tolist() == [float(i)] * 3


def test_a_name_ends_with_its_map_and_forks_leave_it(before):
    tensor = core.ones(3).share_memory_()
    assert tensor.is_shared() and len(names() - before) == 1
    pid = os.fork()
    if pid == 0:
        tensor.add_(1)
        del tensor
        gc.collect()
        os._exit(0)
    os.waitpid(pid, 0)
    assert len(names() - before) == 1 and tensor.tolist() == [2.0] * 3
    del tensor
    gc.collect()
    assert names() <= before


def test_names_end_with_the_process_that_holds_the_memory_to_its_end():
    program = (
        "import lamella\n"
        "lamella.multiprocessing.set_sharing_strategy('file_system')\n"
        "context = lamella.multiprocessing.get_context('spawn')\n"
        "process = context.Process(target=lamella.fill_, args=(lamella.ones(3), 7))\n"
        "process.start()\n"
        "process.join()\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    # The resource tracker would tell of a name that it had to remove.
    assert not ended.stderr


def test_memory_that_has_no_name_is_sent_as_before(before):
    multiprocessing.set_sharing_strategy("file_descriptor")
    tensor = core.zeros(3).share_memory_()
    multiprocessing.set_sharing_strategy("file_system")
    context = multiprocessing.get_context("fork")
    process = context.Process(target=core.fill_, args=(tensor, 7))
    process.start()
    process.join()
    assert names() <= before and tensor.tolist() == [7.0] * 3
    assert core.zeros(0).share_memory_().numel() == 0
