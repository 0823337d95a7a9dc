"""Layer and batch normalization on CUDA: the mean, then the variance around it, then one pass.

Statistics are float32 for float16 and bfloat16, and are kept so for the gradient.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import cupy

from lamella_cuda_kernels.compiling import (
    WEIGHTS,
    can_be_held,
    computed_type,
    each_element,
    each_held_row,
    each_row,
    put_over,
    reduced_precision,
    takes,
    weights_for,
)

if TYPE_CHECKING:
    from collections.abc import Callable

LAYER = (
    WEIGHTS
    + """
#define ELEMENTS(j) for (long long j = threadIdx.x; j < length; j += blockDim.x)
extern "C" __global__ void layer_norm(const T *x, T *y, A *means, A *rstds, const void *weight,
                                      long long weight_wide, const void *bias, long long bias_wide,
                                      long long rows, long long length, double eps) {
    EACH_BLOCK(r, rows) {
        const T *from = x + r * length;
        T *to = y + r * length;
        A sum = 0, squares = 0;
        ELEMENTS(j) sum += up(from[j]);
        A mean = block_sum(sum) / length;
        ELEMENTS(j) { A d = up(from[j]) - mean; squares += d * d; }
        A rstd = 1 / sqrt(block_sum(squares) / length + (A)eps);
        ELEMENTS(j) {
            A normal = (up(from[j]) - mean) * rstd;
            to[j] = down(normal * weight_at(weight, j, weight_wide, 1)
                         + weight_at(bias, j, bias_wide, 0));
        }
        if (!threadIdx.x) { means[r] = mean; rstds[r] = rstd; }
    }
}
extern "C" __global__ void layer_norm_backward(const T *grad, const T *x, T *to, const A *means,
                                               const A *rstds, const void *weight,
                                               long long weight_wide, long long rows,
                                               long long length) {
    EACH_BLOCK(r, rows) {
        long long base = r * length;
        A mean = means[r], rstd = rstds[r], sum = 0, inner = 0;
        ELEMENTS(j) {
            A slope = up(grad[base + j]) * weight_at(weight, j, weight_wide, 1);
            sum += slope;
            inner += slope * (up(x[base + j]) - mean);
        }
        sum = block_sum(sum) / length;
        inner = block_sum(inner) * rstd * rstd / length;
        ELEMENTS(j) {
            A slope = up(grad[base + j]) * weight_at(weight, j, weight_wide, 1);
            to[base + j] = down((slope - sum - (up(x[base + j]) - mean) * inner) * rstd);
        }
    }
}
// Each thread adds up a part of a column; ``sums`` is (2, parts, length).
extern "C" __global__ void layer_norm_columns(const T *grad, const T *x, const A *means,
                                              const A *rstds, A *sums, long long rows,
                                              long long length, long long parts) {
    EACH(i, parts * length) {
        long long part = i / length, j = i % length;
        long long stop = (part + 1) * rows / parts;
        A to_weight = 0, to_bias = 0;
        for (long long r = part * rows / parts; r < stop; r++) {
            A slope = up(grad[r * length + j]);
            to_weight += slope * (up(x[r * length + j]) - means[r]) * rstds[r];
            to_bias += slope;
        }
        sums[i] = to_weight;
        sums[parts * length + i] = to_bias;
    }
}
"""
)

_HELD = (
    WEIGHTS
    + """
extern "C" __global__ void layer_norm(const T *x, T *y, A *means, A *rstds, const void *weight,
                                      long long weight_wide, const void *bias, long long bias_wide,
                                      long long rows, long long length, double eps) {
    // The weights of short rows are few enough for registers, and come before the sums are needed.
#if HELD <= 4
    A scale[HELD], shift[HELD];
    for (int k = 0; k < HELD; k++) {
        bool there = PLACE(k) < length;
        scale[k] = there ? weight_at(weight, PLACE(k), weight_wide, 1) : 0;
        shift[k] = there ? weight_at(bias, PLACE(k), bias_wide, 0) : 0;
    }
#define SCALE(k) scale[k]
#define SHIFT(k) shift[k]
#else
#define SCALE(k) weight_at(weight, PLACE(k), weight_wide, 1)
#define SHIFT(k) weight_at(bias, PLACE(k), bias_wide, 0)
#endif
    EACH_BLOCK(r, rows) {
        const T *from = x + r * length;
        T *to = y + r * length;
        A held[HELD], sum = 0, squares = 0;
        for (int k = 0; k < HELD; k++) {
            held[k] = PLACE(k) < length ? up(from[PLACE(k)]) : 0;
            sum += held[k];
        }
        A mean = block_sum(sum) / length;
        for (int k = 0; k < HELD; k++) {
            held[k] -= mean;
            if (PLACE(k) < length) squares += held[k] * held[k];
        }
        A rstd = 1 / sqrt(block_sum(squares) / length + (A)eps);
        for (int k = 0; k < HELD; k++)
            if (PLACE(k) < length) to[PLACE(k)] = down(held[k] * rstd * SCALE(k) + SHIFT(k));
        if (!threadIdx.x) { means[r] = mean; rstds[r] = rstd; }
    }
}
"""
)

# A block takes a channel of (batch, channels, places).
BATCH = (
    WEIGHTS
    + """
