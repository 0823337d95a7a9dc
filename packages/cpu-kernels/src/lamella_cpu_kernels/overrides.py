"""Which ops have a native kernel, and when it serves a call."""

from __future__ import annotations

import ctypes
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.backends.numpy_blocks import casts, is_reduced
from lamella_core.backends.numpy_kernels.few import numbers
from lamella_core.dispatch import override_kernel
from lamella_core.dtype import bfloat16, float16, float32
from lamella_core.kernels import arithmetic, operators
from lamella_core.kernels.gathering import same_elsewhere
from lamella_core.offers import room
from lamella_core.parallel import thread_count
from lamella_core.quiet import quiet
from lamella_core.random.generator import steps
from lamella_cpu_kernels import _native
from lamella_cpu_kernels.depthwise import (
    convolution,
    convolution_input_grad,
    convolution_weight_grad,
)
from lamella_cpu_kernels.types_taken import taking_the_types_of

if TYPE_CHECKING:
    from collections.abc import Callable

    Kernel = Callable[..., Any]

_PLACES = np.dtype(np.int64)
# In elements: above it NumPy's vector exponential is faster than a call saves.
SMALL_SCORES = 8192
# From so many elements on a look at the types costs nothing beside a conversion.
MANY = 4096


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

    return taking_the_types_of(below, kernel)


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

    return taking_the_types_of(below, kernel)


def threshold_backward(below: Kernel) -> Kernel:
    native, empty_like = _native.threshold_backward, np.empty_like

    def kernel(grad: Any, input: Any, threshold: float) -> Any:
        if grad.shape == input.shape:
            result = empty_like(grad)
            if native(grad, input, threshold, result):
                return result
        return below(grad, input, threshold)

    return kernel


def _bits(array: Any) -> Any:
    # bfloat16 has no buffer that C++ could take.
    return array.view(np.uint16) if array.dtype.kind == "V" else array


def _over_rows(native: Kernel, of_half: Kernel, below: Kernel) -> Kernel:
    def kernel(input: Any, dim: int) -> Any:
        if dim == input.ndim - 1 and input.flags.c_contiguous:
            if input.dtype.char == "f":
                result = room(np, input.shape, input.dtype, True)
                if native(input, result, thread_count()):
                    return result
            elif is_reduced(input):
                result = room(np, input.shape, input.dtype, True)
                brain = input.dtype.kind == "V"
                if of_half(_bits(input), _bits(result), brain, thread_count()):
                    return result
        return below(input, dim)

    return taking_the_types_of(below, kernel)


def softmax(below: Kernel) -> Kernel:
    return _over_rows(_native.softmax, _native.softmax_of_half, below)


def log_softmax(below: Kernel) -> Kernel:
    return _over_rows(_native.log_softmax, _native.log_softmax_of_half, below)


def prod(below: Kernel) -> Kernel:
    native: Kernel = _native.product

    def kernel(input: Any, axis: Any, keepdims: bool) -> Any:
        if input.size >= MANY and input.dtype.char in "fd" and input.flags.c_contiguous:
            kept = None
            if axis is None:
                kept = (1,) * input.ndim if keepdims else ()
            elif axis == input.ndim - 1:
                kept = input.shape[:-1] + ((1,) if keepdims else ())
            if kept is not None:
                result = np.empty(kept, input.dtype)
                if native(input, result, thread_count()):
                    return result
        return below(input, axis, keepdims)

    return taking_the_types_of(below, kernel)


def _running(high: bool, below: Kernel) -> Kernel:
    native = _native.cumulative_extrema

    def kernel(input: Any, axis: int) -> Any:
        if input.dtype.char in "fdl" and input.flags.c_contiguous:
            values = room(np, input.shape, input.dtype, True)
            places = room(np, input.shape, _PLACES, True)
            if native(input, values, places, axis, high):
                return values, places
        return below(input, axis)

    return taking_the_types_of(below, kernel)


def cummax(below: Kernel) -> Kernel:
    return _running(True, below)


def cummin(below: Kernel) -> Kernel:
    return _running(False, below)


def index_add(below: Kernel) -> Kernel:
    native: Kernel = _native.index_add

    def kernel(input: Any, dim: int, index: Any, source: Any, alpha: Any) -> None:
        if dim or alpha != 1 or not native(input, index, source):
            below(input, dim, index, source, alpha)

    return taking_the_types_of(below, kernel)


