from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import lamella_core as core
from lamella_data import DataLoader, Dataset, TensorDataset

pytestmark = pytest.mark.usefixtures("nothing_left")


class Scripted(Dataset):
    """Sample 3 does what it is told; all others are their index."""

    def __init__(self, action) -> None:
        self.action = action

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index):
        return self.action(index) if index == 3 else index


def kill(index):
    os.kill(os.getpid(), signal.SIGKILL)


def leave(index):
    raise SystemExit(3)


def fail(index):
    raise ValueError(f"sample {index} is bad")


def sleep(index):
    time.sleep(60)


@pytest.mark.parametrize("in_order", [True, False])
def test_a_killed_worker_ends_the_loop(in_order) -> None:
    with pytest.raises(
        RuntimeError, match=r"worker \(pid\(s\) \d+\) exited unexpectedly.*signal 9"
    ):
        list(DataLoader(Scripted(kill), num_workers=2, in_order=in_order))


def test_a_worker_that_exits_ends_the_loop() -> None:
    with pytest.raises(RuntimeError, match="exited unexpectedly.*exit code 3"):
        list(DataLoader(Scripted(leave), num_workers=2))


def test_batches_before_the_death_arrive_and_it_stays_an_error() -> None:
    iterator = iter(DataLoader(Scripted(kill), batch_size=None, num_workers=1))
    assert [next(iterator) for _ in range(3)] == [0, 1, 2]
    for _ in range(2):
        with pytest.raises(RuntimeError, match="exited unexpectedly"):
            next(iterator)


def test_a_worker_killed_from_outside_is_noticed_at_once() -> None:
    iterator = iter(DataLoader(Scripted(sleep), batch_size=None, num_workers=1))
    assert [next(iterator) for _ in range(3)] == [0, 1, 2]
    (worker,) = multiprocessing.active_children()
    threading.Timer(0.2, worker.kill).start()
    start = time.monotonic()
    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        list(iterator)
    # Without watching, the wait would be that for the sample, a minute.
    assert time.monotonic() - start < 1.5


def test_a_worker_killed_while_it_sends_ends_the_loop() -> None:
    iterator = iter(DataLoader([bytes(30_000_000)], batch_size=None, num_workers=1))
    # More than a pipe holds: it waits for the loader with a part of it sent.
    assert iterator._pool._connections[0].poll(30)
    (worker,) = multiprocessing.active_children()
    worker.kill()
    worker.join()
    with pytest.raises(RuntimeError, match="exited unexpectedly.*signal 9"):
        next(iterator)


DYING = """
    import os

    if __name__ == "__mp_main__":
        os._exit(3)

    from lamella_data import DataLoader

    if __name__ == "__main__":
        loader = DataLoader([bytes(10**7)], num_workers=2, multiprocessing_context="spawn")
        try:
            list(loader)
        except RuntimeError as error:
            print(error)
"""


def test_a_spawned_worker_that_dies_before_it_has_its_task_ends_the_loop(tmp_path) -> None:
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(DYING))
    # It would wait for ever.
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=True
    )
    assert "exited unexpectedly" in done.stdout
    assert "ended with exit code 3" in done.stdout


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_what_only_a_process_that_is_being_started_can_be_given(method) -> None:
    dataset = TensorDataset(core.arange(5))
    dataset.lock = multiprocessing.get_context(method).Lock()
    loader = DataLoader(dataset, None, num_workers=2, multiprocessing_context=method)
    assert [one.item() for (one,) in loader] == list(range(5))


