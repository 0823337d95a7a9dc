"""Switches of ``torch`` for results that repeat, and for the precision of matrix products."""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.dispatch import backends, kernel_of, load_backends, register_kernel, remove_kernel
from lamella_core.refusal import check_switches
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "are_deterministic_algorithms_enabled", "get_deterministic_debug_mode",
    "get_float32_matmul_precision", "is_deterministic_algorithms_warn_only_enabled",
    "set_deterministic_debug_mode", "set_float32_matmul_precision", "use_deterministic_algorithms",
]  # fmt: skip

# On CUDA these add with atomic operations, in an order that no one knows.
_UNORDERED = (
    "bincount", "index_add", "index_put", "index_reduce", "scatter", "scatter_add",
    "scatter_reduce",
)  # fmt: skip
# PyTorch refuses it on every device, since it says nothing of a place that is named twice.
_UNSAID = "put"
_state: dict[str, Any] = {"enabled": False, "warn_only": False, "precision": "highest"}
_replaced: list[tuple[str, str, Any]] = []


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Lets only such ops run as give the same result each time.

    On the CPU every op does but ``put_`` without ``accumulate``. On CUDA, those that add with
    atomic operations (``scatter_add``, ``index_add`` and so on) raise RuntimeError, too, or warn.
    What ``empty`` and its like make, and what ``resize_`` adds, is filled as in PyTorch: with NaN,
    the largest integer, True; unless ``utils.deterministic.fill_uninitialized_memory`` is False.

    Args:
        mode: on or off.
        warn_only: warn where an error would be.

    Raises:
        TypeError: when one is not a bool.
    """
    check_switches("use_deterministic_algorithms", mode=mode, warn_only=warn_only)
    _state.update(enabled=mode, warn_only=warn_only and mode)
    while _replaced:
        name, device, kernel = _replaced.pop()
        if kernel is None:
            remove_kernel(name, device)
        else:
            register_kernel(name, kernel, device)
    for name, function in _resizing.items():
        setattr(Tensor, name, _filling(function) if mode else function)
    if not mode:
        return
    load_backends()
    for device, backend in backends.items():
        names = ("empty", _UNSAID, *(_UNORDERED if device == "cuda" else ()))
        for name in names:
            try:
                kernel = kernel_of(name, backend)
            except NotImplementedError:
                continue
            _replaced.append((name, device, backend.kernels.get(name)))
            if name == "empty":
                stricter = _filled(kernel)
            else:
                on_cuda = device == "cuda"
                stricter = _refused(name, kernel, warn_only, on_cuda)
            register_kernel(name, stricter, device)


def _filled(kernel: Callable[..., Any]) -> Callable[..., Any]:
    def empty(size: Any, dtype: Any, device: Any) -> Any:
        array = kernel(size, dtype, device)
        if _fills():
            array[...] = _filler(dtype)
        return array

    return empty


def _fills() -> bool:
    # Not with the others, as importing lamella would then import it for the few who need it.
    from lamella.utils import deterministic

    return deterministic.fill_uninitialized_memory


def _filler(dtype: np.dtype) -> Any:
    """What memory that nothing was written to is filled with."""
    if dtype.kind in "iu":
        return np.iinfo(dtype).max
    return True if dtype.kind == "b" else np.nan


_resizing = {name: vars(Tensor)[name] for name in ("resize_", "resize_as_")}


def _filling(resize: Callable[..., Tensor]) -> Callable[..., Tensor]:
    @functools.wraps(resize)
    def resize_and_fill(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        before = self.untyped_storage().nbytes() // self.itemsize
        resize(self, *args, **kwargs)
        storage = self.untyped_storage()
        added = storage.nbytes() // self.itemsize - before
        if added > 0 and _fills():
            new = self.detach().new_empty(0).set_(storage, before, (added,), (1,))
            new.fill_(_filler(self.dtype.numpy))
        return self

    return resize_and_fill


def _refused(
    name: str, kernel: Callable[..., Any], warn_only: bool, on_cuda: bool
) -> Callable[..., Any]:
    way_out = ", or run the op on the CPU" if on_cuda else ""
    text = (
        f"{name}{' on CUDA' if on_cuda else ''} does not have a deterministic implementation, but "
        f"you set 'torch.use_deterministic_algorithms(True)'. Turn it off for this op, or pass "
        f"warn_only=True{way_out}"
    )

    def refuse(*args: Any) -> Any:
        if name == _UNSAID and args[-1] and not on_cuda:
            return kernel(*args)
        if not warn_only:
            raise RuntimeError(text)
        warnings.warn(text, UserWarning, stacklevel=4)
        return kernel(*args)

    return refuse


def are_deterministic_algorithms_enabled() -> bool:
    """Whether :func:`use_deterministic_algorithms` is on."""
    return _state["enabled"]


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether it is on and only warns."""
    return _state["warn_only"]


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """:func:`use_deterministic_algorithms` by a number or name.

    Args:
        debug_mode: 0 or ``default``, off; 1 or ``warn``; 2 or ``error``.

    Raises:
        TypeError, RuntimeError: for anything else.
    """
    if not isinstance(debug_mode, (int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    names = ("default", "warn", "error")
    known: tuple[Any, ...] = names if isinstance(debug_mode, str) else (0, 1, 2)
    if debug_mode not in known:
        expected = "0, 1, or 2" if isinstance(debug_mode, int) else f"one of {', '.join(names)}"
        raise RuntimeError(
            f"invalid value of debug_mode, expected {expected}, but got {debug_mode}"
        )
    level = known.index(debug_mode)
    use_deterministic_algorithms(level > 0, warn_only=level == 1)


def get_deterministic_debug_mode() -> int:
    """0 off, 1 warns, 2 raises."""
    return 0 if not _state["enabled"] else 1 if _state["warn_only"] else 2


def get_float32_matmul_precision() -> str:
    """``highest``, ``high`` or ``medium``."""
    return _state["precision"]


def set_float32_matmul_precision(precision: str) -> None:
    """Says how exact products of float32 matrices must be: ``highest``, ``high`` or ``medium``.

    The last two allow less than float32 where a backend has it: CuPy's TensorFloat-32, which its
    variable ``CUPY_TF32`` turns on. Another string warns; what is no string is a RuntimeError.
    """
    if not isinstance(precision, str):
        raise RuntimeError(
            f"set_float32_matmul_precision expects a str, but got {type(precision).__name__}"
        )
    if precision not in ("highest", "high", "medium"):
        warnings.warn(
            f"{precision} is not one of 'highest', 'high', or 'medium'; nothing is changed",
            UserWarning,
            stacklevel=2,
        )
        return
    _state["precision"] = precision