def gather(below: Kernel) -> Kernel:
    native: Kernel = _native.gather

    def kernel(input: Any, dim: int, index: Any) -> Any:
        # A result that the native kernel refuses would be held beside the one of the kernel below.
        if (
            index.size
            and input.itemsize <= 8
            and input.flags.c_contiguous
            and index.flags.c_contiguous
            and same_elsewhere(index.shape, input.shape, dim)
        ):
            result = room(np, index.shape, input.dtype, True)
            if native(_bits(input), dim, index, _bits(result), thread_count()):
                return result
        return below(input, dim, index)

    return taking_the_types_of(below, kernel)


def scatter(below: Kernel) -> Kernel:
    native: Kernel = _native.scatter

    def kernel(input: Any, dim: int, index: Any, src: Any) -> None:
        source = src
        if src.__class__ is not np.ndarray:
            source = np.asarray(input.dtype.type(src))
        if (
            not input.flags.c_contiguous
            or (source.ndim and source.shape != index.shape)
            or not native(_bits(input), dim, index, _bits(source), False, thread_count())
        ):
            below(input, dim, index, src)

    return taking_the_types_of(below, kernel)


def scatter_add(below: Kernel) -> Kernel:
    native: Kernel = _native.scatter

    def kernel(input: Any, dim: int, index: Any, src: Any) -> None:
        if src.shape != index.shape or not native(input, dim, index, src, True, thread_count()):
            below(input, dim, index, src)

    return taking_the_types_of(below, kernel)


def index_put(below: Kernel) -> Kernel:
    native: Kernel = _native.add_at

    def kernel(input: Any, indices: Any, dims: Any, values: Any, accumulate: bool) -> None:
        first = indices[0].shape
        if (
            not accumulate
            or dims != tuple(range(len(dims)))
            or any(each.shape != first for each in indices)
            or values.shape != first + input.shape[len(dims) :]
            or not native(input, list(indices), values)
        ):
            below(input, indices, dims, values, accumulate)

    return taking_the_types_of(below, kernel)


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


def install_ufuncs() -> None:
    """Puts ufuncs with loops of their own over NumPy's, and the conversions that they offer."""
    half, brain, single = (each.numpy for each in (float16, bfloat16, float32))
    found = _native.ufuncs(brain.num)
    for name, ufunc in (
        *(("add", "add"), ("sub", "subtract"), ("mul", "multiply"), ("div", "true_divide")),
        *(("maximum", "maximum"), ("minimum", "minimum")),
        *(("clamp_min", "maximum"), ("clamp_max", "minimum")),
    ):
        override_kernel(name, _instead(found[ufunc]), "cpu")
    names = SimpleNamespace(**found)
    for name, kernel in (
        ("floor_divide", operators.floor_divide),
        ("div_floor", operators.floor_divide),
        ("remainder", operators.remainder),
        ("fmod", arithmetic.fmod),
    ):
        override_kernel(name, _instead(partial(quiet(kernel), names)), "cpu")
    override_kernel("relu", lambda below: _relu(below, found["maximum"]), "cpu")
    for narrow in (half, brain):
        casts[narrow, single] = found["widen"]
        casts[single, narrow] = found[f"to_{narrow.name}"]


def _relu(below: Kernel, maximum: Kernel) -> Kernel:
    # Few numbers, and half precision, take the maximum as they do below.
    def kernel(input: Any, out: Any = None) -> Any:
        if input.size >= MANY and input.itemsize > 2:
            return below(input, out)
        return maximum(input, numbers(input.dtype, 0)[0], out=out)

    return kernel


def _instead(kernel: Kernel) -> Callable[[Kernel], Kernel]:
    return lambda below: kernel


def to_dtype(below: Kernel) -> Kernel:
    def kernel(input: Any, dtype: Any) -> Any:
        # Repeated elements the kernel below lays out as PyTorch does.
        if input.size >= MANY and 0 not in input.strides:
            cast = casts.get((input.dtype, dtype.numpy))
            if cast is not None:
                return cast(input)
        return below(input, dtype)

    return kernel


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
        prod,
        cummax,
        cummin,
        convolution,
        convolution_input_grad,
        convolution_weight_grad,
        index_add,
        gather,
        scatter,
        scatter_add,
        index_put,
        to_dtype,
    ):
        override_kernel(override.__name__, override, "cpu")
    for step in (draw, normal, swap) if knows_twister() else (normal, swap):
        steps[step.__name__] = step(steps[step.__name__])
    install_ufuncs()