def test_an_error_has_the_workers_traceback_and_the_loop_can_go_on() -> None:
    iterator = iter(DataLoader(Scripted(fail), batch_size=None, num_workers=2))
    assert [next(iterator) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(
        ValueError, match="Caught ValueError in DataLoader worker process 1"
    ) as info:
        next(iterator)
    assert "in fail" in str(info.value)
    assert "sample 3 is bad" in str(info.value)
    assert list(iterator) == [4, 5, 6, 7]


def test_results_that_cannot_be_pickled_are_reported() -> None:
    with pytest.raises(Exception, match=r"in DataLoader worker process 0") as info:
        list(DataLoader([lambda: 0], batch_size=None, num_workers=1))
    assert "pickle" in str(info.value)


def test_timeout() -> None:
    loader = DataLoader(Scripted(sleep), num_workers=1, timeout=0.3)
    with pytest.raises(RuntimeError, match=r"timed out after 0\.3 seconds"):
        list(loader)


def test_an_abandoned_iterator_leaves_nothing() -> None:
    iterator = iter(DataLoader(range(100), num_workers=2))
    next(iterator)
    assert len(multiprocessing.active_children()) == 2
    del iterator
    gc.collect()
    assert multiprocessing.active_children() == []


def test_an_interrupt_while_an_iterator_is_abandoned_is_not_lost() -> None:
    def slow(batch):
        time.sleep(1.5)
        return batch

    iterator = iter(DataLoader(range(100), num_workers=1, collate_fn=slow))
    next(iterator)
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        # The worker is at its second batch, which it is given time to end.
        del iterator
        time.sleep(30)
    assert multiprocessing.active_children() == []


def test_large_requests_and_answers_at_once() -> None:
    keys = [list(range(i, i + 60_000)) for i in range(4)]
    loader = DataLoader(
        range(70_000), batch_sampler=keys, num_workers=1, collate_fn=list, prefetch_factor=4
    )
    assert list(loader) == keys


def test_many_kept_batches() -> None:
    data = [np.full(5000, i) for i in range(60)]
    kept = list(DataLoader(data, num_workers=2))
    assert [int(batch[0, 0]) for batch in kept] == list(range(60))


def test_open_descriptors_stay_the_same_over_hundreds_of_batches() -> None:
    def descriptors(pid: int | str) -> int:
        return len(os.listdir(f"/proc/{pid}/fd"))

    loader = DataLoader(Arrays(), 2, num_workers=2)
    counts = []
    for number, _ in enumerate(loader):
        if number % 40 == 20:
            pids = sorted(child.pid for child in multiprocessing.active_children())
            counts.append([descriptors(pid) for pid in ("self", *pids)])
    assert len(counts) == 8
    ours, *workers = zip(*counts, strict=True)
    assert len(set(ours)) == 1
    # A worker holds one more while it hands a new piece of shared memory over.
    assert all(max(column) - min(column) <= 1 for column in workers)


class Arrays(Dataset):
    def __len__(self) -> int:
        return 640

    def __getitem__(self, index):
        return core.full((100, 100), index), index


def test_kept_batches_are_not_written_over() -> None:
    kept = [(images, labels) for images, labels in DataLoader(Arrays(), 4, num_workers=2)]
    assert len(kept) == 160
    for images, labels in kept:
        assert (images[:, 0, 0] == labels).all()
        assert (images[:, 99, 99] == labels).all()


def test_batches_kept_for_a_while_are_not_written_over() -> None:
    window = []
    for images, labels in DataLoader(Arrays(), 4, num_workers=2):
        window.append((images[:, 50], labels))
        if len(window) > 5:
            rows, numbers = window.pop(0)
            assert (rows == numbers[:, None]).all()


class Products(Dataset):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index):
        matrix = core.ones(300, 300)
        return (matrix @ matrix)[0, 0].item(), core.get_num_threads()


def test_workers_fork_after_a_parallel_kernel_and_run_single_threaded() -> None:
    threads = core.get_num_threads()
    core.set_num_threads(2)
    try:
        matrix = core.ones(600, 600)
        assert (matrix @ matrix)[0, 0].item() == 600
        loader = DataLoader(Products(), None, num_workers=2, timeout=30)
        assert [tuple(one) for one in loader] == [(300.0, 1)] * 4
        assert (matrix @ matrix)[0, 0].item() == 600
    finally:
        core.set_num_threads(threads)


PROGRAM = """
    import multiprocessing, sys, time
    import numpy as np
    from lamella_data import DataLoader

    def slow(batch):
        time.sleep(0.05)
        return np.zeros(10_000)

    if __name__ == "__main__":
        for batch in DataLoader(range(10_000), num_workers=2, collate_fn=slow):
            pids = [child.pid for child in multiprocessing.active_children()]
            print(*pids, flush=True)
            {then}
"""


@pytest.mark.parametrize(
    ("then", "ending"),
    [("", signal.SIGINT), ("", signal.SIGKILL), ("sys.exit(0)", None)],
    ids=["interrupt", "kill", "exit"],
)
def test_no_process_outlives_the_loader(tmp_path, then, ending) -> None:
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(PROGRAM).format(then=then))
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    pids = [int(pid) for pid in process.stdout.readline().split()]
    assert len(pids) == 2
    if ending == signal.SIGINT:
        os.killpg(process.pid, ending)
    elif ending is not None:
        process.send_signal(ending)
    _, errors = process.communicate(timeout=20)
    deadline = time.monotonic() + 20
    while any(_runs(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(_runs(pid) for pid in pids)
    assert "resource_tracker" not in errors
    assert "Exception ignored" not in errors
    if ending == signal.SIGINT:
        assert errors.count("KeyboardInterrupt") == 1


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_workers_that_are_sent_more_than_a_pipe_holds(method) -> None:
    dataset = TensorDataset(core.arange(60_000))
    loader = DataLoader(dataset, 10_000, num_workers=2, multiprocessing_context=method)
    assert [batch[0].item() for (batch,) in loader] == list(range(0, 60_000, 10_000))


def test_what_cannot_be_sent_to_spawned_workers_leaves_no_process() -> None:
    dataset = Scripted(lambda index: index)
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError), match="lambda"):
        iter(DataLoader(dataset, num_workers=2, multiprocessing_context="spawn"))
    assert not multiprocessing.active_children()
