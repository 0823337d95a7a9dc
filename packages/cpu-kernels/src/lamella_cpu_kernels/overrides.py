"""Which ops have a native kernel, and when it serves a call."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.dispatch import override_kernel
from lamella_core.offers import room
from lamella_core.parallel import thread_count
from lamella_core.random.generator import steps
from lamella_cpu_kernels import _native

if TYPE_CHECKING:
    from collections.abc import Callable

    Kernel = Callable[..., Any]

_PLACES = np.dtype(np.int64)
# In elements: above it NumPy's vector exponential is faster than a call saves.
SMALL_SCORES = 8192


def sgd_momentum_step(below: Kernel) -> Kernel:
    native: Kernel = _native.sgd_momentum

    def kernel(params: Any, *rest: Any) -> None:
        if not native(params, *rest, thread_count()):
            below(params, *rest)

    return kernel


def adam_step(below: Kernel) -> Kernel:
    native: Kernel = _native.adam

    def kernel(params: Any, *rest: Any) -> None:
        if not native(params, *rest, thread_count()):
            below(params, *rest)

    return kernel


def _taking_the_types_of(below: Kernel, kernel: Kernel) -> Kernel:
    """Half precision reaches the kernel below unconverted where that one takes it."""
    if getattr(below, "reduced_precision", False):
        kernel.reduced_precision = True  # type: ignore[attr-defined]
    return kernel


def cross_entropy_index(below: Kernel) -> Kernel:
    native, empty, empty_like, asarray = _native.cross_entropy, np.empty, np.empty_like, np.asarray

    def kernel(
        input: Any,
        target: Any,
        weight: Any,
        reduction: str,
        ignore_index: int,
        label_smoothing: float,
    ) -> Any:
        if (
            weight is None
            and not label_smoothing
            and reduction != "none"
            and input.size <= SMALL_SCORES
        ):
            probabilities = empty_like(input)
            loss = empty((), input.dtype)
            if native(input, target, probabilities, loss, ignore_index, reduction == "mean"):
                return loss, probabilities, asarray(target.size, input.dtype)
        return below(input, target, weight, reduction, ignore_index, label_smoothing)

    return _taking_the_types_of(below, kernel)


def cross_entropy_index_backward(below: Kernel) -> Kernel:
    native, empty_like = _native.cross_entropy_backward, np.empty_like

    def kernel(
        grad: Any,
        probabilities: Any,
        target: Any,
        weight: Any,
        total: Any,
        reduction: str,
        ignore_index: int,
        label_smoothing: float,
    ) -> Any:
        # With a class that is ignored, ``total`` is not the number of targets.
        if (
            weight is None
            and not label_smoothing
            and reduction != "none"
            and total == target.size
            and probabilities.size <= SMALL_SCORES
        ):
            result = empty_like(probabilities)
            factor = grad / total if reduction == "mean" else grad
            if native(probabilities, target, result, float(factor)):
                return result
        return below(
            grad, probabilities, target, weight, total, reduction, ignore_index, label_smoothing
        )

    return _taking_the_types_of(below, kernel)


def threshold_backward(below: Kernel) -> Kernel:
    native, empty_like = _native.threshold_backward, np.empty_like

    def kernel(grad: Any, input: Any, threshold: float) -> Any:
        if grad.shape == input.shape:
            result = empty_like(grad)
            if native(grad, input, threshold, result):
                return result
        return below(grad, input, threshold)

    return kernel


def _over_rows(native: Kernel, below: Kernel) -> Kernel:
    def kernel(input: Any, dim: int) -> Any:
        if dim == input.ndim - 1 and input.dtype.char == "f" and input.flags.c_contiguous:
            result = room(np, input.shape, input.dtype, True)
            if native(input, result, thread_count()):
                return result
        return below(input, dim)

    return _taking_the_types_of(below, kernel)


def softmax(below: Kernel) -> Kernel:
    return _over_rows(_native.softmax, below)


def log_softmax(below: Kernel) -> Kernel:
    return _over_rows(_native.log_softmax, below)


def _running(high: bool, below: Kernel) -> Kernel:
    native = _native.cumulative_extrema

    def kernel(input: Any, axis: int) -> Any:
        if input.dtype.char in "fdl" and input.flags.c_contiguous:
            values = room(np, input.shape, input.dtype, True)
            places = room(np, input.shape, _PLACES, True)
            if native(input, values, places, axis, high):
                return values, places
        return below(input, axis)

    return _taking_the_types_of(below, kernel)


def cummax(below: Kernel) -> Kernel:
    return _running(True, below)


def cummin(below: Kernel) -> Kernel:
    return _running(False, below)


def index_add(below: Kernel) -> Kernel:
    native: Kernel = _native.index_add

    def kernel(input: Any, dim: int, index: Any, source: Any, alpha: Any) -> None:
        if dim or alpha != 1 or not native(input, index, source):
            below(input, dim, index, source, alpha)

    return _taking_the_types_of(below, kernel)


def draw(below: Kernel) -> Kernel:
    native: Kernel = _native.draw_words

    def step(bits: Any, count: int) -> Any:
        words = np.empty(count, np.uint64)
        if native(bits.ctypes.state_address, words):
            return words
        return below(bits, count)

    return step


def normal(below: Kernel) -> Kernel:
    native: Kernel = _native.normal_blocks

    def step(words: Any, out: Any, mean: float, std: float) -> None:
        if not native(words, out, mean, std):
            below(words, out, mean, std)

    step.takes_few = True  # type: ignore[attr-defined]
    return step


def swap(below: Kernel) -> Kernel:
    native: Kernel = _native.swaps

    def step(values: Any, words: Any) -> None:
        if not native(values, words):
            below(values, words)

    step.takes_few = True  # type: ignore[attr-defined]
    return step


def knows_twister() -> bool:
    """Whether NumPy keeps the state of its twister as the native kernel takes it."""
    bits = np.random.MT19937(0)
    bits.random_raw(700, False)
    state = bits.state["state"]
    kept = (ctypes.c_uint32 * 625).from_address(bits.ctypes.state_address)
    return list(kept) == [*state["key"].tolist(), state["pos"]]


def install() -> None:
    """Puts the native kernels over those that are registered for the CPU, now or later."""
    for override in (
        sgd_momentum_step,
        adam_step,
        cross_entropy_index,
        cross_entropy_index_backward,
        threshold_backward,
        softmax,
        log_softmax,
        cummax,
        cummin,
        index_add,
    ):
        override_kernel(override.__name__, override, "cpu")
    for step in (draw, normal, swap) if knows_twister() else (normal, swap):
        steps[step.__name__] = step(steps[step.__name__])
