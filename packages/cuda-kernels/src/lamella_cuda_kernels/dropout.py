"""Dropout on CUDA: one kernel draws, keeps or drops, and writes the result and the noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cupy
import numpy as np

from lamella_core.dispatch import override_kernel
from lamella_cuda_kernels.compiling import each_element, reduced_precision, takes
from lamella_cuda_kernels.philox import SOURCE as PHILOX
from lamella_cuda_kernels.random import source_of

if TYPE_CHECKING:
    from collections.abc import Callable

# As in PyTorch a thread takes a vector of places at a time, of up to 16 bytes, and fills it with
# the blocks of four words of its subsequence. Of a block two words are used where the vector has
# two places; where it has one, the four words go to places that lie all threads apart.
SOURCE = (
    PHILOX
    + """
struct alignas(4 * sizeof(T)) Four { T at[4]; };
extern "C" __global__ void dropout(const T *x, T *to, T *noise, long long count, double p,
                                   unsigned long long seed, unsigned long long offset,
                                   long long threads, long long blocks, int vector) {
    EACH(i, blocks) {
        long long number = i / threads, thread = i - number * threads, step = 1, first;
        int words = vector == 2 ? 2 : 4, parts = vector > 4 ? vector / 4 : 1;
        if (vector == 1) {
            step = threads;
            first = thread + 4 * number * threads;
        } else {
            first = (number / parts * threads + thread) * vector + number % parts * 4;
        }
        unsigned long long place = offset / 4 + number;
        unsigned int c[4] = {(unsigned int)place, (unsigned int)(place >> 32),
                             (unsigned int)thread, (unsigned int)(thread >> 32)};
        philox4(c, seed);
        float kept = 1 - p;
        A scale = 1 / (A)(1 - p);
        if (vector >= 4 && (size_t)x % sizeof(Four) == 0) {
            if (first >= count) continue;
            const Four given = *(const Four *)(x + first);
            Four factors, result;
            for (int w = 0; w < 4; w++) {
                A factor = of_32_bits(c[w], 1.0f) < kept ? scale : 0;
                factors.at[w] = down(factor);
                result.at[w] = down(up(given.at[w]) * factor);
            }
            *(Four *)(noise + first) = factors;
            *(Four *)(to + first) = result;
            continue;
        }
        for (int w = 0; w < words; w++) {
            long long at = first + w * step;
            if (at >= count) break;
            A factor = of_32_bits(c[w], 1.0f) < kept ? scale : 0;
            noise[at] = down(factor);
            to[at] = down(up(x[at]) * factor);
        }
    }
}
"""
)


def vector_of(count: int, itemsize: int) -> int:
    """How many places a thread takes at a time."""
    vector = 16 // itemsize
    while count % vector:
        vector //= 2
    return vector


def dropout_noise(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(input: Any, p: float, generator: Any) -> tuple[Any, Any]:
        if not (takes(input) and input.size):
            return below(input, p, generator)  # type: ignore[no-any-return]
        result, noise = cupy.empty(input.shape, input.dtype), cupy.empty(input.shape, input.dtype)
        input = cupy.ascontiguousarray(input)
        count = input.size
        seed, offset, threads = source_of(generator).reserve(count, 4)
        vector = vector_of(count, input.itemsize)
        # A turn of all threads fills their vectors, or four places each, with this many blocks.
        filled, parts = (4, 1) if vector == 1 else (vector, max(1, vector // 4))
        blocks = threads * parts * -(-count // (filled * threads))
        each_element(
            SOURCE, "dropout", input.dtype.char, blocks,
            input, result, noise, count, float(p), np.uint64(seed), np.uint64(offset),
            threads, blocks, np.int32(vector),
        )  # fmt: skip
        return result, noise

    return kernel


def register() -> None:
    """Puts the kernel over the one of ``random.py``."""
    override_kernel("dropout_noise", dropout_noise, "cuda")
