"""Runs each op in a process of its own, so that a crash or a hang ends that op and no other."""

from __future__ import annotations

import dataclasses
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
