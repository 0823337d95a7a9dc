"""Anomaly mode: which call in the forward pass a failing backward step belongs to."""

from __future__ import annotations

import threading
import warnings
from typing import TYPE_CHECKING, Any

from lamella_autograd.modes import ANOMALY
from lamella_autograd.node import node_of
from lamella_core.dispatch import modes
from lamella_core.refusal import check_switches
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_autograd.node import Node

TRACEBACK = "traceback_"
PARENT = "parent_"


class _Settings:
    check_nan = True


class _Running(threading.local):
    """The node whose step the calling thread is in: it made the nodes that are recorded then."""

    node: Node | None = None


_running = _Running()


_settings = _Settings()


def _switch(bit: int, check_nan: bool) -> None:
    modes.bits = modes.bits & ~ANOMALY | bit
    type(modes).of_new_threads = bit
    _settings.check_nan = check_nan


class set_detect_anomaly:
    """Switches anomaly mode: at once when called, and back after a ``with`` block.

    It holds in this thread and in those that start while it is on.

    Calls keep the traceback of where they were made. When their backward step raises, it is shown
    in a warning; a step that returns NaN is an error.

    Args:
        mode: on or off.
        check_nan: whether NaN is looked for.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        check_switches("set_detect_anomaly", enabled=mode, check_nan=check_nan)
        self._before = (modes.bits & ANOMALY, _settings.check_nan)
        _switch(ANOMALY if mode else 0, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        _switch(*self._before)


class detect_anomaly:
    """Anomaly mode for a ``with`` block; see :class:`set_detect_anomaly`. Slow: for debugging.

    Args:
        check_nan: whether a backward step that returns NaN is an error.
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        self._inner: list[set_detect_anomaly] = []
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should "
            "only be enabled for debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        self._inner.append(set_detect_anomaly(True, self.check_nan))

    def __exit__(self, *exc: object) -> None:
        self._inner.pop().__exit__(*exc)


def is_anomaly_enabled() -> bool:
    """Whether this thread is in anomaly mode."""
    return bool(modes.bits & ANOMALY)


def is_anomaly_check_nan_enabled() -> bool:
    """Whether anomaly mode looks for NaN."""
    return _settings.check_nan


def set_anomaly_enabled(enabled: bool, check_nan: bool = True) -> None:
    """Switches anomaly mode of this thread, see :class:`set_detect_anomaly`."""
    check_switches("set_anomaly_enabled", enabled=enabled, check_nan=check_nan)
    set_detect_anomaly(enabled, check_nan)


def keep_traceback(node: Node) -> None:
    """Notes in a node where the call that it records was made."""
    import traceback

    node.metadata[TRACEBACK] = traceback.format_stack()[:-2]
    if _running.node is not None:
        node.metadata[PARENT] = _running.node


def tracing(record: Callable[..., Any]) -> Callable[..., Any]:
    """A recorder whose nodes know where they were made."""

    def trace(*args: Any) -> Any:
        result = record(*args)
        first = result[0] if isinstance(result, (tuple, list)) else result
        if isinstance(first, Tensor) and first._graph is not None:
            keep_traceback(node_of(first._graph))
        return result

    return trace


def checked_apply(node: Node, grad: Any) -> Any:
    """A node's step: an error tells where the call was made; NaN is an error.

    Raises:
        RuntimeError: when a gradient has a NaN and they are looked for.
    """
    outer = _running.node
    _running.node = node
    try:
        grads = node.apply(grad)
    except Exception:
        _show(node)
        raise
    finally:
        _running.node = outer
    if _settings.check_nan:
        for i, each in enumerate(grads):
            if each is not None and bool((each != each).any()):
                _show(node)
                raise RuntimeError(
                    f"Function '{node.name()}' returned nan values in its {i}th output."
                )
    return grads


def _show(node: Node) -> None:
    lines = node.metadata.get(TRACEBACK)
    if lines is None:
        text = (
            "No forward pass information available. Enable detect anomaly during forward pass "
            "for more information."
        )
    else:
        text = f"Traceback of forward call that caused the error:\n{''.join(lines)}"
    warnings.warn(f"Error detected in {node.name()}. {text}", stacklevel=2)
    parent = node.metadata.get(PARENT)
    while parent is not None:
        made = "".join(parent.metadata.get(TRACEBACK, ["  (not known)\n"]))
        warnings.warn(
            f"\n\nPrevious calculation was induced by {parent.name()}. Traceback of forward call "
            f"that induced the previous calculation:\n{made}",
            stacklevel=2,
        )
        parent = parent.metadata.get(PARENT)
