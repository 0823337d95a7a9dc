"""Runs each op in a process of its own, so that a crash or a hang ends that op and no other."""

from __future__ import annotations

import dataclasses
import math
import multiprocessing
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

# The child inherits the imported database; starting Python anew for each op would take seconds.
FORK = multiprocessing.get_context("fork")


@dataclasses.dataclass(frozen=True, slots=True)
class Lost:
    """What became of an item without a result; ``check`` is "crash" or "timeout"."""

    check: str
    message: str


def _work(func: Callable[[Any], Any], item: Any, sender: Connection) -> None:
    try:
        answer: Any = func(item)
    except Exception as error:
        answer = Lost("crash", f"the harness raised {type(error).__name__}: {error}")
    sender.send(answer)
    sender.close()


def run_each(
    func: Callable[[Any], Any], items: list[Any], jobs: int, timeout: float
) -> Iterator[tuple[int, Any]]:
    """Yields (index, result) as they come; a result is ``func(item)`` or an instance of Lost."""
    waiting = list(reversed(list(enumerate(items))))
    running: dict[Any, tuple[int, BaseProcess, float]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                index, item = waiting.pop()
                receiver, sender = FORK.Pipe(duplex=False)
                process: BaseProcess = FORK.Process(
                    target=_work, args=(func, item, sender), daemon=True
                )
                process.start()
                sender.close()
                running[receiver] = (index, process, time.monotonic() + timeout)
            next_deadline = min(deadline for _, _, deadline in running.values())
            ready: list[Any] = wait(
                list(running), timeout=max(0.0, next_deadline - time.monotonic())
            )
            for receiver in ready:
                index, process, _ = running.pop(receiver)
                yield index, _receive(receiver, process)
            now = time.monotonic()
            for receiver, (index, process, deadline) in list(running.items()):
                if now >= deadline:
                    del running[receiver]
                    process.kill()
                    process.join()
                    receiver.close()
                    yield index, Lost("timeout", f"no result after {timeout:g} s")
    finally:
        for _, process, _ in running.values():
            process.kill()


def _receive(receiver: Connection, process: BaseProcess) -> Any:
    try:
        return receiver.recv()
    except EOFError:
        process.join()
        return Lost("crash", f"the process ended with exit code {process.exitcode}")
    finally:
        receiver.close()
        process.join()


def run_shared(
    func: Callable[[Any], Any], items: list[Any], jobs: int, timeout: float
) -> Iterator[tuple[int, Any]]:
    """As ``run_each``, but a process goes on to the next item until one crashes it or hangs."""
    queue = FORK.SimpleQueue()
    for index in range(len(items)):
        queue.put(index)
    for _ in range(jobs):
        queue.put(None)
    running: dict[Any, tuple[BaseProcess, list[Any]]] = {}

    def start() -> None:
        receiver, sender = FORK.Pipe(duplex=False)
        process: BaseProcess = FORK.Process(
            target=_work_on, args=(func, items, queue, sender), daemon=True
        )
        process.start()
        sender.close()
        running[receiver] = process, [None, math.inf]

    for _ in range(jobs):
        start()
    while running:
        ready: list[Any] = wait(list(running), timeout=1.0)
        for receiver in ready:
            process, state = running[receiver]
            try:
                index, answer = receiver.recv()
            except EOFError:
                process.join()
                del running[receiver]
                if state[0] is not None:
                    yield state[0], Lost("crash", f"the process ended with {process.exitcode}")
                    start()
                continue
            if answer == _STARTED:
                state[:] = index, time.monotonic() + timeout
            else:
                state[:] = None, math.inf
                yield index, answer
        for receiver, (process, (index, deadline)) in list(running.items()):
            if time.monotonic() >= deadline:
                del running[receiver]
                process.kill()
                process.join()
                yield index, Lost("timeout", f"no result after {timeout:g} s")
                start()


_STARTED = "started"


def _work_on(func: Callable[[Any], Any], items: list[Any], queue: Any, sender: Connection) -> None:
    while (index := queue.get()) is not None:
        sender.send((index, _STARTED))
        try:
            answer: Any = func(items[index])
        except Exception as error:
            answer = Lost("crash", f"the harness raised {type(error).__name__}: {error}")
        sender.send((index, answer))
