"""The losses on class indices, on CUDA: one pass over the scores, one over the losses."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import cupy

from lamella_cuda_kernels.compiling import (
    WEIGHTS,
    Lines,
    can_be_held,
    compiled,
    computed_type,
    each_element,
    each_held_row,
    put_over,
    reduced_precision,
    takes,
    weights_for,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# With w the weights of the classes, s the smoothing, p the probabilities and t the target, a row
# loses (1 - s) w_t (-log p_t) + s / classes sum_c w_c (-log p_c), and an ignored one nothing.
_LOSS = (
    WEIGHTS
    + """
#define WEIGHT(j) weight_at(weight, j, weight_wide, 1)
#define PARAMETERS \\
    const T *x, const long long *target, const void *weight, long long weight_wide, T *to, \\
    A *losses, A *weights, long long *wrong, long long ignored, double smoothing, long long rows, \\
    long long length
// A row's loss, by one thread; class j of the row is ``from[j * inner]``.
#define LOSE(inner)                                                                 \\
    long long t = target[r];                                                        \\
    A loss = 0, own = 0;                                                            \\
    if (t != ignored) {                                                             \\
        if (t < 0 || t >= length) {                                                 \\
            *wrong = t;                                                             \\
        } else {                                                                    \\
            own = WEIGHT(t);                                                        \\
            loss = (logarithm - (up(from[t * inner]) - top)) * own;                 \\
            if (smoothing) loss = (A)(1 - smoothing) * loss + (A)(smoothing / length) * even; \\
        }                                                                           \\
    }                                                                               \\
    losses[r] = loss;                                                               \\
    weights[r] = own;
"""
)
LINES = Lines(
    _LOSS
    + """
extern "C" __global__ void cross_entropy(PARAMETERS, long long inner) {
    ROWS(r, rows) {
        const T *from = x + BASE(r);
        T *share = to + BASE(r);
        A top = -INF, total = 0, even = 0;
        ELEMENTS(j) top = larger(up(from[j * inner]), top);
        top = ALL_MAX(top);
        ELEMENTS(j) total += exp(up(from[j * inner]) - top);
        total = ALL_SUM(total);
        A logarithm = log(total);
        if (smoothing) {
            ELEMENTS(j) even += (logarithm - (up(from[j * inner]) - top)) * WEIGHT(j);
            even = ALL_SUM(even);
        }
        ELEMENTS(j) share[j * inner] = down(exp(up(from[j * inner]) - top) / total);
        if (!LEADER) continue;
        LOSE(inner)
    }
}
extern "C" __global__ void cross_entropy_backward(const T *grad, long long grad_step, const T *p,
                                                  const long long *target, const void *weight,
                                                  long long weight_wide, const A *total,
                                                  long long mean, long long ignored,
                                                  double smoothing, T *to, long long rows,
                                                  long long length, long long inner) {
    ROWS(r, rows) {
        long long base = BASE(r), t = target[r];
        A factor = up(grad[r * grad_step]), sum = length;
        if (mean) factor /= *total;
        if (t == ignored) factor = 0;
        A hit = factor, even = 0;
        if (weight && t != ignored) hit *= WEIGHT(t);
        if (smoothing) {
            if (weight) {
                sum = 0;
                ELEMENTS(j) sum += WEIGHT(j);
                sum = ALL_SUM(sum);
            }
            hit *= (A)(1 - smoothing);
            even = factor * (A)(smoothing / length);
        }
        A all = hit + sum * even;
        ELEMENTS(j) {
            A slope = t == ignored ? 0 : up(p[base + j * inner]) * all - (j == t ? hit : 0);
            if (smoothing) slope -= even * WEIGHT(j);
            to[base + j * inner] = down(slope);
        }
    }
}
extern "C" __global__ void negative_likelihood(const T *x, const long long *target,
                                               const void *weight, long long weight_wide,
                                               A *losses, A *weights, long long *wrong,
                                               long long ignored, long long rows,
                                               long long length, long long inner) {
    EACH(r, rows) {
        long long t = target[r];
        A loss = 0, own = 0;
        if (t != ignored) {
            if (t < 0 || t >= length) {
                *wrong = t;
            } else {
                own = WEIGHT(t);
                loss = -up(x[BASE(r) + t * inner]) * own;
            }
        }
        losses[r] = loss;
        weights[r] = own;
    }
}
extern "C" __global__ void negative_likelihood_backward(const T *grad, long long grad_step,
                                                        const long long *target,
                                                        const void *weight, long long weight_wide,
                                                        const A *total, long long mean,
                                                        long long ignored, T *to, long long rows,
                                                        long long length, long long inner) {
    EACH(r, rows) {
        long long t = target[r];
        if (t == ignored || t < 0 || t >= length) continue;
        A factor = up(grad[r * grad_step]) * WEIGHT(t);
        to[BASE(r) + t * inner] = down(mean ? -factor / *total : -factor);
    }
}
extern "C" __global__ void loss_of_all(const A *losses, const A *weights, T *loss, A *total,
                                       long long rows, long long mean) {
    A sum = 0, weight = 0;
    for (long long r = threadIdx.x; r < rows; r += blockDim.x) {
        sum += losses[r];
        weight += weights[r];
    }
    sum = block_sum(sum);
    weight = block_sum(weight);
    if (!threadIdx.x) { *loss = down(mean ? sum / weight : sum); *total = weight; }
}
"""
)


# The same where the classes of a row are neighbours: each is read once.
_HELD = (
    _LOSS
    + """