__device__ __forceinline__ long long over(long long k, long long n) {
    return (k | n) >> 31 ? k / n : (long long)((unsigned int)k / (unsigned int)n);
}
#define ELEMENTS(i)                                                     \\
    for (long long k = threadIdx.x, b = over(k, places), i; k < count   \\
         && (b = over(k, places), i = (b * channels + c) * places + k - b * places, true); \\
         k += blockDim.x)
extern "C" __global__ void batch_norm_statistics(const T *x, A *means, A *variances,
                                                 long long batch, long long channels,
                                                 long long places) {
    long long count = batch * places;
    EACH_BLOCK(c, channels) {
        A sum = 0, squares = 0;
        ELEMENTS(i) sum += up(x[i]);
        A mean = block_sum(sum) / count;
        ELEMENTS(i) { A d = up(x[i]) - mean; squares += d * d; }
        A variance = block_sum(squares) / count;
        if (!threadIdx.x) { means[c] = mean; variances[c] = variance; }
    }
}
extern "C" __global__ void batch_norm(const T *x, T *y, const A *means, const A *variances,
                                      const void *weight, long long weight_wide, const void *bias,
                                      long long bias_wide, long long batch, long long channels,
                                      long long places, double eps) {
    EACH(i, batch * channels * places) {
        long long row = over(i, places), c = row - over(row, channels) * channels;
        A normal = (up(x[i]) - means[c]) / sqrt(variances[c] + (A)eps);
        y[i] = down(normal * weight_at(weight, c, weight_wide, 1)
                    + weight_at(bias, c, bias_wide, 0));
    }
}
extern "C" __global__ void batch_norm_sums(const T *grad, const T *x, const A *means,
                                           const A *variances, A *to_weight, A *to_bias,
                                           long long batch, long long channels, long long places,
                                           double eps) {
    long long count = batch * places;
    EACH_BLOCK(c, channels) {
        A mean = means[c], sum = 0, inner = 0;
        ELEMENTS(i) { A slope = up(grad[i]); sum += slope; inner += slope * (up(x[i]) - mean); }
        sum = block_sum(sum);
        inner = block_sum(inner);
        if (!threadIdx.x) {
            to_weight[c] = inner / sqrt(variances[c] + (A)eps);
            to_bias[c] = sum;
        }
    }
}
extern "C" __global__ void batch_norm_backward(const T *grad, const T *x, T *to, const A *means,
                                               const A *variances, const A *to_weight,
                                               const A *to_bias, const void *weight,
                                               long long weight_wide, long long batch,
                                               long long channels, long long places, double eps) {
    A count = batch * places;
    EACH(i, batch * channels * places) {
        long long row = over(i, places), c = row - over(row, channels) * channels;
        A rstd = 1 / sqrt(variances[c] + (A)eps);
        A normal = (up(x[i]) - means[c]) * rstd;
        to[i] = down((up(grad[i]) - to_bias[c] / count - normal * to_weight[c] / count)
                     * rstd * weight_at(weight, c, weight_wide, 1));
    }
}
"""
)


def _plain(*arrays: Any) -> list[Any]:
    return [cupy.ascontiguousarray(each) for each in arrays]


def native_layer_norm(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(
        input: Any, sizes: tuple[int, ...], weight: Any, bias: Any, eps: float
    ) -> tuple[Any, Any, Any]:
        if not (takes(input) and input.size):
            return below(input, sizes, weight, bias, eps)  # type: ignore[no-any-return]
        dtype, length = input.dtype, prod(sizes)
        lead = input.shape[: input.ndim - len(sizes)]
        rows = prod(lead)
        output = cupy.empty(input.shape, dtype)
        mean, rstd = (
            cupy.empty((*lead, *[1] * len(sizes)), computed_type(dtype)) for _ in range(2)
        )
        run, source = (each_held_row, _HELD) if can_be_held(length) else (each_row, LAYER)
        run(
            source, "layer_norm", dtype.char, rows, length,
            *_plain(input), output, mean, rstd, *weights_for(weight, dtype),
            *weights_for(bias, dtype), rows, length, float(eps),
        )  # fmt: skip
        return output, mean, rstd

    return kernel


# With so many threads, each adding up a part of a column, the device is busy.
_THREADS_OF_COLUMNS = 1 << 17


def native_layer_norm_backward(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(
        grad: Any, input: Any, sizes: tuple[int, ...], weight: Any, mean: Any, rstd: Any
    ) -> tuple[Any, Any, Any]:
        if not (takes(input, grad) and input.size):
            return below(grad, input, sizes, weight, mean, rstd)  # type: ignore[no-any-return]
        dtype, length = input.dtype, prod(sizes)
        wide = computed_type(dtype)
        rows = input.size // length
        grad, input = _plain(grad, input)
        statistics = _plain(mean.astype(wide, copy=False), rstd.astype(wide, copy=False))
        to_input = cupy.empty(input.shape, dtype)
        each_row(
            LAYER, "layer_norm_backward", dtype.char, rows, length,
            grad, input, to_input, *statistics, *weights_for(weight, dtype), rows, length,
        )  # fmt: skip
        parts = max(1, min(-(-rows // 8), _THREADS_OF_COLUMNS // length))
        sums = cupy.empty((2, parts, length), wide)
        each_element(
            LAYER, "layer_norm_columns", dtype.char, parts * length,
            grad, input, *statistics, sums, rows, length, parts,
        )  # fmt: skip
        sums = sums.sum(1) if parts > 1 else sums[:, 0]
        kept = dtype if weight is None else weight.dtype
        to_weight, to_bias = sums.astype(kept, copy=False).reshape(2, *sizes)
        return to_input, to_weight, to_bias

    return kernel


def _channels(input: Any) -> tuple[int, int, int]:
    return input.shape[0], input.shape[1], prod(input.shape[2:])


def native_batch_norm(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(input: Any, weight: Any, bias: Any, eps: float) -> tuple[Any, Any, Any]:
        if not (takes(input) and input.size):
            return below(input, weight, bias, eps)  # type: ignore[no-any-return]
        dtype = input.dtype
        batch, channels, places = sizes = _channels(input)
        (input,) = _plain(input)
        output = cupy.empty(input.shape, dtype)
        mean, variance = (cupy.empty((channels,), computed_type(dtype)) for _ in range(2))
        each_row(
            BATCH, "batch_norm_statistics", dtype.char, channels, batch * places,
            input, mean, variance, *sizes,
        )  # fmt: skip
        each_element(
            BATCH, "batch_norm", dtype.char, input.size,
            input, output, mean, variance, *weights_for(weight, dtype), *weights_for(bias, dtype),
            *sizes, float(eps),
        )  # fmt: skip
        return output, mean, variance

    return kernel


def native_batch_norm_backward(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(
        grad: Any, input: Any, weight: Any, mean: Any, variance: Any, eps: float
    ) -> tuple[Any, Any, Any]:
        if not (takes(input, grad) and input.size):
            return below(grad, input, weight, mean, variance, eps)  # type: ignore[no-any-return]
        dtype = input.dtype
        wide = computed_type(dtype)
        batch, channels, places = sizes = _channels(input)
        grad, input = _plain(grad, input)
        statistics = _plain(mean.astype(wide, copy=False), variance.astype(wide, copy=False))
        to_input = cupy.empty(input.shape, dtype)
        to_weight, to_bias = (cupy.empty((channels,), wide) for _ in range(2))
        each_row(
            BATCH, "batch_norm_sums", dtype.char, channels, batch * places,
            grad, input, *statistics, to_weight, to_bias, *sizes, float(eps),
        )  # fmt: skip
        each_element(
            BATCH, "batch_norm_backward", dtype.char, input.size,
            grad, input, to_input, *statistics, to_weight, to_bias, *weights_for(weight, dtype),
            *sizes, float(eps),
        )  # fmt: skip
        kept = dtype if weight is None else weight.dtype
        return to_input, to_weight.astype(kept, copy=False), to_bias.astype(kept, copy=False)

    return kernel


def register() -> None:
    """Puts the kernels over the shared ones, which are above this package."""
    for override in (
        native_layer_norm,
        native_layer_norm_backward,
        native_batch_norm,
        native_batch_norm_backward,
    ):
        put_over(override.__name__, override)
