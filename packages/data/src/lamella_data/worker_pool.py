"""The worker processes of a loader: started, talked to, watched and ended."""

from __future__ import annotations

import _thread
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import connection
from typing import Any

from lamella_data import transport
from lamella_data.segments import Borrower
from lamella_data.worker import WorkerTask, run_worker

# Where a dead process is not announced (a child of its own holds its sentinel), it is noticed
# after so many seconds.
_WATCH_SECONDS = 2.0
# How long a worker may take to end its current batch when it is told to stop.
GRACE_SECONDS = 5.0
# By then a finalizer that has just been interrupted is over.
_FINALIZER_SECONDS = 0.05


class WorkerPool:
    """Processes that each run :func:`~lamella_data.worker.run_worker`.

    Args:
        context: the multiprocessing context to start them with.
        num_workers: how many.
        timeout: the longest wait for a message, in seconds; 0 for no limit.
        resumed: the state of each worker of the run that is resumed.
        base_seed, dataset, batched, collate_fn, drop_last, init_fn: see
            :class:`~lamella_data.worker.WorkerTask`.
    """

    def __init__(
        self,
        context: Any,
        num_workers: int,
        timeout: float,
        *,
        base_seed: int,
        dataset: Any,
        batched: bool,
        collate_fn: Callable[[Any], Any],
        drop_last: bool,
        init_fn: Callable[[int], Any] | None,
        resumed: Sequence[Mapping[str, Any] | None] | None = None,
    ) -> None:
        self._owner = os.getpid()
        self._timeout = timeout
        self._processes: list[Any] = []
        self._connections: list[Any] = []
        self._borrowers = [Borrower() for _ in range(num_workers)]
        self._open = True
        forks = context.get_start_method() == "fork"
        waiting: list[tuple[Any, Any, Any, Any]] = []
        try:
            for worker_id in range(num_workers):
                ours, theirs = context.Pipe(duplex=True)
                self._connections.append(ours)
                task = WorkerTask(
                    worker_id=worker_id,
                    num_workers=num_workers,
                    base_seed=base_seed,
                    dataset=dataset,
                    batched=batched,
                    collate_fn=collate_fn,
                    drop_last=drop_last,
                    init_fn=init_fn,
                    inherited=tuple(self._connections) if forks else (),
                    resumed=None if resumed is None else resumed[worker_id],
                )
                given = task if forks else transport.Parcel(task)
                process = context.Process(target=run_worker, args=(given, theirs), daemon=True)
                self._processes.append(process)
                if forks:
                    _start(process, theirs)
                else:
                    waiting.append((process, theirs, given, ours))
            if waiting:
                _start_side_by_side(waiting)
        except BaseException:
            self._processes = [process for process in self._processes if process.pid is not None]
            self.shutdown(grace=0.0)
            raise
        self._awaited: list[Any] = [
            *self._connections,
            *(process.sentinel for process in self._processes),
        ]

    @property
    def is_open(self) -> bool:
        """Whether there are workers to talk to, in this process."""
        return self._open and os.getpid() == self._owner

    def send(self, worker_id: int, message: Any) -> None:
        """Send to one worker. A worker that is gone is reported by :meth:`receive`."""
        try:
            done = self._borrowers[worker_id].done()
            transport.send(self._connections[worker_id], (done, message))
        except (BrokenPipeError, ConnectionResetError):
            return

    def receive(self, timeout: float | None = None) -> list[Any]:
        """Wait for messages; returns one from each worker that has one.

        Args:
            timeout: another one than the pool's.

        Raises:
            RuntimeError: a worker has died, or the time is up.
        """
        timeout = self._timeout if timeout is None else timeout
        deadline = time.monotonic() + timeout if timeout > 0 else None
        while True:
            pause = _WATCH_SECONDS
            if deadline is not None:
                pause = min(pause, max(0.0, deadline - time.monotonic()))
            messages = []
            gone = []
            ready: list[Any] = connection.wait(self._awaited, pause)
            for source in ready:
                if isinstance(source, int):
                    continue
                worker_id = self._connections.index(source)
                try:
                    messages.append(transport.receive(source, self._borrowers[worker_id]))
                except (EOFError, OSError):
                    gone.append(self._processes[worker_id])
            if messages:
                return messages
            for process in gone:
                process.join(_WATCH_SECONDS)
            dead = [
                process for process in self._processes if process in gone or not process.is_alive()
            ]
            if dead:
                raise RuntimeError(_death_notice(dead))
            if deadline is not None and time.monotonic() >= deadline:
                raise RuntimeError(
                    f"DataLoader timed out after {timeout} seconds without a batch from its workers"
                )

    def finalize(self) -> None:
        """End all workers when the last who might ask for a batch has gone."""
        with interrupts_kept():
            self.shutdown()

    def shutdown(self, grace: float = GRACE_SECONDS) -> None:
        """End all workers: by request, after ``grace`` seconds by force. May be called again."""
        if not self.is_open:
            return
        self._open = False
        try:
            for pipe in self._connections:
                try:
                    transport.send(pipe, (([], []), None))
                except OSError:
                    pass  # It is gone already.
                pipe.close()
            deadline = time.monotonic() + grace
            for process in self._processes:
                process.join(max(0.0, deadline - time.monotonic()))
        finally:
            self._force()

    def _force(self) -> None:
        for process in self._processes:
            if process.is_alive():
                process.terminate()
        for process in self._processes:
            process.join(1.0)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()


@contextmanager
def interrupts_kept() -> Iterator[None]:
    """A block in a finalizer, where Python drops exceptions: an interrupt ends the block and comes
    again when the finalizer is over."""
    try:
        yield
    except KeyboardInterrupt:
        timer = threading.Timer(_FINALIZER_SECONDS, _interrupt)
        timer.daemon = True
        timer.start()


def _interrupt() -> None:
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, signal.SIGINT)
    else:
        _thread.interrupt_main()


def _start(process: Any, theirs: Any) -> None:
    try:
        process.start()
    finally:
        theirs.close()


def _start_side_by_side(workers: Sequence[tuple[Any, Any, Any, Any]]) -> None:
    """Start processes that are not forked: each one reads its task when its imports are done, and
    a large one holds its writer up until then."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(len(workers), os.cpu_count() or 1)) as threads:
        list(threads.map(_start_and_send, *zip(*workers, strict=True)))


def _start_and_send(process: Any, theirs: Any, parcel: transport.Parcel, ours: Any) -> None:
    _start(process, theirs)
    try:
        parcel.send(ours)
    except (BrokenPipeError, ConnectionResetError):
        # It has died, which the first wait for a message finds out.
        return


def _death_notice(dead: list[Any]) -> str:
    pids = ", ".join(str(process.pid) for process in dead)
    ends = []
    for process in dead:
        code = process.exitcode
        if code is not None and code < 0:
            ends.append(f"{process.pid} was ended by signal {-code}")
        else:
            ends.append(f"{process.pid} ended with exit code {code}")
    hint = ""
    if any(process.exitcode == -9 for process in dead):
        hint = "; signal 9 is often the system's answer to a lack of memory"
    return f"DataLoader worker (pid(s) {pids}) exited unexpectedly: {', '.join(ends)}{hint}"