extern "C" __global__ void cross_entropy(PARAMETERS) {
    EACH_BLOCK(r, rows) {
        const T *from = x + r * length;
        A held[HELD], top = -INF, total = 0, even = 0;
        for (int k = 0; k < HELD; k++) {
            held[k] = PLACE(k) < length ? up(from[PLACE(k)]) : -INF;
            top = larger(held[k], top);
        }
        top = block_max(top);
        for (int k = 0; k < HELD; k++)
            if (PLACE(k) < length) total += exp(held[k] - top);
        total = block_sum(total);
        A logarithm = log(total);
        if (smoothing) {
            for (int k = 0; k < HELD; k++)
                if (PLACE(k) < length) even += (logarithm - (held[k] - top)) * WEIGHT(PLACE(k));
            even = block_sum(even);
        }
        for (int k = 0; k < HELD; k++)
            if (PLACE(k) < length) to[r * length + PLACE(k)] = down(exp(held[k] - top) / total);
        if (threadIdx.x) continue;
        LOSE(1)
    }
}
"""
)


def _sizes(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """The rows, the classes, and the elements from one class to the next."""
    if len(shape) == 1:
        return 1, shape[0], 1
    places = prod(shape[2:])
    return shape[0] * places, shape[1], places


def _targets(target: Any) -> Any:
    return cupy.ascontiguousarray(target.astype(cupy.int64, copy=False))


def _reduced(
    losses: Any, weights: Any, dtype: Any, reduction: str, shape: tuple[int, ...]
) -> tuple[Any, Any]:
    """The loss, in the type that was asked for, and the sum of the weights."""
    rows = losses.size
    loss, total = cupy.empty((), dtype), cupy.empty((), losses.dtype)
    threads = min(1024, max(32, -(-rows // 32) * 32))
    compiled(LINES.by_block, "loss_of_all", dtype.char)(
        (1,), (threads,), (losses, weights, loss, total, rows, int(reduction == "mean"))
    )
    if reduction == "none":
        loss = losses.reshape(shape).astype(dtype, copy=False)
    return loss, total


def _check(wrong: Any, classes: int, ignore_index: int) -> None:
    """Waits for the kernel that wrote down a target that is no class; 0 stands for none."""
    number = int(wrong)
    if number:
        raise IndexError(
            f"Target {number} is out of bounds. (the input has {classes} classes, so targets "
            f"lie between 0 and {classes - 1}, or are ignore_index={ignore_index})"
        )


def cross_entropy_index(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(
        input: Any,
        target: Any,
        weight: Any,
        reduction: str,
        ignore_index: int,
        label_smoothing: float,
    ) -> tuple[Any, Any, Any]:
        rest = (target, weight, reduction, ignore_index, label_smoothing)
        if not (takes(input) and input.size):
            return below(input, *rest)  # type: ignore[no-any-return]
        dtype = input.dtype
        rows, classes, places = _sizes(input.shape)
        wide = computed_type(dtype)
        probabilities = cupy.empty(input.shape, dtype)
        losses, weights = cupy.empty((2, rows), wide)
        # A wrong target is written here; 0 is none, as it is always a class.
        wrong = cupy.zeros((), cupy.int64)
        given = (
            cupy.ascontiguousarray(input), _targets(target), *weights_for(weight, dtype),
            probabilities, losses, weights, wrong, int(ignore_index), float(label_smoothing),
        )  # fmt: skip
        if places == 1 and can_be_held(classes):
            each_held_row(_HELD, "cross_entropy", dtype.char, rows, classes, *given, rows, classes)
        else:
            LINES.run("cross_entropy", dtype.char, rows, classes, places, *given)
        loss, total = _reduced(losses, weights, dtype, reduction, target.shape)
        _check(wrong, classes, ignore_index)
        return loss, probabilities, total

    return kernel


def cross_entropy_index_backward(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
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
        if not (takes(probabilities, grad) and probabilities.size):
            return below(
                grad, probabilities, target, weight, total, reduction, ignore_index, label_smoothing
            )
        dtype = probabilities.dtype
        result = cupy.empty(probabilities.shape, dtype)
        LINES.run(
            "cross_entropy_backward", dtype.char, *_sizes(probabilities.shape),
            cupy.ascontiguousarray(grad), int(reduction == "none"),
            cupy.ascontiguousarray(probabilities), _targets(target), *weights_for(weight, dtype),
            total.astype(computed_type(dtype), copy=False), int(reduction == "mean"),
            int(ignore_index), float(label_smoothing), result,
        )  # fmt: skip
        return result

    return kernel


def nll_loss_index(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(
        input: Any, target: Any, weight: Any, reduction: str, ignore_index: int
    ) -> tuple[Any, Any]:
        if not (takes(input) and input.size):
            return below(input, target, weight, reduction, ignore_index)  # type: ignore[no-any-return]
        dtype = input.dtype
        rows, classes, places = _sizes(input.shape)
        losses, weights = cupy.empty((2, rows), computed_type(dtype))
        wrong = cupy.zeros((), cupy.int64)
        each_element(
            LINES.by_thread, "negative_likelihood", dtype.char, rows,
            cupy.ascontiguousarray(input), _targets(target), *weights_for(weight, dtype),
            losses, weights, wrong, int(ignore_index), rows, classes, places,
        )  # fmt: skip
        loss, total = _reduced(losses, weights, dtype, reduction, target.shape)
        _check(wrong, classes, ignore_index)
        return loss, total

    return kernel


def nll_loss_index_backward(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(
        grad: Any,
        target: Any,
        weight: Any,
        total: Any,
        sizes: tuple[int, ...],
        reduction: str,
        ignore_index: int,
    ) -> Any:
        if not (takes(grad) and prod(sizes) > 0):
            return below(grad, target, weight, total, sizes, reduction, ignore_index)
        dtype = grad.dtype
        result = cupy.zeros(sizes, dtype)
        rows, classes, places = _sizes(tuple(sizes))
        each_element(
            LINES.by_thread, "negative_likelihood_backward", dtype.char, rows,
            cupy.ascontiguousarray(grad), int(reduction == "none"), _targets(target),
            *weights_for(weight, dtype), total.astype(computed_type(dtype), copy=False),
            int(reduction == "mean"), int(ignore_index), result, rows, classes, places,
        )  # fmt: skip
        return result

    return kernel


def register() -> None:
    """Puts the kernels over the shared ones, which are above this package."""
    for override in (
        cross_entropy_index,
        cross_entropy_index_backward,
        nll_loss_index,
        nll_loss_index_backward,
    ):
        put_over(override.__name__, override)
