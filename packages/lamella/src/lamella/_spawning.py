"""Several processes that run one function, watched together: ``multiprocessing.spawn``."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import time
import traceback
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.process import BaseProcess


class ProcessException(Exception):
    """One of several processes failed.

    Args:
        msg: the text.
        error_index: which of the processes, from 0.
        pid: its number in the system.
    """

    def __init__(self, msg: str, error_index: int, pid: int | None) -> None:
        super().__init__(msg)
        self.msg = msg
        self.error_index = error_index
        self.pid = pid


class ProcessRaisedException(ProcessException):
    """The function raised in one of the processes; the text has that process's traceback."""


class ProcessExitedException(ProcessException):
    """One of the processes ended by itself or by a signal.

    Args:
        exit_code: negative, where a signal ended the process.
        signal_name: that signal's name.
    """

    def __init__(
        self,
        msg: str,
        error_index: int,
        error_pid: int | None,
        exit_code: int,
        signal_name: str | None = None,
    ) -> None:
        super().__init__(msg, error_index, error_pid)
        self.exit_code = exit_code
        self.signal_name = signal_name


def _run(
    function: Callable[..., Any], index: int, args: tuple[Any, ...], errors: Connection
) -> None:
    try:
        function(index, *args)
    except KeyboardInterrupt:
        pass  # The parent was interrupted as well, and tells of it.
    except Exception:
        errors.send(traceback.format_exc())
        sys.exit(1)


class ProcessContext:
    """Processes that :func:`start_processes` started."""

    def __init__(self, processes: list[BaseProcess], errors: list[Connection]) -> None:
        self.processes = processes
        self._errors = errors
        self._running = set(range(len(processes)))

    def pids(self) -> list[int | None]:
        """The processes' numbers in the system."""
        return [process.pid for process in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Waits until a process ends, and stops all others if it failed.

        Args:
            timeout: the longest time to wait, in seconds.
            grace_period: how long the others have to stop before they are killed; 30 s by default.

        Returns:
            Whether all have ended, and ended well; if not, call again.

        Raises:
            ProcessRaisedException: the function raised in a process.
            ProcessExitedException: a process ended with another code than 0.
        """
        if not self._running:
            return True
        watched: list[Any] = [self.processes[index].sentinel for index in self._running]
        # A long traceback fills the pipe, and its sender does not end before it is read.
        watched += [self._errors[index] for index in self._running]
        ready = wait(watched, timeout)
        for index in sorted(self._running):
            process, errors = self.processes[index], self._errors[index]
            if process.sentinel not in ready and errors not in ready:
                continue
            text = _received(errors)
            process.join()
            self._running.discard(index)
            if process.exitcode:
                self._stop(30.0 if grace_period is None else grace_period)
                raise _failure(index, process, text)
        return not self._running

    def _stop(self, grace_period: float) -> None:
        left = [self.processes[index] for index in self._running]
        self._running.clear()
        for process in left:
            process.terminate()
        end = time.monotonic() + grace_period
        for process in left:
            process.join(max(0.0, end - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()


def _received(errors: Connection) -> str | None:
    try:
        return errors.recv() if errors.poll() else None
    except EOFError:
        return None


def _failure(index: int, process: BaseProcess, text: str | None) -> ProcessException:
    if text is not None:
        told = f"\n\n-- Process {index} terminated with the following error:\n{text}"
        return ProcessRaisedException(told, index, process.pid)
    code = process.exitcode or 0
    if code >= 0:
        told = f"process {index} terminated with exit code {code}"
        return ProcessExitedException(told, index, process.pid, code)
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"<Unknown signal {-code}>"
    told = f"process {index} terminated with signal {name}"
    return ProcessExitedException(told, index, process.pid, code, name)


def start_processes(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Runs ``fn(index, *args)`` in ``nprocs`` processes, ``index`` from 0.

    Args:
        fn: with ``"spawn"`` it is found by its name, so it stands at the top level of a module.
        args: sent to each process; tensors are shared.
        nprocs: how many.
        join: wait until all have ended.
        daemon: whether they end with this process.
        start_method: ``"spawn"``, ``"fork"`` or ``"forkserver"``.

    Returns:
        Nothing with ``join``; else a :class:`ProcessContext`, whose ``join`` is called until true.

    Raises:
        ProcessRaisedException, ProcessExitedException: with ``join``, where a process failed; the
            others are stopped.
    """
    context = multiprocessing.get_context(start_method)
    processes: list[BaseProcess] = []
    errors = []
    for index in range(nprocs):
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(  # type: ignore[attr-defined]
            target=_run, args=(fn, index, tuple(args), sender), daemon=daemon
        )
        process.start()
        # Held here alone, the child's end would never be seen to close.
        sender.close()
        processes.append(process)
        errors.append(receiver)
    started = ProcessContext(processes, errors)
    if not join:
        return started
    while not started.join():
        pass
    return None


spawn = start_processes
