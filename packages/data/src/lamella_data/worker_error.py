"""Errors that cross from a worker to the loader, with the worker's traceback."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable


class _Text(str):
    """Text whose ``repr`` is itself: KeyError prints the repr of its argument, and with it the
    line ends of a traceback would be lost."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class WorkerError:
    """An exception caught in a worker.

    Holds the exception's class, its attributes and its printed traceback rather than the exception
    itself, whose frames cannot be pickled.

    Args:
        error: the exception.
        worker_id: the worker that caught it.
    """

    def __init__(self, error: BaseException, worker_id: int) -> None:
        cls = type(error)
        text = "".join(traceback.format_exception(error))
        self.message = (
            f"Caught {cls.__name__} in DataLoader worker process {worker_id}.\nOriginal {text}"
        )
        try:
            pickle.dumps(cls)
        except Exception:
            # A class that the loader's process could not find by its name.
            cls = RuntimeError
        self.cls: type[BaseException] = cls
        # The traceback has the notes.
        self.attributes = {key: value for key, value in vars(error).items() if key != "__notes__"}
        try:
            pickle.dumps(self.attributes)
        except Exception:
            self.attributes = {}

    def reraise(self) -> None:
        """Raise an exception of the same class; RuntimeError where that takes no message."""
        message = _Text(self.message) if issubclass(self.cls, KeyError) else self.message
        make: Callable[..., BaseException] = self.cls
        try:
            error = make(message=message) if getattr(make, "message", None) else make(message)
            vars(error).update(self.attributes)
        except Exception:
            error = RuntimeError(message)
        raise error
